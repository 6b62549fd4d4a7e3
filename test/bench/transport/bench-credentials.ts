import { silentLogger } from "../../../sidecar/runtime/index.ts";
import {
  createWebTransportFactory,
  type WebTransportFactory,
} from "../../../sidecar/transport/webtransport/index.ts";
import { createTestCluster } from "../../support/certificates.ts";

/** PEM texts of a leaf. */
export interface LeafPems {
  readonly certificate: string;
  readonly privateKey: string;
}

/**
 * Credentials of both ends under one authority. Made by the parent process: the library that issues
 * them would triple the heap of what is measured, and with it every collection.
 */
export interface BenchPems {
  readonly authority: string;
  readonly server: LeafPems;
  readonly client: LeafPems;
}

/** Issues the credentials of a run. */
export async function makePems(): Promise<BenchPems> {
  const cluster = await createTestCluster();
  const leafOf = async (nodeId: string): Promise<LeafPems> => {
    const leaf = await cluster.leaf(nodeId);
    return { certificate: leaf.certificatePem, privateKey: leaf.privateKeyPem };
  };
  const [server, client] = [await leafOf("server"), await leafOf("client")];
  return { authority: cluster.authority.certificatePem, server, client };
}

/** @returns a factory with mutual TLS. */
export async function factoryOf(
  pems: BenchPems,
  role: "server" | "client",
): Promise<WebTransportFactory> {
  return createWebTransportFactory({
    credentials: {
      certificate: { pem: pems[role].certificate },
      privateKey: { pem: pems[role].privateKey },
      authorities: [{ pem: pems.authority }],
    },
    logger: silentLogger,
  });
}
