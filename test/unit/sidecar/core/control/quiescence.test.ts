import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { QuiesceSchema } from "../../../../../proto/gen/spillway/control/v1/control_pb.ts";
import { Quiescence } from "../../../../../sidecar/core/control/quiescence.ts";
import { capabilityStatus, nodeStatus } from "../../../../support/node-status.ts";

const nameOf = (uid: string) => (uid === "uid-work" ? "work" : undefined);

function asked(capabilityUids = ["uid-work"], sequence = 7n): Quiescence {
  const quiescence = new Quiescence();
  const ttl = { seconds: 30n, nanos: 0 };
  quiescence.take(create(QuiesceSchema, { sequence, capabilityUids, ttl }), 0);
  return quiescence;
}

function lookedAt(over: Parameters<typeof capabilityStatus>[0]) {
  return nodeStatus({ capabilities: [capabilityStatus(over)] });
}

describe("a Quiesce", () => {
  it("is confirmed at once, and again whenever idle changes, not otherwise", () => {
    const quiescence = asked();
    const busy = lookedAt({ running: 1, credit: 2 });
    expect(quiescence.confirm(busy, nameOf)).toMatchObject({
      sequence: 7n,
      capabilities: [{ uid: "uid-work", credit: 2, running: 1, idle: false }],
    });
    expect(quiescence.confirm(busy, nameOf)).toBeUndefined();
    expect(quiescence.confirm(lookedAt({ running: 1, credit: 0 }), nameOf)).toBeUndefined();
    const idle = quiescence.confirm(lookedAt({ credit: 0 }), nameOf);
    expect(idle?.capabilities[0]?.idle).toBe(true);
  });

  it.each([
    ["credit that peers have not given back", { credit: 1 }],
    ["an item that is worked on", { credit: 0, running: 1 }],
    ["a result that no demand has confirmed", { credit: 0, unsettled: 1 }],
  ])("is not idle with %s", (_what, over) => {
    expect(asked().confirm(lookedAt(over), nameOf)?.capabilities[0]?.idle).toBe(false);
  });

  it("names a capability that is not in force as idle", () => {
    const confirmation = asked(["gone"]).confirm(nodeStatus(), nameOf);
    expect(confirmation?.capabilities).toMatchObject([{ uid: "gone", idle: true }]);
  });

  it("ends by its time", () => {
    const quiescence = asked();
    expect(quiescence.nextDeadlineMs()).toBe(30_000);
    expect(quiescence.expire(29_999)).toBe(false);
    expect([...quiescence.names(nameOf)]).toEqual(["work"]);
    expect(quiescence.expire(30_000)).toBe(true);
    expect([...quiescence.names(nameOf)]).toEqual([]);
    expect(quiescence.nextDeadlineMs()).toBe(Infinity);
  });

  it("without a name takes the one before back", () => {
    const quiescence = asked();
    quiescence.take(create(QuiesceSchema, { sequence: 8n }), 10);
    expect(quiescence.asked).toBe(false);
    expect(quiescence.confirm(nodeStatus(), nameOf)).toBeUndefined();
  });

  it("is confirmed anew on a new stream", () => {
    const quiescence = asked();
    const idle = lookedAt({ credit: 0 });
    quiescence.confirm(idle, nameOf);
    quiescence.streamLost();
    expect(quiescence.confirm(idle, nameOf)?.sequence).toBe(7n);
  });
});
