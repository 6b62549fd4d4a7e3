/**
 * Who may connect: certificates, names, rotation; refusals are counted and logged where they
 * happen.
 */
import { connect as connectTcp } from "node:net";
import { connect as connectTls } from "node:tls";
import { afterEach, describe, expect, it } from "vitest";
import type { CertificateName } from "../../../sidecar/runtime/certificate-name.ts";
import type { IssuedCertificate } from "../../../sidecar/runtime/certificate.ts";
import { silentLogger } from "../../../sidecar/runtime/index.ts";
import type { Carrier, CarrierListener } from "../../../sidecar/transport/index.ts";
import {
  type CredentialOptions,
  createWebTransportFactory,
  type Refusal,
  selfSignedCredentials,
  type WebTransportFactory,
} from "../../../sidecar/transport/webtransport/index.ts";
import { createTestCluster, type TestCluster } from "../../support/certificates.ts";
import { eventually } from "../../support/eventually.ts";
import { socketEnd } from "../../support/socket-end.ts";

const ends: (() => void)[] = [];

afterEach(() => {
  for (const end of ends.splice(0)) end();
});

function credentials(leaf: IssuedCertificate, ...authorities: TestCluster[]): CredentialOptions {
  return {
    certificate: { pem: leaf.certificatePem },
    privateKey: { pem: leaf.privateKeyPem },
    authorities: authorities.map((cluster) => ({ pem: cluster.authority.certificatePem })),
  };
}

/** A listening node, what it accepted and what it refused. */
interface Server {
  readonly factory: WebTransportFactory;
  readonly listener: CarrierListener;
  readonly accepted: Carrier[];
  readonly refused: Refusal[];
  readonly logged: object[];
  readonly port: number;
}

async function serve(options: CredentialOptions): Promise<Server> {
  const [accepted, refused, logged]: [Carrier[], Refusal[], object[]] = [[], [], []];
  const factory = await createWebTransportFactory({
    credentials: options,
    logger: { ...silentLogger, warn: (fields) => logged.push(fields) },
    onRefusal: (refusal) => refused.push(refusal),
  });
  const listener = await factory.listen({ host: "127.0.0.1", port: 0 }, (carrier) => {
    accepted.push(carrier);
  });
  ends.push(() => {
    for (const carrier of accepted) carrier.close("the test is over");
    void listener.close();
  });
  return { factory, listener, accepted, refused, logged, port: listener.address.port };
}

async function dial(options: CredentialOptions, port: number, nodeId = "far"): Promise<Carrier> {
  const factory = await createWebTransportFactory({ credentials: options, logger: silentLogger });
  const target = { nodeId, host: "127.0.0.1", port };
  const carrier = await factory.dial(target, AbortSignal.timeout(5_000));
  ends.push(() => {
    carrier.close("the test is over");
  });
  return carrier;
}

describe("mutual TLS", () => {
  it("tells each side who the other is", async () => {
    const cluster = await createTestCluster();
    const server = await serve(credentials(await cluster.leaf("far"), cluster));
    const near = await dial(credentials(await cluster.leaf("near"), cluster), server.port);
    await eventually(() => server.accepted.length === 1);
    expect(near.peer).toEqual(server.factory.identity);
    expect(server.accepted[0]?.peer).toMatchObject({ nodeId: "near", namespace: "test" });
    expect(server.refused).toEqual([]);
  });

  it.each<
    [string, (cluster: TestCluster, other: TestCluster) => Promise<CredentialOptions>, string]
  >([
    [
      "of another authority",
      async (cluster, other) => credentials(await other.leaf("near"), cluster),
      "CERTIFICATE_REFUSED",
    ],
    [
      "of another cluster under the same authority",
      async (cluster) => credentials(await cluster.leaf("near", { clusterId: "other" }), cluster),
      "IDENTITY_MISMATCH",
    ],
    [
      "of another namespace",
      async (cluster) => credentials(await cluster.leaf("near", { namespace: "other" }), cluster),
      "IDENTITY_MISMATCH",
    ],
  ])(
    "refuses a dialler %s, at both ends, and says so in log and counters",
    async (_case, make, code) => {
      const cluster = await createTestCluster();
      const server = await serve(credentials(await cluster.leaf("far"), cluster));
      const options = await make(cluster, await createTestCluster());
      // The dialler must not refuse first: it looks for a server of its own name.
      const dialler = await rawDial(options, server.port);
      expect(dialler).toBe("closed");
      await eventually(() => server.refused.length === 1);
      expect(server.refused[0]).toMatchObject({ code });
      expect(server.refused[0]?.address).toMatch(/^127\.0\.0\.1:\d+$/);
      expect(server.logged).toEqual(server.refused);
      expect(server.factory.refusals()[code]).toBe(1);
      expect(server.accepted).toEqual([]);
    },
  );

  it("refuses a dialler without a certificate", async () => {
    const cluster = await createTestCluster();
    const server = await serve(credentials(await cluster.leaf("far"), cluster));
    const options = { rejectUnauthorized: false, ALPNProtocols: ["h2"] };
    const socket = connectTls({ ...options, port: server.port, host: "127.0.0.1" });
    await socketEnd(socket);
    await eventually(() => server.refused.length === 1);
    expect(server.refused[0]?.code).toBe("CERTIFICATE_MISSING");
  });

  it("refuses TLS 1.2 and another protocol than HTTP/2", async () => {
    const cluster = await createTestCluster();
    const server = await serve(credentials(await cluster.leaf("far"), cluster));
    const leaf = await cluster.leaf("near");
    const options = {
      port: server.port,
      host: "127.0.0.1",
      rejectUnauthorized: false,
      cert: leaf.certificatePem,
      key: leaf.privateKeyPem,
    };
    for (const over of [{ maxVersion: "TLSv1.2" as const }, { ALPNProtocols: ["http/1.1"] }, {}]) {
      const socket = connectTls({ ...options, ...over });
      await socketEnd(socket);
    }
    await eventually(() => server.refused.length === 3);
    expect(server.refused.map(({ code }) => code)).toEqual([
      "TLS_FAILED",
      "REQUEST_REFUSED",
      "REQUEST_REFUSED",
    ]);
  });

  it.each<[string, Partial<CertificateName>, RegExp]>([
    ["another node", { nodeId: "imposter" }, /node far was dialled, imposter answered/],
    ["another namespace", { namespace: "other" }, /namespace other/],
    ["another cluster", { clusterId: "other" }, /cluster other/],
  ])("refuses to be answered by %s", async (_case, over, message) => {
    const cluster = await createTestCluster();
    const server = await serve(credentials(await cluster.leaf("far", over), cluster));
    const options = credentials(await cluster.leaf("near"), cluster);
    await expect(dial(options, server.port)).rejects.toMatchObject({
      code: "IDENTITY_MISMATCH",
      message: expect.stringMatching(message) as string,
    });
    expect(server.accepted).toEqual([]);
  });

  it("refuses to be answered by a node of another authority", async () => {
    const [cluster, other] = [await createTestCluster(), await createTestCluster()];
    const server = await serve(credentials(await other.leaf("far"), cluster));
    const options = credentials(await cluster.leaf("near"), cluster);
    await expect(dial(options, server.port)).rejects.toMatchObject({
      code: "DIAL_FAILED",
      message: expect.stringMatching(/unable to verify/) as string,
    });
  });

  it("takes an authority out of a text that joins two", async () => {
    const [cluster, other] = [await createTestCluster(), await createTestCluster()];
    const joined = {
      ...credentials(await cluster.leaf("far"), cluster),
      authorities: [
        { pem: cluster.authority.certificatePem.trimEnd() + other.authority.certificatePem },
      ],
    };
    const server = await serve(joined);
    const near = await dial(credentials(await other.leaf("near"), cluster, other), server.port);
    expect(near.peer.nodeId).toBe("far");
  });
});

describe("updateCredentials", () => {
  it("proves by the new leaf and trusts the new authority from then on; sessions stay", async () => {
    const [cluster, other] = [await createTestCluster(), await createTestCluster()];
    const server = await serve(credentials(await cluster.leaf("far"), cluster));
    const before = await dial(credentials(await cluster.leaf("near"), cluster), server.port);
    let closed = false;
    before.onClose(() => {
      closed = true;
    });
    const oldFingerprint = server.factory.identity.fingerprint;
    await server.factory.updateCredentials(credentials(await other.leaf("far"), other));
    expect(server.factory.identity.fingerprint).not.toBe(oldFingerprint);
    const after = await dial(credentials(await other.leaf("near"), other), server.port);
    expect(after.peer.fingerprint).toBe(server.factory.identity.fingerprint);
    const old = credentials(await cluster.leaf("near"), cluster, other);
    await expect(dial(old, server.port)).rejects.toMatchObject({ code: "DIAL_FAILED" });
    const lane = before.openLane();
    lane.write(new Uint8Array(64).subarray(32));
    await eventually(() => lane.bufferedBytes === 0);
    expect(closed).toBe(false);
  });

  it("changes what later dials prove", async () => {
    const cluster = await createTestCluster();
    const server = await serve(credentials(await cluster.leaf("far"), cluster));
    const factory = await createWebTransportFactory({
      credentials: credentials(await cluster.leaf("near"), cluster),
      logger: silentLogger,
    });
    await factory.updateCredentials(credentials(await cluster.leaf("renamed"), cluster));
    const target = { nodeId: "far", host: "127.0.0.1", port: server.port };
    const carrier = await factory.dial(target, AbortSignal.timeout(5_000));
    await eventually(() => server.accepted[0]?.peer.nodeId === "renamed");
    carrier.close("the test is over");
  });

  it("keeps the old ones when the new ones cannot be used", async () => {
    const cluster = await createTestCluster();
    const leaf = await cluster.leaf("far");
    const server = await serve(credentials(leaf, cluster));
    const bad = { ...credentials(leaf, cluster), certificate: { pem: "no certificate" } };
    await expect(server.factory.updateCredentials(bad)).rejects.toMatchObject({
      code: "BAD_CREDENTIALS",
    });
    const near = await dial(credentials(await cluster.leaf("near"), cluster), server.port);
    expect(near.peer.nodeId).toBe("far");
  });
});

describe("noCa", () => {
  const named = (nodeId: string, over: Partial<CertificateName> = {}) =>
    selfSignedCredentials({ clusterId: "c", namespace: "n", nodeId, ...over }, Date.now());

  it("connects by names alone, encrypted", async () => {
    const server = await serve(await named("far"));
    const near = await dial(await named("near"), server.port);
    expect(near.peer).toMatchObject({ clusterId: "c", namespace: "n", nodeId: "far" });
    await eventually(() => server.accepted[0]?.peer.nodeId === "near");
  });

  it("still compares names, at both sides", async () => {
    const server = await serve(await named("far"));
    await expect(dial(await named("near"), server.port, "else")).rejects.toMatchObject({
      code: "IDENTITY_MISMATCH",
    });
    const stranger = await named("near", { namespace: "other" });
    expect(await rawDial(stranger, server.port)).toBe("closed");
    await eventually(() => server.refused.some(({ code }) => code === "IDENTITY_MISMATCH"));
  });

  it("is refused by a node that has an authority", async () => {
    const cluster = await createTestCluster("c");
    const leaf = await cluster.leaf("far", { namespace: "n" });
    const server = await serve(credentials(leaf, cluster));
    await expect(dial(await named("near"), server.port)).rejects.toMatchObject({
      code: "DIAL_FAILED",
    });
    await eventually(() => server.refused[0]?.code === "CERTIFICATE_REFUSED");
  });
});

describe("listen", () => {
  it("says LISTEN_FAILED with address and cause when the port is taken", async () => {
    const cluster = await createTestCluster();
    const server = await serve(credentials(await cluster.leaf("far"), cluster));
    await expect(
      server.factory.listen({ host: "127.0.0.1", port: server.port }, () => undefined),
    ).rejects.toMatchObject({
      code: "LISTEN_FAILED",
      message: expect.stringMatching(new RegExp(`127.0.0.1:${server.port}.*EADDRINUSE`)) as string,
    });
  });

  it("cuts a connection that says nothing, after 5 s", async () => {
    const cluster = await createTestCluster();
    const server = await serve(credentials(await cluster.leaf("far"), cluster));
    const startedMs = performance.now();
    const socket = connectTcp(server.port, "127.0.0.1");
    await socketEnd(socket);
    expect(performance.now() - startedMs).toBeLessThan(5_500);
    expect(server.refused.some(({ code }) => code === "OPEN_TIMEOUT")).toBe(true);
  });
});

/** A TLS client that asks nothing of the server; @returns how it ended. */
async function rawDial(options: CredentialOptions, port: number): Promise<string> {
  const { certificate, privateKey } = options;
  const socket = connectTls({
    port,
    host: "127.0.0.1",
    rejectUnauthorized: false,
    ALPNProtocols: ["h2"],
    ...("pem" in certificate && { cert: certificate.pem }),
    ...("pem" in privateKey && { key: privateKey.pem }),
  });
  await socketEnd(socket);
  return "closed";
}
