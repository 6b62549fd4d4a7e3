import { describe, expect, it } from "vitest";
import { TokenRenewal } from "../../../../../sidecar/core/control/token-renewal.ts";

describe("a fresh token", () => {
  it("is looked for when a fifth of the old one's time is left, then every 5 s", () => {
    const token = new TokenRenewal(3_600_000, 1_000);
    expect(token.nextDeadlineMs()).toBe(1_000 + 2_880_000);
    expect(token.take(2_880_999)).toBe(false);
    expect(token.take(2_881_000)).toBe(true);
    expect(token.take(2_881_000)).toBe(false);
    expect(token.nextDeadlineMs()).toBe(2_886_000);
  });

  it("is looked for again by the time of the one that was shown", () => {
    const token = new TokenRenewal(100_000, 0);
    token.take(80_000);
    token.shown(600_000, 80_000);
    expect(token.nextDeadlineMs()).toBe(80_000 + 480_000);
  });

  it("that does not say its end is taken to hold as long as the one before", () => {
    const token = new TokenRenewal(100_000, 0);
    token.shown(undefined, 80_000);
    expect(token.nextDeadlineMs()).toBe(160_000);
  });

  it("that has ended already does not make it spin", () => {
    const token = new TokenRenewal(100_000, 0);
    token.shown(-1_000, 80_000);
    expect(token.nextDeadlineMs()).toBe(85_000);
  });

  it("that nobody could review is shown again, after 5 s and what is asked for at the earliest", () => {
    const token = new TokenRenewal(100_000, 0);
    token.shown(100_000, 80_000);
    expect(token.again).toBe(false);
    token.notReviewed(1_000, 80_100);
    expect(token.again).toBe(true);
    expect(token.nextDeadlineMs()).toBe(85_100);
    token.notReviewed(60_000, 85_100);
    expect(token.nextDeadlineMs()).toBe(145_100);
    token.shown(100_000, 145_100);
    expect(token.again).toBe(false);
  });

  it("is never looked for when the old one has no end", () => {
    expect(new TokenRenewal(Infinity, 0).nextDeadlineMs()).toBe(Infinity);
  });
});
