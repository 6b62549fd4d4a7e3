import { silentLogger } from "../../../sidecar/runtime/index.ts";
import {
  createWebTransportFactory,
  type WebTransportFactory,
} from "../../../sidecar/transport/webtransport/index.ts";
import { createTestCluster } from "../../support/certificates.ts";

/** PEM texts of one node. */
interface Pems {
  readonly certificate: string;
  readonly privateKey: string;
  readonly authority: string;
}

/** Credentials of both ends under one authority: the server's own, and the client's as JSON. */
export async function makeCredentials(): Promise<{ server: Pems; clientJson: string }> {
  const cluster = await createTestCluster();
  const [server, client] = await Promise.all(
    ["server", "client"].map(async (nodeId) => {
      const leaf = await cluster.leaf(nodeId);
      return {
        certificate: leaf.certificatePem,
        privateKey: leaf.privateKeyPem,
        authority: cluster.authority.certificatePem,
      };
    }),
  );
  if (server === undefined) throw new Error("no server");
  return { server, clientJson: JSON.stringify(client) };
}

/** @returns a factory with mutual TLS. */
export async function factoryOf(pems: Pems): Promise<WebTransportFactory> {
  return createWebTransportFactory({
    credentials: {
      certificate: { pem: pems.certificate },
      privateKey: { pem: pems.privateKey },
      authorities: [{ pem: pems.authority }],
    },
    logger: silentLogger,
  });
}

/** @returns what `makeCredentials` made for the client. */
export function clientPems(json: string): Pems {
  return JSON.parse(json) as Pems;
}
