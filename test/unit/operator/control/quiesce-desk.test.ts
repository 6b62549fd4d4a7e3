import { describe, expect, test } from "vitest";
import type { StreamId } from "../../../../operator/control/hub-messages.ts";
import { testCapability, testPod } from "../../../support/control-rig.ts";
import { HubRig } from "../../../support/hub-rig.ts";

const capability = testCapability();
const capabilityUids = [capability.uid];

/** A pod that has confirmed an order of 20 s, the first one. */
class Quiet {
  readonly rig = HubRig.leading();
  readonly pod = this.rig.assign(testPod(), { capabilities: [capability] });
  stream = this.rig.attach(this.pod);

  constructor() {
    this.order();
    this.confirm(101n);
    expect(this.confirmed()).toEqual(capabilityUids);
  }

  order(ttlMs = 20_000, uids: readonly string[] = capabilityUids): void {
    this.rig.tell({ type: "quiesce", podUid: this.pod.uid, capabilityUids: uids, ttlMs });
  }

  confirm(sequence: bigint, stream: StreamId = this.stream): void {
    const capabilities = [{ uid: capability.uid, idle: true }];
    this.rig.send(stream, { case: "quiesceConfirmation", value: { sequence, capabilities } });
  }

  /** Uids that count as confirmed. */
  confirmed(): string[] {
    return [...(this.rig.hub.sidecar(this.pod.uid)?.quiesced.keys() ?? [])];
  }

  attach(incarnation: bigint): void {
    this.stream = this.rig.attach(this.pod, { incarnation });
  }
}

describe("what a sidecar confirmed does not count any more", () => {
  test("once it was started anew, until it confirms again", () => {
    const quiet = new Quiet();
    quiet.attach(1n);
    expect(quiet.confirmed()).toEqual([]);
    quiet.confirm(101n);
    expect(quiet.confirmed()).toEqual(capabilityUids);
  });

  test("on a new stream of the same process, where it took items again while it was away", () => {
    const quiet = new Quiet();
    quiet.attach(0n);
    expect(quiet.confirmed()).toEqual([]);
  });

  test("when the order is over, which is told", () => {
    const quiet = new Quiet();
    quiet.rig.elapse(19_999);
    expect(quiet.confirmed()).toEqual(capabilityUids);
    quiet.rig.effects.length = 0;
    quiet.rig.elapse(1);
    expect(quiet.confirmed()).toEqual([]);
    expect(quiet.rig.effects).toEqual([{ type: "changed", podUid: quiet.pod.uid }]);
  });

  test("when another order begins, and not by a confirmation of the one before", () => {
    const quiet = new Quiet();
    quiet.order();
    expect(quiet.confirmed()).toEqual([]);
    quiet.confirm(101n);
    expect(quiet.confirmed()).toEqual([]);
    quiet.confirm(102n);
    expect(quiet.confirmed()).toEqual(capabilityUids);
  });

  test("when it comes after the end of its order", () => {
    const quiet = new Quiet();
    quiet.rig.elapse(20_000);
    quiet.confirm(101n);
    expect(quiet.confirmed()).toEqual([]);
  });
});

test("an order that is given again holds for the time of the new one", () => {
  const quiet = new Quiet();
  quiet.rig.elapse(15_000);
  quiet.order();
  quiet.confirm(102n);
  quiet.rig.elapse(19_999);
  expect(quiet.confirmed()).toEqual(capabilityUids);
  quiet.rig.elapse(1);
  expect(quiet.confirmed()).toEqual([]);
});

test("of a pod that is gone no order is left to end", () => {
  const quiet = new Quiet();
  quiet.rig.tell({ type: "released", podUid: quiet.pod.uid });
  quiet.rig.effects.length = 0;
  quiet.rig.elapse(60_000);
  expect(quiet.rig.effects).toEqual([]);
});
