import { create } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import type { SidecarState } from "../../../../operator/controller/ports.ts";
import {
  poolReport,
  queueReport,
  wasHeard,
} from "../../../../operator/controller/sidecar-reports.ts";
import {
  AcknowledgedResourceSchema,
  Applied,
  MulticastReachability,
  QuiescedCapabilitySchema,
  ReportSchema,
} from "../../../../proto/gen/spillway/control/v1/control_pb.ts";

const uid = "u1";
const of = { uid, originMs: 1_000_000, capabilityUids: ["c1", "c2"], nowMs: 900 };

function state(change: Partial<SidecarState> = {}): SidecarState {
  return {
    attached: true,
    sinceMs: 100,
    report: undefined,
    reportedAtMs: 500,
    acknowledged: undefined,
    quiesced: new Map(),
    ...change,
  };
}

function acknowledged(applied: Applied, message = ""): SidecarState["acknowledged"] {
  const resource = { uid, generation: 3n };
  return new Map([[uid, create(AcknowledgedResourceSchema, { resource, applied, message })]]);
}

describe("what a sidecar says", () => {
  test("of a queue becomes counts and providers", () => {
    const report = create(ReportSchema, {
      demands: [
        {
          resource: { uid },
          counts: { ready: 2n, leased: 1n, dead: 5n },
          connectedProviders: ["p1"],
          oldestReady: durationFromMs(1_500),
        },
      ],
      multicast: { reachability: MulticastReachability.REACHABLE },
    });
    expect(queueReport(state({ report }), of, 3)).toEqual({
      receivedAtMs: 1_000_500,
      connected: true,
      quiesced: false,
      multicastReachable: true,
      part: {
        items: { ready: 2, delayed: 0, leased: 1, done: 0, dead: 5, cancelled: 0, expired: 0 },
        providers: ["p1"],
        deficit: 2,
        oldestReadyMs: 1_500,
      },
    });
  });

  test("of another object is not said of this one", () => {
    const report = create(ReportSchema, { demands: [{ resource: { uid: "u2" } }] });
    expect(queueReport(state({ report }), of, 1).part).toBeUndefined();
  });

  test.each([
    [Applied.IN_FORCE, "", undefined],
    [Applied.REFUSED, "No room.", "No room."],
    [Applied.RESTART_NEEDED, "", "it takes a restart of the sidecar"],
    [Applied.UNSPECIFIED, "", "the sidecar did not take it over and did not say why"],
  ])("of a generation: applied %i, %j", (applied, message, refusal) => {
    const known = poolReport(state({ acknowledged: acknowledged(applied, message) }), of);
    expect(known.acknowledged).toEqual({ generation: 3, ...(refusal ? { refusal } : {}) });
  });

  test("counts from when its stream closed once it is closed", () => {
    const gone = poolReport(state({ attached: false, sinceMs: 800 }), of);
    expect(gone).toMatchObject({ connected: false, receivedAtMs: 1_000_800 });
  });

  test("of QUIESCE counts when every capability of the pod is idle", () => {
    const quiet = (idle: boolean) => create(QuiescedCapabilitySchema, { idle });
    const one = new Map([["c1", quiet(true)]]);
    expect(poolReport(state({ quiesced: one }), of).quiesced).toBe(false);
    const busy = new Map([...one, ["c2", quiet(false)]]);
    expect(poolReport(state({ quiesced: busy }), of).quiesced).toBe(false);
    const both = new Map([...one, ["c2", quiet(true)]]);
    expect(poolReport(state({ quiesced: both }), of)).toMatchObject({
      quiesced: true,
      receivedAtMs: 1_000_900,
    });
  });

  test("is nothing before it attached for the first time", () => {
    expect(wasHeard(state({ attached: false }))).toBe(false);
    expect(wasHeard(state())).toBe(true);
    expect(wasHeard(state({ attached: false, acknowledged: new Map() }))).toBe(true);
  });
});
