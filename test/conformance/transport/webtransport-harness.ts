import { setTimeout as delay } from "node:timers/promises";
import { realClock, realTimers, silentLogger } from "../../../sidecar/runtime/index.ts";
import { realTurns } from "../../../sidecar/transport/index.ts";
import { createWebTransportFactory } from "../../../sidecar/transport/webtransport/index.ts";
import { createTestCluster, type TestCluster } from "../../support/certificates.ts";
import { eventually } from "../../support/eventually.ts";
import { TcpProxy } from "../../support/tcp-proxy.ts";
import type { TransportHarness } from "./harness.ts";

/** One authority for all tests: it says nothing about a test's own cluster ids. */
let authority: Promise<TestCluster> | undefined;

/** WebTransport over loopback in real time, each pair's path through a proxy. */
export function createWebTransportHarness(): TransportHarness {
  const proxies = new Map<string, TcpProxy>();
  const between = (one: string, other: string): TcpProxy[] =>
    [...proxies].filter(([key]) => sameSet(key.split(" "), [one, other])).map(([, proxy]) => proxy);
  return {
    clock: realClock,
    timers: realTimers,
    turns: realTurns,
    listenHost: "127.0.0.1",
    factoryOf: async (node) => {
      authority ??= createTestCluster();
      const cluster = await authority;
      const leaf = await cluster.leaf(node.nodeId, node);
      return createWebTransportFactory({
        credentials: {
          certificate: { pem: leaf.certificatePem },
          privateKey: { pem: leaf.privateKeyPem },
          authorities: [{ pem: cluster.authority.certificatePem }],
        },
        logger: silentLogger,
      });
    },
    route: async (from, target) => {
      const key = `${from} ${target.nodeId} ${target.port}`;
      const proxy = proxies.get(key) ?? (await TcpProxy.open(target));
      proxies.set(key, proxy);
      return { ...target, port: proxy.port };
    },
    cut: (nodeId, otherId) => {
      for (const proxy of between(nodeId, otherId)) proxy.cut();
    },
    freeze: (nodeId, otherId) => {
      for (const proxy of between(nodeId, otherId)) proxy.freeze();
    },
    thaw: (nodeId, otherId) => {
      for (const proxy of between(nodeId, otherId)) proxy.thaw();
    },
    until: async (condition, withinMs, what) => {
      await eventually(condition, { timeoutMs: withinMs, intervalMs: 2, what });
    },
    elapse: async (ms) => {
      await delay(ms);
    },
    close: async () => {
      await Promise.all([...proxies.values()].map((proxy) => proxy.close()));
    },
  };
}

function sameSet([left, right]: readonly string[], wanted: readonly string[]): boolean {
  return (left === wanted[0] && right === wanted[1]) || (left === wanted[1] && right === wanted[0]);
}
