import { describe, expect, it } from "vitest";
import type { NodeStatus } from "../../../../../sidecar/core/control/index.ts";
import { Reporting, reportOf } from "../../../../../sidecar/core/control/reporting.ts";
import { capabilityStatus, demandStatus, nodeStatus } from "../../../../support/node-status.ts";

const pace = { intervalMs: 10_000, minIntervalMs: 200 };
const none: ReadonlySet<string> = new Set();
const resourceOf = (kind: string, name: string) => ({
  $typeName: "spillway.control.v1.ResourceVersion" as const,
  uid: `${kind}-${name}`,
  generation: 3n,
});

/** A stream's reports: looks each 250 ms at what `statusAt` says. @returns times of the reports. */
function reportsOf(statusAt: (nowMs: number) => NodeStatus, untilMs: number): number[] {
  const reporting = new Reporting(pace, 0);
  const times: number[] = [];
  for (let nowMs = 0; nowMs <= untilMs; nowMs += 10) {
    if (!reporting.takeSample(nowMs)) continue;
    if (reporting.report(statusAt(nowMs), resourceOf, none, nowMs) !== undefined) times.push(nowMs);
  }
  return times;
}

describe("reports", () => {
  it("of a node where nothing happens come once per interval", () => {
    const times = reportsOf(() => nodeStatus(), 60_000);
    expect(times[0]).toBe(0);
    expect(times.length).toBeGreaterThanOrEqual(6);
    for (const [index, atMs] of times.entries()) {
      expect(atMs - (times[index - 1] ?? atMs)).toBeLessThanOrEqual(pace.intervalMs);
    }
    expect(times.length).toBeLessThanOrEqual(7);
  });

  it.each([
    ["a count that leaves zero", { demands: [demandStatus({ ready: 1 })] }],
    ["a provider that comes", { demands: [demandStatus({}, ["p"])] }],
    ["an application that works", { capabilities: [capabilityStatus({ running: 1 })] }],
    ["credit that is gone", { capabilities: [capabilityStatus({ credit: 0 })] }],
    ["an address", { peerAddress: { addresses: ["10.0.0.1"], port: 1 } }],
    ["a drain", { draining: true }],
    ["a certificate", { certificateNotAfterMs: 5 }],
  ] as const)("tell of %s within a look", (_what, change) => {
    const times = reportsOf((nowMs) => nodeStatus(nowMs < 3_000 ? {} : change), 6_000);
    expect(times).toHaveLength(2);
    expect(times[1]).toBeLessThanOrEqual(3_250);
  });

  it("tell at once of another object, or another state of it, that is in force", () => {
    const reporting = new Reporting(pace, 0);
    const told = (generation: bigint, nowMs: number) =>
      reporting.report(
        nodeStatus(),
        (...name) => ({ ...resourceOf(...name), generation }),
        none,
        nowMs,
      );
    expect(told(1n, 0)).toBeDefined();
    expect(told(1n, 500)).toBeUndefined();
    expect(told(2n, 1_000)?.demands[0]?.resource?.generation).toBe(2n);
  });

  it("do not tell of counts that only grow before the interval is over", () => {
    const growing = (nowMs: number) =>
      nodeStatus({ demands: [demandStatus({ ready: 1 + nowMs })] });
    expect(reportsOf(growing, 9_000)).toEqual([0]);
  });

  it("come at most once per look, however much changes", () => {
    const restless = (nowMs: number) =>
      nodeStatus({ demands: [demandStatus({ ready: (nowMs / 250) % 2 })] });
    const times = reportsOf(restless, 5_000);
    expect(times.length).toBeLessThanOrEqual(21);
  });

  it("leave out what has no resource in force", () => {
    const status = nodeStatus({ demands: [demandStatus()], capabilities: [capabilityStatus()] });
    const report = reportOf(status, () => undefined, none);
    expect([report.demands, report.capabilities]).toEqual([[], []]);
  });

  it("carry counts, ages and what is quiet, under the object that is in force", () => {
    const status = nodeStatus({
      demands: [{ ...demandStatus({ ready: 2, leased: 1 }, ["p"]), oldestReadyMs: 1_500 }],
      capabilities: [capabilityStatus({ running: 1, credit: 2 })],
    });
    const report = reportOf(status, resourceOf, new Set(["work"]));
    expect(report.demands[0]).toMatchObject({
      resource: { uid: "demand-jobs", generation: 3n },
      counts: { ready: 2n, leased: 1n },
      oldestReady: { seconds: 1n, nanos: 500_000_000 },
      connectedProviders: ["p"],
    });
    expect(report.capabilities[0]).toMatchObject({ running: 1, credit: 2, quiesced: true });
    expect(report.capabilities[0]?.idle).toBeUndefined();
  });
});
