import { expect, test } from "vitest";
import { ControlLane, type ControlLaneOwner } from "../../../../sidecar/transport/control-lane.ts";
import { MemoryBudget } from "../../../../sidecar/wire/memory-budget.ts";
import { SlabPool } from "../../../../sidecar/wire/slab-pool.ts";

/** A control lane whose bytes the test hands in. */
function lane(over: Partial<ControlLaneOwner>) {
  const failures: unknown[] = [];
  let receive: (chunk: Uint8Array) => void = () => undefined;
  const subject = new ControlLane({
    byteLane: {
      headerRoomBytes: 0,
      bufferedBytes: 0,
      write: () => undefined,
      onBytes: (listener) => (receive = listener),
      onEnd: () => undefined,
    },
    owner: {
      onHeard: () => undefined,
      onBlob: () => undefined,
      onFrame: () => true,
      onBreach: () => undefined,
      onFailure: (error) => failures.push(error),
      onLaneEnd: () => undefined,
      ...over,
    },
    slabs: new SlabPool(),
    account: new MemoryBudget(100_000).open(() => undefined),
  });
  subject.listen();
  return { failures, receive: (...bytes: number[]) => receive(Uint8Array.from(bytes)) };
}

test("what is told of the opening may throw: the carrier does not hear of it", () => {
  const bug = new Error("a bug");
  const { receive, failures } = lane({
    onBlob: () => {
      throw bug;
    },
  });
  expect(() => receive(1, 0, 0, 0, 7)).not.toThrow();
  receive(1, 0, 0, 0, 7);
  expect(failures).toEqual([bug]);
});
