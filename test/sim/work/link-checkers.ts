/** Promises about what is said over links: before what, to answer what, never after the end. */
import type { Lease } from "../../../proto/gen/spillway/work/v1/work_pb.ts";
import { parseLeaseToken } from "../../../sidecar/core/work/ticket.ts";
import type { LeaseLedger } from "./lease-ledger.ts";
import {
  type CapabilityTurn,
  type DemandTurn,
  type ObservedCapability,
  type ObservedDemand,
  Violation,
  type Watcher,
} from "./observed.ts";

/** An outcome is recorded before the provider is told that its verb took effect. */
export class RecordedFirst implements Watcher {
  readonly name = "recorded-first";
  readonly #ledger: LeaseLedger;

  constructor(ledger: LeaseLedger) {
    this.#ledger = ledger;
  }

  afterDemand(demand: ObservedDemand): void {
    for (const { verb, said } of this.#ledger.turn.words) {
      if (verb?.outcomeAt === undefined || said === undefined) continue;
      if (verb.standing !== "live" && verb.standing !== "late") continue;
      if (said.at > verb.outcomeAt) continue;
      const what = `item ${String(verb.sequence)} of ${demand.id}`;
      throw new Violation(this.name, `${what} was acknowledged before its outcome was recorded`);
    }
  }
}

/**
 * Each verb, each lapse and each renewal in vain is answered once, over its own link; nothing else
 * is said of leases.
 */
export class OneAnswer implements Watcher {
  readonly name = "one-answer";
  readonly #ledger: LeaseLedger;

  constructor(ledger: LeaseLedger) {
    this.#ledger = ledger;
  }

  afterDemand(demand: ObservedDemand): void {
    const { words, idleWords } = this.#ledger.turn;
    for (const { verb, said, lost, link, sequence } of words) {
      if (said !== undefined || lost) continue;
      const what = `a ${verb?.verb ?? "lease"} of item ${String(sequence)} of ${demand.id}`;
      throw new Violation(this.name, `${what} was not answered over link ${String(link)}`);
    }
    for (const { link, sequence, status } of idleWords) {
      const what = `item ${String(sequence)} of ${demand.id}`;
      const word = `${String(status)} over link ${String(link)}`;
      throw new Violation(this.name, `${what} was answered ${word}, which nothing asked for`);
    }
  }
}

/** A link that was closed is never spoken over again, nor in the rest of the turn. */
export class ClosedLast implements Watcher {
  readonly name = "closed-last";
  readonly #closed = new Set<string>();

  afterDemand(demand: ObservedDemand, turn: DemandTurn): void {
    this.#look(demand.id, turn.effects);
  }

  afterCapability(capability: ObservedCapability, turn: CapabilityTurn): void {
    this.#look(capability.id, turn.effects);
  }

  #look(
    id: string,
    effects: readonly (DemandTurn["effects"][number] | CapabilityTurn["effects"][number])[],
  ): void {
    for (const effect of effects) {
      if (effect.type === "closeLink") this.#closed.add(`${id} ${String(effect.link)}`);
      if (effect.type !== "send" || !this.#closed.has(`${id} ${String(effect.link)}`)) continue;
      const what = `${String(effect.message.kind.case)} on link ${String(effect.link)}`;
      throw new Violation(this.name, `${id} said ${what} after it was closed`);
    }
  }
}

/** The demand hears STARTED, over the delivery's own link, before the application gets the item. */
export class StartedFirst implements Watcher {
  readonly name = "started-first";
  /** By capability: the link over which a delivery came, by ticket and delivery. */
  readonly #links = new Map<string, Map<string, number>>();

  afterCapability(capability: ObservedCapability, turn: CapabilityTurn): void {
    let links = this.#links.get(capability.id);
    if (links === undefined) {
      links = new Map();
      this.#links.set(capability.id, links);
    }
    for (const input of turn.inputs) {
      if (input.type !== "message" || input.message.kind.case !== "deliver") continue;
      for (const { ticket, lease } of input.message.kind.value.items) {
        links.set(`${ticket} ${String(lease?.delivery)}`, input.link);
      }
    }
    const started = new Set<string>();
    for (const effect of turn.effects) {
      if (effect.type === "send" && effect.message.kind.case === "started") {
        for (const lease of effect.message.kind.value.leases) {
          started.add(nameOf(effect.link, lease));
        }
      }
      if (effect.type !== "reply" || effect.reply.kind !== "pulled") continue;
      for (const { ticket, lease } of effect.reply.items) {
        const parts = parseLeaseToken(lease);
        const delivery = parts?.delivery ?? 0;
        const link = links.get(`${ticket} ${String(delivery)}`) ?? 0;
        const wire = { sequence: BigInt(parts?.ticket.sequence ?? 0), delivery };
        if (started.has(nameOf(link, wire))) continue;
        throw new Violation(this.name, `${capability.id} gave out an item before STARTED`);
      }
    }
  }
}

function nameOf(
  link: number,
  { sequence, delivery }: Pick<Lease, "sequence" | "delivery">,
): string {
  return `${String(link)} ${String(sequence)} ${String(delivery)}`;
}
