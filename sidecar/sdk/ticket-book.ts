/**
 * Which outcome belongs to which open ticket. Backends may tell an outcome twice (the stream and a
 * question after a reconnect) and may tell it before the add has answered; an idempotency key may
 * give two entries one ticket.
 */
import type { CarriedOutcome } from "./outcome.ts";

/** Tickets whose run is remembered after their end, so that a second telling is known as one. */
const endedLimit = 10_000;

/** Entries that an outcome ends. */
export interface Ended<E> {
  readonly entries: readonly E[];
  /** False when the handler has already run for this run of the ticket. */
  readonly firstTold: boolean;
}

/** The open tickets of one Demand. E: what is kept for each. */
export class TicketBook<E> {
  readonly #open = new Map<string, E[]>();
  /** Outcomes that came before the add had answered; at most one for each add in flight. */
  readonly #early = new Map<string, CarriedOutcome>();
  /** Last run told, of the tickets that ended last. */
  readonly #ended = new Map<string, number>();
  #addingCount = 0;

  /** Tickets without an outcome. */
  openTickets(): readonly string[] {
    return [...this.#open.keys()];
  }

  /** An add begins; exactly one `added` or `refused` follows. */
  adding(): void {
    this.#addingCount += 1;
  }

  /** The add was answered with a ticket. @returns the outcome, if it came before. */
  added(ticket: string, entry: E): CarriedOutcome | undefined {
    this.#addingCount -= 1;
    const entries = this.#open.get(ticket);
    if (entries === undefined) {
      this.#open.set(ticket, [entry]);
    } else {
      entries.push(entry);
    }
    const early = this.#early.get(ticket);
    this.#early.delete(ticket);
    this.#forgetEarly();
    return early;
  }

  /** The add was answered without a ticket. */
  refused(): void {
    this.#addingCount -= 1;
    this.#forgetEarly();
  }

  /** An outcome was told. @returns undefined when it is early, late or nobody's. */
  outcome(ticket: string, outcome: CarriedOutcome): Ended<E> | undefined {
    const toldRun = this.#ended.get(ticket);
    const entries = this.#open.get(ticket);
    if (entries === undefined) {
      if (toldRun === undefined && this.#addingCount > 0) {
        this.#early.set(ticket, outcome);
      }
      return undefined;
    }
    this.#open.delete(ticket);
    this.#remember(ticket, outcome.run);
    return { entries, firstTold: toldRun === undefined || outcome.run > toldRun };
  }

  /** Takes out every open ticket: nobody will tell their outcomes any more. */
  takeAll(): readonly (readonly [ticket: string, entry: E])[] {
    const all = [...this.#open].flatMap(([ticket, entries]) =>
      entries.map((entry) => [ticket, entry] as const),
    );
    this.#open.clear();
    return all;
  }

  #forgetEarly(): void {
    if (this.#addingCount === 0) {
      this.#early.clear();
    }
  }

  #remember(ticket: string, run: number): void {
    this.#ended.delete(ticket);
    this.#ended.set(ticket, run);
    if (this.#ended.size > endedLimit) {
      const oldest = this.#ended.keys().next();
      if (oldest.done !== true) {
        this.#ended.delete(oldest.value);
      }
    }
  }
}
