import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MemoryBudget } from "../../../../sidecar/wire/memory-budget.ts";

describe("MemoryBudget", () => {
  test("the account that holds most goes when another one needs room", () => {
    const budget = new MemoryBudget(100);
    const revoked: string[] = [];
    const great = budget.open(() => revoked.push("great"));
    const small = budget.open(() => revoked.push("small"));
    expect(great.reserve(80)).toBe(true);
    expect(small.reserve(15)).toBe(true);
    expect(small.reserve(10)).toBe(true);
    expect(revoked).toEqual(["great"]);
    expect(great.reserve(1)).toBe(false);
    expect(budget.usedBytes).toBe(25);
  });

  test("the account that would hold most itself is refused", () => {
    const budget = new MemoryBudget(100);
    const great = budget.open(() => {});
    const small = budget.open(() => {});
    small.reserve(40);
    expect(great.reserve(60)).toBe(true);
    expect(great.reserve(1)).toBe(false);
    expect(small.usedBytes).toBe(40);
    expect(budget.open(() => {}).reserve(101)).toBe(false);
  });

  test("closing gives everything back, once", () => {
    const budget = new MemoryBudget(100);
    const account = budget.open(() => {});
    account.reserve(70);
    account.close();
    account.close();
    account.release(70);
    expect(budget.usedBytes).toBe(0);
  });

  test("whatever is done, the sum of all accounts is what is used, and within the limit", () => {
    const step = fc.tuple(fc.nat(3), fc.integer({ min: -50, max: 60 }));
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const budget = new MemoryBudget(100);
        const accounts = [0, 1, 2, 3].map(() => budget.open(() => {}));
        for (const [who, bytes] of steps) {
          const account = accounts[who];
          if (account === undefined) continue;
          if (bytes >= 0) account.reserve(bytes);
          else account.release(Math.min(-bytes, account.usedBytes));
          expect(accounts.reduce((sum, each) => sum + each.usedBytes, 0)).toBe(budget.usedBytes);
          expect(budget.usedBytes).toBeLessThanOrEqual(100);
        }
      }),
    );
  });
});
