/** design/work.md: score = sqrt(providerDeficit * latency), both terms normalised. */
import { describe, expect, test } from "vitest";
import {
  chooseByWeight,
  medianOf,
  type Rankable,
  rankGroup,
  scoreOf,
} from "../../../../../sidecar/core/work/ranking.ts";

const demand: Rankable = { desired: 4, max: 8, connected: 2, rttMs: 0.2, errorRate: 0 };

describe("groups", () => {
  test.each([
    [{ connected: 3 }, 0],
    [{ connected: 4 }, 1],
    [{ connected: 7 }, 1],
    [{ connected: 8 }, undefined],
    [{ connected: 9 }, undefined],
  ])("%o is in group %s", (fields, group) => {
    expect(rankGroup({ ...demand, ...fields })).toBe(group);
  });
});

describe("score", () => {
  test("deficit is missing / wanted, latency is r0 / (r0 + rtt)", () => {
    expect(scoreOf(demand, 1, undefined)).toBeCloseTo(Math.sqrt(0.5 * 0.5));
    expect(scoreOf({ ...demand, connected: 6 }, 1, undefined)).toBeCloseTo(Math.sqrt(0.25 * 0.5));
  });

  test("wants the largest deficit and the lowest latency", () => {
    const near = scoreOf(demand, 1, undefined);
    expect(near).toBeGreaterThan(scoreOf({ ...demand, rttMs: 5 }, 1, undefined));
    expect(near).toBeGreaterThan(scoreOf({ ...demand, connected: 3 }, 1, undefined));
  });

  test("a far, nearly full queue does not win (the raw product would let it)", () => {
    const far = scoreOf({ ...demand, connected: 3, rttMs: 50 }, 1, undefined);
    expect(scoreOf({ ...demand, connected: 0, rttMs: 1 }, 1, undefined)).toBeGreaterThan(far);
  });

  test("an unknown round trip counts as the median of the known, never as 0", () => {
    const unknown = { ...demand, rttMs: undefined };
    expect(scoreOf(unknown, 1, 3)).toBe(scoreOf({ ...demand, rttMs: 3 }, 1, undefined));
    expect(scoreOf(unknown, 1, undefined)).toBe(scoreOf(demand, 1, undefined));
  });

  test("the scale moves what counts as near", () => {
    expect(scoreOf({ ...demand, rttMs: 20 }, 100, undefined)).toBeCloseTo(Math.sqrt(0.5 * 0.5));
  });

  test("errors are a penalty", () => {
    const failing = scoreOf({ ...demand, errorRate: 0.5 }, 1, undefined);
    expect(failing).toBeCloseTo(scoreOf(demand, 1, undefined) / 2);
  });
});

test.each([
  [[], undefined],
  [[3], 3],
  [[5, 1, 3], 3],
  [[4, 1, 3, 2], 2.5],
])("the median of %o is %s", (values, median) => {
  expect(medianOf(values)).toBe(median);
});

describe("choice", () => {
  const ranked = [
    { candidate: "a", score: 0.6 },
    { candidate: "b", score: 0.3 },
    { candidate: "c", score: 0.1 },
    { candidate: "d", score: 0.05 },
  ];

  test.each([
    [0, "a"],
    [0.59, "a"],
    [0.61, "b"],
    [0.95, "c"],
  ])("at %s of the weight of the best three it is %s", (point, candidate) => {
    expect(chooseByWeight(ranked, 3, { next: () => point })).toBe(candidate);
  });

  test("of nothing is nothing; of worthless ones the first", () => {
    expect(chooseByWeight([], 3, { next: () => 0.5 })).toBeUndefined();
    expect(chooseByWeight([{ candidate: "x", score: 0 }], 3, { next: () => 0.5 })).toBe("x");
  });
});
