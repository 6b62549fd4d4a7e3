/** design/work.md: "outcomes kept 10,000, 64 MiB, 1 h"; the bound is one of memory. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { DemandRig } from "../../../../support/demand-rig.ts";
import { eventually } from "../../../../support/eventually.ts";

const mebibyte = 1_048_576;

function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
}

describe("the log of outcomes", () => {
  test("holds no result that its bounds have dropped", async () => {
    const rig = new DemandRig({ retention: { maxBytes: 4 * mebibyte } });
    const worker = rig.provider("worker-0", 200);
    // What the rig itself remembers of effects would hold them too.
    const before = process.memoryUsage().arrayBuffers;
    for (let index = 0; index < 200; index += 1) {
      rig.add();
      worker.complete(worker.lease(), new Uint8Array(mebibyte));
      rig.effects.length = 0;
    }
    expect(rig.queue.snapshot(rig.nowMs).counts.done).toBeLessThanOrEqual(4);
    // Buffers are given back some time after the collection that found them unused.
    await eventually(() => {
      collectGarbage();
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * mebibyte);
      return true;
    });
  });
});

describe("an item that is over", () => {
  test("holds its request no longer", async () => {
    const rig = new DemandRig();
    const worker = rig.provider("worker-0", 200);
    const before = process.memoryUsage().arrayBuffers;
    for (let index = 0; index < 64; index += 1) {
      rig.add({}, new Uint8Array(mebibyte));
      worker.complete(worker.lease(), new Uint8Array(1));
      rig.effects.length = 0;
    }
    expect(rig.queue.snapshot(rig.nowMs).counts.done).toBe(64);
    await eventually(() => {
      collectGarbage();
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * mebibyte);
      return true;
    });
  });
});

describe("cancelling", () => {
  test("an item of a lost provider forgets the provider", () => {
    const rig = new DemandRig();
    for (let index = 0; index < 50; index += 1) {
      const worker = rig.provider(`worker-${String(index)}`, 1);
      const sequence = rig.add();
      worker.started();
      worker.lost();
      rig.cancel(sequence);
    }
    expect(rig.queue.peers()).toEqual([]);
  });
});
