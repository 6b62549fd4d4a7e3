/** How soon a lost peer is noticed: a killed process by its socket, a frozen one by its silence. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import { realClock, realTimers, silentLogger } from "../../../sidecar/runtime/index.ts";
import { CarrierTransport, type PeerSession } from "../../../sidecar/transport/index.ts";
import { createTestCluster, type TestCluster } from "../../support/certificates.ts";
import { eventually } from "../../support/eventually.ts";
import { factoryIn } from "./carrier-pair.ts";

const script = fileURLToPath(new URL("./probes/peer-process.ts", import.meta.url));

let cluster: TestCluster;
let near: CarrierTransport;
let nearPort: number;
let peer: ChildProcess | undefined;

beforeEach(async () => {
  cluster = await createTestCluster();
  near = new CarrierTransport(
    {
      factory: await factoryIn(cluster, "near"),
      clock: realClock,
      timers: realTimers,
      logger: silentLogger,
    },
    { local: { clusterId: "test", namespace: "test", nodeId: "near", incarnation: 1 } },
  );
  nearPort = (await near.listen({ host: "127.0.0.1", port: 0 })).port;
});

afterEach(async () => {
  peer?.kill("SIGKILL");
  await near.close("the test is over");
});

async function startPeer(...args: string[]): Promise<number> {
  const leaf = await cluster.leaf("far");
  const credentials = JSON.stringify({
    certificate: { pem: leaf.certificatePem },
    privateKey: { pem: leaf.privateKeyPem },
    authorities: [{ pem: cluster.authority.certificatePem }],
  });
  peer = fork(script, [credentials, ...args]);
  const [port] = (await once(peer, "message")) as [number];
  return port;
}

/** A session with the peer's process, dialled by us or by it. */
async function openSession(dialled: boolean): Promise<PeerSession> {
  if (dialled) {
    const port = await startPeer();
    return near.dial({ nodeId: "far", host: "127.0.0.1", port });
  }
  await startPeer(String(nearPort));
  return eventually(() => near.sessions()[0]);
}

/** @returns how long it took to notice, and what was said. */
async function timeToEnd(session: PeerSession, signal: NodeJS.Signals) {
  const startedMs = performance.now();
  const end = new Promise<{ code: string; clean: boolean }>((resolve) => {
    session.onClosed(resolve);
  });
  peer?.kill(signal);
  const { code, clean } = await end;
  return { code, clean, tookMs: performance.now() - startedMs };
}

it.each([
  ["dialled", true],
  ["accepted", false],
])("a killed peer that was %s is noticed within 100 ms", async (_how, dialled) => {
  const session = await openSession(dialled);
  const { code, clean, tookMs } = await timeToEnd(session, "SIGKILL");
  expect({ code, clean }).toEqual({ code: "TRANSPORT_LOST", clean: false });
  expect(tookMs).toBeLessThanOrEqual(100);
});

it.each([
  ["dialled", true],
  ["accepted", false],
])("a frozen peer that was %s is noticed within 4 s", async (_how, dialled) => {
  const session = await openSession(dialled);
  const { code, clean, tookMs } = await timeToEnd(session, "SIGSTOP");
  expect({ code, clean }).toEqual({ code: "HEARTBEAT_TIMEOUT", clean: false });
  expect(tookMs).toBeLessThanOrEqual(4_000);
});
