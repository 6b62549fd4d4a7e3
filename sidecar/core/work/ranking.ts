/**
 * Which demand a provider should join. The seed's score is sqrt(providerDeficit × latency) with the
 * highest first, wanting the largest deficit and the lowest latency; with milliseconds for latency
 * it would rank far, nearly full queues first, so both terms are normalised to "more is better":
 * deficit = missing / wanted in [0, 1], latency = r0 / (r0 + rtt) in (0, 1] (design/work.md).
 */
import type { Random } from "../ports.ts";

/** Round trip at which the latency term is one half, before scaling, ms. */
export const referenceRttMs = 0.2;

/** What ranking knows of a demand. */
export interface Rankable {
  readonly desired: number;
  readonly max: number;
  /** Believed to be connected. */
  readonly connected: number;
  readonly rttMs: number | undefined;
  /** Share of recent tries that failed, 0 … 1. */
  readonly errorRate: number;
}

/** Which bound a demand has not reached; 0 is served first. */
export type RankGroup = 0 | 1;

/** @returns 0 below desired, 1 below max, undefined when it is full. */
export function rankGroup(demand: Rankable): RankGroup | undefined {
  if (demand.connected < demand.desired) return 0;
  return demand.connected < demand.max ? 1 : undefined;
}

/**
 * The score inside a group.
 * @param medianRttMs stands in for an unknown round trip; undefined when none is known.
 * @returns 0 … 1, higher is better.
 */
export function scoreOf(
  demand: Rankable,
  rttScale: number,
  medianRttMs: number | undefined,
): number {
  const wanted = rankGroup(demand) === 0 ? demand.desired : demand.max;
  const deficit = wanted === 0 ? 0 : Math.max(0, wanted - demand.connected) / wanted;
  const r0Ms = referenceRttMs * rttScale;
  const rttMs = demand.rttMs ?? medianRttMs ?? r0Ms;
  const latency = r0Ms / (r0Ms + rttMs);
  return Math.sqrt(deficit * latency) * (1 - demand.errorRate);
}

/** @returns the median, or undefined of nothing. */
export function medianOf(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((left, right) => left - right);
  const middle = sorted.length >> 1;
  const upper = sorted[middle];
  if (upper === undefined || sorted.length % 2 === 1) return upper;
  return ((sorted[middle - 1] ?? upper) + upper) / 2;
}

/**
 * Chooses among the best `count` by weight of score, so that providers that see the same list do
 * not all run to the same demand.
 * @param ranked best first.
 */
export function chooseByWeight<T>(
  ranked: readonly { readonly candidate: T; readonly score: number }[],
  count: number,
  random: Random,
): T | undefined {
  const best = ranked.slice(0, count);
  let total = 0;
  for (const { score } of best) total += score;
  let point = random.next() * total;
  for (const { candidate, score } of best) {
    point -= score;
    if (point < 0) return candidate;
  }
  return best[0]?.candidate;
}
