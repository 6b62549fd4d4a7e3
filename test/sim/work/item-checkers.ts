/**
 * Promises about items: one outcome each, one lease each, stale leases change nothing, right
 * counts.
 */
import { SettledStatus } from "../../../proto/gen/spillway/work/v1/work_pb.ts";
import type { DemandInput, ItemSnapshot } from "../../../sidecar/core/work/index.ts";
import type { LeaseLedger } from "./lease-ledger.ts";
import { type DemandTurn, type ObservedDemand, Violation, type Watcher } from "./observed.ts";

/** Every accepted ticket of a surviving producer gets exactly one outcome. */
export class OneOutcome implements Watcher {
  readonly name = "one-outcome";
  readonly #open = new Map<
    string,
    { readonly demand: ObservedDemand; readonly open: Set<number> }
  >();
  readonly #ended = new Map<string, Set<number>>();

  afterDemand(demand: ObservedDemand, turn: DemandTurn): void {
    const ended = this.#endedOf(demand);
    for (const effect of turn.effects) {
      if (effect.type === "reply" && effect.reply.kind === "added" && effect.reply.created) {
        this.#openOf(demand).add(effect.reply.sequence);
      } else if (effect.type === "outcome") {
        const { sequence } = effect;
        if (ended.has(sequence)) {
          throw new Violation(this.name, `item ${String(sequence)} of ${demand.id} ended twice`);
        }
        if (demand.queue.item(sequence)?.outcome === undefined) {
          throw new Violation(this.name, `item ${String(sequence)} ended without an outcome`);
        }
        ended.add(sequence);
        this.#openOf(demand).delete(sequence);
      }
    }
  }

  nodeDied(node: { readonly nodeId: string; readonly incarnation: number }): void {
    for (const [id, { demand }] of this.#open) {
      const same = demand.node.nodeId === node.nodeId;
      if (same && demand.node.incarnation === node.incarnation) this.#open.delete(id);
    }
  }

  /** Accepted items of living producers that have no outcome. */
  openItems(): { readonly demand: ObservedDemand; readonly sequence: number }[] {
    return [...this.#open.values()].flatMap(({ demand, open }) =>
      [...open].map((sequence) => ({ demand, sequence })),
    );
  }

  #openOf(demand: ObservedDemand): Set<number> {
    let entry = this.#open.get(demand.id);
    if (entry === undefined) {
      entry = { demand, open: new Set() };
      this.#open.set(demand.id, entry);
    }
    return entry.open;
  }

  #endedOf(demand: ObservedDemand): Set<number> {
    let ended = this.#ended.get(demand.id);
    if (ended === undefined) {
      ended = new Set();
      this.#ended.set(demand.id, ended);
    }
    return ended;
  }
}

/**
 * An item is never with two providers, nor delivered after its end; delivery numbers grow by one.
 */
export class OneLease implements Watcher {
  readonly name = "one-lease";
  readonly #ledger: LeaseLedger;

  constructor(ledger: LeaseLedger) {
    this.#ledger = ledger;
  }

  afterDemand(demand: ObservedDemand): void {
    for (const { before, lease } of this.#ledger.turn.delivered) {
      const what = `item ${String(lease.sequence)} of ${demand.id}`;
      if (before?.live === true) {
        throw new Violation(this.name, `${what} was granted while ${before.holder} holds it`);
      }
      if (before?.ended === true) {
        throw new Violation(this.name, `${what} was granted after its end`);
      }
      if (lease.delivery !== (before?.delivery ?? 0) + 1) {
        throw new Violation(this.name, `${what} skipped to delivery ${String(lease.delivery)}`);
      }
    }
    for (const sequence of this.#ledger.turn.touched) {
      const live = this.#ledger.item(demand, sequence)?.live ?? false;
      const state = demand.queue.item(sequence)?.state;
      if (state !== undefined && live !== (state === "leased")) {
        const what = `item ${String(sequence)} of ${demand.id} is ${state}`;
        throw new Violation(this.name, `${what}, but its lease is ${live ? "live" : "over"}`);
      }
    }
  }
}

/**
 * A verb on a lease that is not held answers STALE_LEASE (a copy: ACCEPTED) and changes nothing.
 */
export class StaleLease implements Watcher {
  readonly name = "stale-lease";
  readonly #ledger: LeaseLedger;
  #before = "";
  /** Of each input of the running turn: whether it changed the item that it is about. */
  #changed: boolean[] = [];

  constructor(ledger: LeaseLedger) {
    this.#ledger = ledger;
  }

  beforeTake(demand: ObservedDemand, input: DemandInput): void {
    this.#before = factsOf(demand, input);
  }

  afterTake(demand: ObservedDemand, input: DemandInput): void {
    this.#changed.push(factsOf(demand, input) !== this.#before);
  }

  afterDemand(demand: ObservedDemand): void {
    const changed = this.#changed;
    this.#changed = [];
    for (const { verb, said, delivery } of this.#ledger.turn.words) {
      if (verb === undefined || said === undefined) continue;
      const { sequence, standing } = verb;
      const what = `a ${standing} ${verb.verb} of item ${String(sequence)} of ${demand.id}`;
      const accepted = said.status === SettledStatus.ACCEPTED;
      if (standing === "live" || standing === "late") {
        if (accepted) continue;
        throw new Violation(this.name, `${what} was answered ${String(said.status)}`);
      }
      const latest = this.#ledger.item(demand, sequence)?.delivery === delivery;
      const known = demand.queue.item(sequence) !== undefined;
      if (standing === "copy" && !accepted && latest && known) {
        throw new Violation(this.name, `${what} was refused`);
      }
      if (standing === "stale" && accepted) {
        throw new Violation(this.name, `${what} was accepted`);
      }
      if (changed[verb.input] === true) throw new Violation(this.name, `${what} changed it`);
    }
  }
}

/** Attempts count exactly as the table says, and nothing is retried for ever. */
export class RightAttempts implements Watcher {
  readonly name = "attempts";
  readonly #ledger: LeaseLedger;

  constructor(ledger: LeaseLedger) {
    this.#ledger = ledger;
  }

  afterDemand(demand: ObservedDemand): void {
    for (const sequence of this.#ledger.turn.touched) {
      const counted = this.#ledger.item(demand, sequence)?.failed ?? 0;
      const item = demand.queue.item(sequence);
      if (item === undefined) continue;
      const what = `item ${String(sequence)} of ${demand.id}`;
      if (item.failed !== counted) {
        throw new Violation(
          this.name,
          `${what} counts ${String(item.failed)} failed attempts instead of ${String(counted)}`,
        );
      }
      if (item.failed >= demand.options.retry.maxAttempts && item.outcome === undefined) {
        throw new Violation(this.name, `${what} goes on after ${String(item.failed)} attempts`);
      }
    }
  }
}

/** What a verb may change of the item that it is about; empty for every other input. */
function factsOf(demand: ObservedDemand, input: DemandInput): string {
  if (input.type !== "message") return "";
  const { kind } = input.message;
  switch (kind.case) {
    case "complete":
    case "fail":
    case "reject":
    case "release":
      return JSON.stringify(facts(demand.queue.item(Number(kind.value.lease?.sequence ?? 0n))));
    default:
      return "";
  }
}

function facts(item: ItemSnapshot | undefined): unknown {
  if (item === undefined) return null;
  const { state, failed, acquired, outcome } = item;
  return { state, failed, acquired, kind: outcome?.kind, run: outcome?.run };
}
