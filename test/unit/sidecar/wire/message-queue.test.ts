import fc from "fast-check";
import { expect, test } from "vitest";
import { MessageQueue } from "../../../../sidecar/wire/message-queue.ts";

test("behaves as an array does", () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.nat()), { maxLength: 5_000, size: "max" }), (steps) => {
      const queue = new MessageQueue<number>();
      const plain: number[] = [];
      for (const value of steps) {
        if (value === null) expect(queue.shift()).toBe(plain.shift());
        else {
          queue.push(value);
          plain.push(value);
        }
        expect(queue.peek()).toBe(plain[0]);
        expect(queue.empty).toBe(plain.length === 0);
      }
      queue.clear();
      expect(queue.empty).toBe(true);
    }),
    { numRuns: 20 },
  );
});
