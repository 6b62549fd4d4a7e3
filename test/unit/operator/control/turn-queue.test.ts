import { expect, test } from "vitest";
import { TurnQueue } from "../../../../operator/control/turn-queue.ts";

test("no more than the bound run at once; the others follow in order", async () => {
  const queue = new TurnQueue(2);
  const log: string[] = [];
  const finish: (() => void)[] = [];
  const all = ["a", "b", "c", "d"].map((name) =>
    queue.run(async () => {
      log.push(name);
      await new Promise<void>((resolve) => finish.push(resolve));
    }),
  );
  await Promise.resolve();
  expect(log).toEqual(["a", "b"]);
  finish[1]?.();
  await all[1];
  await Promise.resolve();
  expect(log).toEqual(["a", "b", "c"]);
  finish[0]?.();
  finish[2]?.();
  await all[2];
  await Promise.resolve();
  finish[3]?.();
  await Promise.all(all);
  expect(log).toEqual(["a", "b", "c", "d"]);
});

test("a task that fails hands its place on, and its error to its caller", async () => {
  const queue = new TurnQueue(1);
  const failed = queue.run(() => Promise.reject(new Error("no")));
  const next = queue.run(() => Promise.resolve(7));
  await expect(failed).rejects.toThrow("no");
  await expect(next).resolves.toBe(7);
});
