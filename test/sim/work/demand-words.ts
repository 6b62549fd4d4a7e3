/** What the effects of a queue's turn say: which outcome and which word came of which input. */
import type { Lease, SettledStatus } from "../../../proto/gen/spillway/work/v1/work_pb.ts";
import type { DemandEffect } from "../../../sidecar/core/work/index.ts";
import type { DemandTurn } from "./observed.ts";

/** An outcome effect and its place among the effects. */
export interface CausedOutcome {
  readonly sequence: number;
  readonly at: number;
}

/** Where an input stands in its turn, and the outcomes it caused. */
export interface Cause {
  readonly input: number;
  readonly caused: readonly CausedOutcome[];
}

/** A lease as it is named on a link. */
export interface SaidLease {
  readonly link: number;
  readonly sequence: number;
  readonly delivery: number;
}

/** A lease that a Settled names, and the place of it among the effects. */
export interface SaidWord extends SaidLease {
  readonly status: SettledStatus;
  readonly at: number;
}

/** Names a lease on a link. */
export function saidLease(link: number, lease: Lease): SaidLease {
  return { link, sequence: Number(lease.sequence), delivery: lease.delivery };
}

/**
 * Outcomes by cause: place 0 what was due, place n the n-th input. What no cause recorded comes to
 * the last one.
 */
export function outcomesByCause(turn: DemandTurn): readonly (readonly CausedOutcome[])[] {
  const causes: CausedOutcome[][] = turn.recorded.map(() => []);
  for (const [at, effect] of turn.effects.entries()) {
    if (effect.type !== "outcome") continue;
    const { sequence } = effect;
    const cause = turn.recorded.findIndex((last) => effect.number <= last);
    causes.at(cause)?.push({ sequence, at });
  }
  return causes;
}

/**
 * Gives each word that is owed the one that was said: words on one lease of one link in their
 * order.
 */
export function matchWords<Owed extends SaidLease>(
  owed: readonly Owed[],
  effects: readonly DemandEffect[],
  lost: ReadonlySet<number>,
): {
  readonly words: readonly (Owed & {
    readonly lost: boolean;
    readonly said: SaidWord | undefined;
  })[];
  readonly idleWords: readonly SaidWord[];
} {
  const left = saidWords(effects);
  const words = owed.map((word) => {
    const index = left.findIndex((said) => nameOf(said) === nameOf(word));
    const [said] = index < 0 ? [] : left.splice(index, 1);
    return { ...word, lost: lost.has(word.link), said };
  });
  return { words, idleWords: left };
}

function saidWords(effects: readonly DemandEffect[]): SaidWord[] {
  const said: SaidWord[] = [];
  for (const [at, effect] of effects.entries()) {
    if (effect.type !== "send" || effect.message.kind.case !== "settled") continue;
    const { leases, status } = effect.message.kind.value;
    for (const lease of leases) said.push({ ...saidLease(effect.link, lease), status, at });
  }
  return said;
}

function nameOf({ link, sequence, delivery }: SaidLease): string {
  return `${String(link)} ${String(sequence)} ${String(delivery)}`;
}
