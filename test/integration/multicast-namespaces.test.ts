/**
 * Multicast discovery between network namespaces: two nodes with two networks between them, one of
 * which goes down and comes back with another address.
 */
import { execFileSync, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { expect, onTestFinished, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import type { MulticastProgramLine } from "../support/multicast-program.ts";
import { canMakeNetworkNamespaces, skipUnless } from "../support/skip-unless.ts";

const periodMs = 200;
let namespaceCount = 0;

const ip = (...args: string[]): void => {
  execFileSync("ip", args, { stdio: ["ignore", "ignore", "pipe"] });
};

/** Two namespaces joined by `links` virtual cables, whose ends are named net0, net1, … in both. */
function twoNamespaces(links: number): readonly [string, string] {
  namespaceCount += 1;
  const name = `sw-${process.pid}-${namespaceCount}`;
  const pair = [`${name}-a`, `${name}-b`] as const;
  for (const ns of pair) {
    ip("netns", "add", ns);
    onTestFinished(() => ip("netns", "delete", ns));
  }
  for (let i = 0; i < links; i++) {
    const end = `net${i}`;
    ip("link", "add", end, "netns", pair[0], "type", "veth", "peer", "name", end, "netns", pair[1]);
    for (const ns of pair) ip("-n", ns, "link", "set", end, "up");
  }
  return pair;
}

const setAddress = (ns: string, end: string, address: string): void => {
  ip("-n", ns, "address", "add", `${address}/24`, "dev", end);
};

/** Starts a node in a namespace. @returns its lines, and what it knows of the other node now. */
function startNode(ns: string, nodeId: string, multicast: object = {}) {
  const options = { nodeId, multicast: { periodMs, ...multicast } };
  const program = ["test/support/multicast-program.ts", JSON.stringify(options)];
  const args = ["netns", "exec", ns, process.execPath, ...program];
  const child = spawn("ip", args, { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  const lines: MulticastProgramLine[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => {
    lines.push(JSON.parse(line) as MulticastProgramLine);
  });
  /** Hosts that the other node can be dialled at; undefined when it is not known. */
  const hosts = (): readonly string[] | undefined => {
    const last = lines.filter((line) => line.type !== "started").at(-1);
    return last?.type === "vanished" ? undefined : last?.hosts;
  };
  const find = (type: string) => lines.find((line) => line.type === type);
  return { lines, hosts, find };
}

const options = { timeoutMs: 10_000 };

skipUnless(canMakeNetworkNamespaces(), "needs root and `ip netns`: it makes network namespaces")(
  "in network namespaces",
  () => {
    test("two networks: one goes down and comes back with another address", async () => {
      const [nsA, nsB] = twoNamespaces(2);
      for (const [net, subnet] of ["10.77.0", "10.77.1"].entries()) {
        setAddress(nsA, `net${net}`, `${subnet}.1`);
        setAddress(nsB, `net${net}`, `${subnet}.2`);
      }
      const a = startNode(nsA, "a");
      await eventually(() => a.find("started"), options);
      const b = startNode(nsB, "b");
      await eventually(() => a.hosts()?.toSorted().join() === "10.77.0.2,10.77.1.2", options);
      await eventually(() => b.hosts()?.toSorted().join() === "10.77.0.1,10.77.1.1", options);

      ip("-n", nsA, "link", "set", "net0", "down");
      // Carrier is lost on both ends; each stops to announce the address of that network.
      await eventually(() => b.hosts()?.join() === "10.77.1.1", options);
      await eventually(() => a.hosts()?.includes("10.77.1.2"), options);
      expect([a, b].map((node) => node.find("vanished"))).toEqual([undefined, undefined]);

      ip("-n", nsA, "link", "set", "net1", "down");
      await eventually(() => a.find("vanished") && b.find("vanished"), options);

      ip("-n", nsA, "address", "flush", "dev", "net0");
      setAddress(nsA, "net0", "10.77.0.9");
      ip("-n", nsA, "link", "set", "net0", "up");
      await eventually(() => b.hosts()?.includes("10.77.0.9"), options);
      await eventually(() => a.hosts()?.includes("10.77.0.2"), options);
    }, 60_000);

    test("an interface that appears later is taken up", async () => {
      const [nsA, nsB] = twoNamespaces(1);
      const a = startNode(nsA, "a", { group6: "" });
      const b = startNode(nsB, "b", { group6: "" });
      await eventually(() => a.find("started") && b.find("started"), options);
      setAddress(nsA, "net0", "10.77.0.1");
      setAddress(nsB, "net0", "10.77.0.2");
      await eventually(() => a.hosts()?.join() === "10.77.0.2", options);
      await eventually(() => b.hosts()?.join() === "10.77.0.1", options);
    }, 60_000);

    test("IPv6 alone is enough: a link-local address is dialled with its zone", async () => {
      const [nsA, nsB] = twoNamespaces(1);
      const a = startNode(nsA, "a");
      const b = startNode(nsB, "b");
      const linkLocal = /^fe80::[0-9a-f:]+%net0$/;
      await eventually(() => linkLocal.test(a.hosts()?.[0] ?? ""), options);
      await eventually(() => linkLocal.test(b.hosts()?.[0] ?? ""), options);
    }, 60_000);

    test("a starting node soon knows its peer: the time is printed", async () => {
      const [nsA, nsB] = twoNamespaces(1);
      setAddress(nsA, "net0", "10.77.0.1");
      setAddress(nsB, "net0", "10.77.0.2");
      // IPv4 only: the interface is too new for its IPv6 address to be usable.
      const slow = { periodMs: 5_000, group6: "" };
      const a = startNode(nsA, "a", slow);
      await eventually(() => a.find("started"), options);
      const b = startNode(nsB, "b", slow);
      const line = await eventually(() => b.find("appeared"), options);
      process.stdout.write(`a starting node knew its peer after ${line.afterMs.toFixed(1)} ms\n`);
      // 6–16 ms when idle; far below the period, so it was the answer and not the next round.
      expect(line.afterMs).toBeLessThan(1_000);
    }, 60_000);
  },
);
