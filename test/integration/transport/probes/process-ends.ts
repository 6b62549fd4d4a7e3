/**
 * One defect each that ends a process, shown on the bare package (`bare`) and on ours (`ours`):
 * `process-ends.ts PROBE bare|ours`. A process that lives to the end prints `alive` last.
 */
import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { silentLogger } from "../../../../sidecar/runtime/index.ts";
import { createWebTransportFactory } from "../../../../sidecar/transport/webtransport/index.ts";
import { type BareSession, dialBare, listenBare } from "../../../support/bare-package.ts";
import { createTestCluster, type TestCluster } from "../../../support/certificates.ts";
import { openRawPeer } from "../../../support/raw-peer.ts";
import { TcpProxy } from "../../../support/tcp-proxy.ts";

const accept = async () => ({ status: 200, path: "/bare" });

/** Nobody listens there. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}

async function ourFactory(cluster: TestCluster, nodeId: string) {
  const leaf = await cluster.leaf(nodeId);
  return createWebTransportFactory({
    credentials: {
      certificate: { pem: leaf.certificatePem },
      privateKey: { pem: leaf.privateKeyPem },
      authorities: [{ pem: cluster.authority.certificatePem }],
    },
    logger: silentLogger,
  });
}

async function ourListener(cluster: TestCluster) {
  const factory = await ourFactory(cluster, "server");
  const listener = await factory.listen({ host: "127.0.0.1", port: 0 }, (carrier) => {
    carrier.onLane((lane) => {
      lane.onBytes(() => undefined);
    });
  });
  return { factory, port: listener.address.port };
}

/** Catches what the package gives to setInterval: its ping. */
function catchIntervals(): (() => void)[] {
  const caught: (() => void)[] = [];
  const original = globalThis.setInterval;
  globalThis.setInterval = ((callback: () => void, ms: number) => {
    caught.push(callback);
    return original(callback, ms);
  }) as typeof setInterval;
  return caught;
}

function clientSession(session: BareSession): { destroy(): void } {
  const inner = session as unknown as {
    sessionint: { parentobj: { transportInt: { clientInt: { destroy(): void } } } };
  };
  return inner.sessionint.parentobj.transportInt.clientInt;
}

const ownSideData = Buffer.from([0x99, 0x0b, 0x4d, 0x3b, 2, 0, 7]);

const probes: Readonly<Record<string, { bare(): Promise<void>; ours(): Promise<void> }>> = {
  "late handshake": {
    async bare() {
      const server = await listenBare({}, accept);
      const proxy = await TcpProxy.open({ host: "127.0.0.1", port: server.port });
      proxy.freeze();
      const session = await dialBare(proxy.port, server.certificate, { quicConnectTimeout: 50 });
      session.ready.catch(() => undefined);
      session.closed.catch(() => undefined);
      await delay(200);
      proxy.thaw();
    },
    async ours() {
      const cluster = await createTestCluster();
      const { port } = await ourListener(cluster);
      const proxy = await TcpProxy.open({ host: "127.0.0.1", port });
      proxy.freeze();
      const factory = await ourFactory(cluster, "client");
      const target = { nodeId: "server", host: "127.0.0.1", port: proxy.port };
      await factory.dial(target, AbortSignal.timeout(50)).catch(() => undefined);
      proxy.thaw();
    },
  },
  "ping of a destroyed session": {
    async bare() {
      const intervals = catchIntervals();
      const server = await listenBare({}, accept);
      const session = await dialBare(server.port, server.certificate);
      session.closed.catch(() => undefined);
      await session.ready;
      clientSession(session).destroy();
      for (const ping of intervals) ping();
    },
    async ours() {
      const intervals = catchIntervals();
      const cluster = await createTestCluster();
      const { port } = await ourListener(cluster);
      const factory = await ourFactory(cluster, "client");
      const target = { nodeId: "server", host: "127.0.0.1", port };
      const carrier = await factory.dial(target, AbortSignal.timeout(5_000));
      (carrier as unknown as { destroy(): void }).destroy();
      if (intervals.length === 0) throw new Error("the package does not ping any more");
      for (const ping of intervals) ping();
    },
  },
  "data for a stream of our own side": {
    async bare() {
      const server = await listenBare({}, accept);
      const session = await dialBare(server.port, server.certificate);
      session.closed.catch(() => undefined);
      await session.ready;
      const { objint } = (
        session as unknown as { sessionint: { objint: { stream: NodeJS.WritableStream } } }
      ).sessionint;
      objint.stream.write(ownSideData);
    },
    async ours() {
      const cluster = await createTestCluster();
      const { port, factory } = await ourListener(cluster);
      const raw = await openRawPeer({
        port,
        leaf: await cluster.leaf("raw"),
        authorityPem: cluster.authority.certificatePem,
      });
      raw.stream.write(ownSideData);
      await raw.closed;
      if (factory.refusals()["MALFORMED"] !== 1) throw new Error("it was not refused");
    },
  },
  "nobody listens": {
    async bare() {
      const server = await listenBare({}, accept);
      await dialBare(await closedPort(), server.certificate);
    },
    async ours() {
      const factory = await ourFactory(await createTestCluster(), "client");
      const target = { nodeId: "server", host: "127.0.0.1", port: await closedPort() };
      const error: unknown = await factory
        .dial(target, AbortSignal.timeout(5_000))
        .catch((reason: unknown) => reason);
      if (!(error instanceof Error)) throw new Error("it was not refused");
    },
  },
  "a request callback that throws": {
    async bare() {
      const server = await listenBare({}, () => {
        throw new Error("a bug of the application");
      });
      const session = await dialBare(server.port, server.certificate);
      session.ready.catch(() => undefined);
      session.closed.catch(() => undefined);
    },
    async ours() {
      // Ours answers every request itself; what comes from outside is the peer's header.
      const cluster = await createTestCluster();
      const { port } = await ourListener(cluster);
      const leaf = await cluster.leaf("raw");
      const authorityPem = cluster.authority.certificatePem;
      for (const headers of [
        { ":path": "/other" },
        { ":path": "" },
        { ":protocol": "websocket" },
      ]) {
        const raw = await openRawPeer({ port, leaf, authorityPem, headers }).catch(() => undefined);
        if (raw?.status === 200) throw new Error("it was accepted");
        raw?.destroy();
      }
    },
  },
  "text at start": {
    async bare() {
      await import("@fails-components/webtransport");
    },
    async ours() {
      await ourFactory(await createTestCluster(), "client");
    },
  },
};

const [, , name = "", variant = ""] = process.argv;
const probe = probes[name];
if (probe === undefined || (variant !== "bare" && variant !== "ours")) {
  throw new Error(`no probe ${name} ${variant}`);
}
await probe[variant]();
await delay(500);
process.stdout.write("alive\n");
process.exit(0);
