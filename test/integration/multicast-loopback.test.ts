/** Multicast discovery with real sockets on 127.0.0.1, each test on a port of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { createInterface } from "node:readline";
import { describe, expect, onTestFinished, test } from "vitest";
import { multicastMetrics } from "../../sidecar/multicast/index.ts";
import { announcementKey, signAnnouncement } from "../../sidecar/wire/announcement.ts";
import { announcement, demand } from "../support/announcements.ts";
import { eventually } from "../support/eventually.ts";
import type { MulticastProgramLine } from "../support/multicast-program.ts";
import {
  createMulticastRig,
  type MulticastRig,
  type MulticastRigOptions,
  randomPort,
} from "../support/multicast-rig.ts";

const refusedSeries = (reason: string): string =>
  `${multicastMetrics.declarations.announcementsRefused.name}{reason="${reason}"}`;

function onLoopback(port: number, settings: object = {}): Pick<MulticastRigOptions, "multicast"> {
  return { multicast: { port, interfaces: ["127.0.0.1"], periodMs: 200, ...settings } };
}

async function started(options: MulticastRigOptions): Promise<MulticastRig> {
  const rig = createMulticastRig(options);
  onTestFinished(() => rig.stop());
  await rig.start();
  return rig;
}

const knows = (rig: MulticastRig, ...nodeIds: string[]) =>
  eventually(() => {
    expect(rig.neighbours().map((n) => n.nodeId)).toEqual(nodeIds);
    return true;
  });

/** Sends bytes to the group from a socket of nobody. */
async function shout(port: number, ...packets: Uint8Array[]): Promise<void> {
  const socket = createSocket("udp4");
  await new Promise<void>((resolve) => {
    socket.bind(0, "127.0.0.1", () => {
      socket.setMulticastInterface("127.0.0.1");
      resolve();
    });
  });
  for (const packet of packets) {
    await new Promise((resolve) => {
      socket.send(packet, port, "239.255.77.77", resolve);
    });
  }
  socket.close();
}

describe("on loopback", () => {
  test("nodes know each other with address, port and demands", async () => {
    const port = randomPort();
    const a = await started({ nodeId: "a", sessionPort: 7001, ...onLoopback(port) });
    a.discovery.setDemands([demand("thumbs")]);
    const b = await started({ nodeId: "b", sessionPort: 7002, ...onLoopback(port) });
    await knows(a, "b");
    await knows(b, "a");
    expect(b.neighbours()).toMatchObject([
      {
        nodeId: "a",
        incarnation: 1,
        endpoints: [{ host: "127.0.0.1", port: 7001 }],
        demands: [{ name: "thumbs" }],
        sources: ["multicast"],
      },
    ]);
  });

  test("1,000 demands come over in several packets", async () => {
    const port = randomPort();
    const a = await started({ nodeId: "a", ...onLoopback(port) });
    const b = await started({ nodeId: "b", ...onLoopback(port) });
    const demands = Array.from({ length: 1_000 }, (_, i) => demand(`demand-number-${i}`));
    a.discovery.setDemands(demands);
    await eventually(() => b.neighbours()[0]?.demands?.length === 1_000);
    a.discovery.setDemands(demands.slice(0, 3));
    await eventually(() => b.neighbours()[0]?.demands?.length === 3);
  });

  test("a clean stop is a goodbye: the other forgets at once", async () => {
    const port = randomPort();
    const slow = onLoopback(port, { periodMs: 60_000 });
    const a = await started({ nodeId: "a", ...slow });
    const b = await started({ nodeId: "b", ...slow });
    await knows(b, "a");
    await a.stop();
    await knows(b);
  });

  test("the group 224.0.0.1 works too", async () => {
    const settings = onLoopback(randomPort(), { group: "224.0.0.1" });
    const a = await started({ nodeId: "a", ...settings });
    await started({ nodeId: "b", ...settings });
    await knows(a, "b");
  });

  test("another cluster, namespace or key is not heard, and counted", async () => {
    const port = randomPort();
    const a = await started({ nodeId: "a", ...onLoopback(port) });
    await started({ nodeId: "b", clusterId: "d", ...onLoopback(port) });
    await started({ nodeId: "c", namespace: "other", ...onLoopback(port) });
    await started({ nodeId: "d", clusterKey: new Uint8Array(32), ...onLoopback(port) });
    for (const reason of ["OTHER_CLUSTER", "OTHER_NAMESPACE", "BAD_MARK"]) {
      await eventually(async () => (await a.metric(refusedSeries(reason))) > 0, { what: reason });
    }
    expect(a.neighbours()).toEqual([]);
  });

  test("replayed, garbled and strange packets are counted, and nothing else happens", async () => {
    const port = randomPort();
    const a = await started({ nodeId: "a", ...onLoopback(port) });
    const key = announcementKey(new Uint8Array(32).fill(7), "c", "ns");
    const sentAtMs = BigInt(Date.now());
    const sound = signAnnouncement(announcement({ nodeId: "b", sentAtMs }), key);
    const old = announcement({ nodeId: "e", sentAtMs: sentAtMs - 600_000n });
    await shout(
      port,
      sound,
      sound,
      new Uint8Array(0),
      new Uint8Array(1_201),
      new Uint8Array([0xff]),
      signAnnouncement(old, key),
    );
    for (const reason of ["DUPLICATE", "OVERSIZE", "MALFORMED", "TIME_WINDOW"]) {
      await eventually(async () => (await a.metric(refusedSeries(reason))) > 0, { what: reason });
    }
    expect(a.neighbours().map((n) => n.nodeId)).toEqual(["b"]);
  });

  test("a node that starts again is the same node in a newer incarnation", async () => {
    const port = randomPort();
    const a = await started({ nodeId: "a", ...onLoopback(port) });
    const b = await started({ nodeId: "b", sessionPort: 7001, ...onLoopback(port) });
    await knows(a, "b");
    await b.stop();
    await started({ nodeId: "b", incarnation: 2, sessionPort: 7002, ...onLoopback(port) });
    await eventually(() => a.neighbours()[0]?.incarnation === 2);
    expect(a.neighbours()[0]?.endpoints).toEqual([{ host: "127.0.0.1", port: 7002 }]);
  });
});

describe("processes on loopback", () => {
  function spawned(options: MulticastRigOptions): {
    child: ChildProcess;
    lines: MulticastProgramLine[];
  } {
    const program = "test/support/multicast-program.ts";
    const child = spawn(process.execPath, [program, JSON.stringify(options)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    onTestFinished(() => {
      child.kill("SIGKILL");
    });
    const lines: MulticastProgramLine[] = [];
    createInterface({ input: child.stdout }).on("line", (line) => {
      lines.push(JSON.parse(line) as MulticastProgramLine);
    });
    return { child, lines };
  }

  test("three processes share group and port; a killed one expires in five periods", async () => {
    const port = randomPort();
    const programs = ["a", "b", "c"].map((nodeId) => spawned({ nodeId, ...onLoopback(port) }));
    const [a, b, c] = programs;
    if (a === undefined || b === undefined || c === undefined) throw new Error("three programs");
    const has = (lines: MulticastProgramLine[], type: string, nodeId: string): boolean =>
      lines.some((line) => line.type === type && line.nodeId === nodeId);
    const options = { timeoutMs: 15_000 };
    await eventually(() => has(a.lines, "appeared", "b") && has(a.lines, "appeared", "c"), options);
    await eventually(() => has(b.lines, "appeared", "a") && has(b.lines, "appeared", "c"), options);
    c.child.kill("SIGKILL");
    await eventually(() => has(a.lines, "vanished", "c") && has(b.lines, "vanished", "c"), options);
    expect(has(a.lines, "vanished", "b")).toBe(false);
  });
});
