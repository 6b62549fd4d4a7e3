/**
 * A second, plain account of who holds what, kept from what crosses a queue's border only. It
 * follows the table "how a lease ends" of design/work.md and knows nothing of the engine's insides.
 */
import type { Lease, ToDemand } from "../../../proto/gen/spillway/work/v1/work_pb.ts";
import type { DemandEffect, DemandInput, WorkPeer } from "../../../sidecar/core/work/index.ts";
import type { ObservedDemand, Watcher } from "./observed.ts";

/** One item. */
export interface LedgerItem {
  readonly sequence: number;
  delivery: number;
  /** A lease of the latest delivery is live. */
  live: boolean;
  /** `node#incarnation/capability` of the latest delivery. */
  holder: string;
  started: boolean;
  untilMs: number;
  runtimeUntilMs: number;
  failed: number;
  ended: boolean;
  /** How the latest delivery ended; empty while it is live. */
  end: string;
  /** Verbs that took effect, `delivery holder verb`: copies of them are no news. */
  readonly settled: Set<string>;
}

/** What a verb was, judged before it took effect. */
export interface JudgedVerb {
  readonly sequence: number;
  readonly verb: string;
  /**
   * `live` holds the lease, `late` may still complete, `copy` repeats, `stale` must change nothing.
   */
  readonly standing: "live" | "late" | "copy" | "stale";
}

/** What one turn of a queue did, as the ledger understands it. */
export interface LedgerTurn {
  readonly verb: JudgedVerb | undefined;
  /** Deliveries of this turn, with the item as it stood before each. */
  readonly delivered: readonly { readonly before: LedgerItem | undefined; readonly lease: Lease }[];
  /** Sequences that the turn touched. */
  readonly touched: ReadonlySet<number>;
}

interface Book {
  readonly items: Map<number, LedgerItem>;
  readonly live: Set<LedgerItem>;
  readonly links: Map<number, { readonly peer: WorkPeer; holder: string }>;
}

/** Keeps the account; checkers that come after it in the list of watchers read it. */
export class LeaseLedger implements Watcher {
  readonly name = "ledger";
  readonly #books = new Map<string, Book>();
  #turn: LedgerTurn = { verb: undefined, delivered: [], touched: new Set() };

  /** The turn that was observed last. */
  get turn(): LedgerTurn {
    return this.#turn;
  }

  item(demand: ObservedDemand, sequence: number): LedgerItem | undefined {
    return this.#book(demand).items.get(sequence);
  }

  afterDemand(
    demand: ObservedDemand,
    turn: { readonly input: DemandInput | undefined; readonly effects: readonly DemandEffect[] },
    nowMs: number,
  ): void {
    const book = this.#book(demand);
    const touched = new Set<number>();
    this.#expire(book, touched, nowMs);
    const verb = this.#takeInput(demand, book, { ...turn, touched }, nowMs);
    const delivered: { before: LedgerItem | undefined; lease: Lease }[] = [];
    for (const effect of turn.effects) {
      if (effect.type === "outcome") {
        touched.add(effect.sequence);
        this.#ended(book, effect.sequence);
      } else if (effect.type === "closeLink") {
        book.links.delete(effect.link);
      } else if (effect.type === "send" && effect.message.kind.case === "deliver") {
        for (const { lease } of effect.message.kind.value.items) {
          if (lease === undefined) continue;
          const before = book.items.get(Number(lease.sequence));
          delivered.push({ before: before && { ...before }, lease });
          touched.add(Number(lease.sequence));
          this.#granted(demand, book, { link: effect.link, lease }, nowMs);
        }
      }
    }
    this.#turn = { verb, delivered, touched };
  }

  #takeInput(
    demand: ObservedDemand,
    book: Book,
    turn: {
      readonly input: DemandInput | undefined;
      readonly effects: readonly DemandEffect[];
      readonly touched: Set<number>;
    },
    nowMs: number,
  ): JudgedVerb | undefined {
    const { input, touched } = turn;
    if (input?.type === "linkOpened") {
      book.links.set(input.link, { peer: input.peer, holder: "" });
    } else if (input?.type === "linkLost") {
      const link = book.links.get(input.link);
      book.links.delete(input.link);
      if (link !== undefined && input.clean) this.#lapseAll(book, touched, link.holder);
    } else if (input?.type === "message") {
      const link = book.links.get(input.link);
      const refused = turn.effects.some(
        (effect) => effect.type === "closeLink" && effect.link === input.link,
      );
      if (link === undefined) return undefined;
      if (refused && input.message.kind.case === "hello") return undefined;
      return this.#takeMessage(demand, book, { link, message: input.message, touched }, nowMs);
    }
    return undefined;
  }

  #takeMessage(
    demand: ObservedDemand,
    book: Book,
    from: {
      readonly link: { readonly peer: WorkPeer; holder: string };
      readonly message: ToDemand;
      readonly touched: Set<number>;
    },
    nowMs: number,
  ): JudgedVerb | undefined {
    const { link, touched } = from;
    const { kind } = from.message;
    const { durationMs, maxRuntimeMs } = demand.options.lease;
    switch (kind.case) {
      case "hello": {
        const { nodeId, incarnation } = link.peer;
        link.holder = `${nodeId}#${String(incarnation)}/${kind.value.capability}`;
        const ours = Number(kind.value.heldOfIncarnation) === demand.node.incarnation;
        const held = ours ? kind.value.held : [];
        for (const item of [...book.live]) {
          const sameNode = item.holder.startsWith(`${nodeId}#`);
          const older =
            sameNode && item.holder.split("/")[0] !== `${nodeId}#${String(incarnation)}`;
          const named = held.some((lease) => isOf(item, lease));
          if (older || (item.holder === link.holder && !named)) this.#lapse(book, touched, item);
          else if (item.holder === link.holder) item.untilMs = nowMs + durationMs;
        }
        return undefined;
      }
      case "started":
        for (const lease of kind.value.leases) {
          const item = this.#held(book, link.holder, lease);
          if (item === undefined || item.started) continue;
          item.started = true;
          item.runtimeUntilMs = nowMs + maxRuntimeMs;
        }
        return undefined;
      case "renew":
        for (const lease of kind.value.leases) {
          const item = this.#held(book, link.holder, lease);
          if (item !== undefined) item.untilMs = nowMs + durationMs;
        }
        return undefined;
      case "leave":
        this.#lapseAll(book, touched, link.holder);
        return undefined;
      case "complete":
      case "fail":
      case "reject":
      case "release":
        return this.#takeVerb(book, { ...from, verb: kind.case, lease: kind.value.lease });
      default:
        return undefined;
    }
  }

  #takeVerb(
    book: Book,
    said: {
      readonly link: { readonly holder: string };
      readonly verb: string;
      readonly lease: Lease | undefined;
      readonly touched: Set<number>;
    },
  ): JudgedVerb | undefined {
    const { lease, verb } = said;
    if (lease === undefined) return undefined;
    const sequence = Number(lease.sequence);
    said.touched.add(sequence);
    const item = book.items.get(sequence);
    const name = `${String(lease.delivery)} ${said.link.holder} ${verb}`;
    if (item?.settled.has(name) === true) return { sequence, verb, standing: "copy" };
    const mine = item?.holder === said.link.holder && isOf(item, lease);
    if (item === undefined || !mine) return { sequence, verb, standing: "stale" };
    if (item.live) {
      item.live = false;
      item.end = verb;
      item.settled.add(name);
      book.live.delete(item);
      if (verb === "fail" || verb === "reject") item.failed += 1;
      return { sequence, verb, standing: "live" };
    }
    if (verb === "complete" && item.end === "lapsed" && !item.ended) {
      item.end = verb;
      item.settled.add(name);
      return { sequence, verb, standing: "late" };
    }
    return { sequence, verb, standing: "stale" };
  }

  #granted(
    demand: ObservedDemand,
    book: Book,
    grant: { readonly link: number; readonly lease: Lease },
    nowMs: number,
  ): void {
    const sequence = Number(grant.lease.sequence);
    const before = book.items.get(sequence);
    const item: LedgerItem = {
      sequence,
      delivery: grant.lease.delivery,
      live: true,
      holder: book.links.get(grant.link)?.holder ?? "",
      started: false,
      untilMs: nowMs + demand.options.lease.durationMs,
      runtimeUntilMs: Infinity,
      failed: before?.failed ?? 0,
      ended: false,
      end: "",
      settled: before?.settled ?? new Set(),
    };
    if (before !== undefined) book.live.delete(before);
    book.items.set(sequence, item);
    book.live.add(item);
  }

  #ended(book: Book, sequence: number): void {
    const item = book.items.get(sequence);
    if (item === undefined) return;
    if (item.live) item.end = "withdrawn";
    item.live = false;
    item.ended = true;
    book.live.delete(item);
  }

  #expire(book: Book, touched: Set<number>, nowMs: number): void {
    for (const item of [...book.live]) {
      if (item.untilMs <= nowMs || item.runtimeUntilMs <= nowMs) this.#lapse(book, touched, item);
    }
  }

  #lapseAll(book: Book, touched: Set<number>, holder: string): void {
    for (const item of [...book.live]) {
      if (item.holder === holder) this.#lapse(book, touched, item);
    }
  }

  #lapse(book: Book, touched: Set<number>, item: LedgerItem): void {
    item.live = false;
    item.end = "lapsed";
    book.live.delete(item);
    touched.add(item.sequence);
    if (item.started) item.failed += 1;
  }

  #held(book: Book, holder: string, lease: Lease | undefined): LedgerItem | undefined {
    const item = lease === undefined ? undefined : book.items.get(Number(lease.sequence));
    if (item === undefined || lease === undefined || !item.live) return undefined;
    return item.holder === holder && isOf(item, lease) ? item : undefined;
  }

  #book(demand: ObservedDemand): Book {
    let book = this.#books.get(demand.id);
    if (book === undefined) {
      book = { items: new Map(), live: new Set(), links: new Map() };
      this.#books.set(demand.id, book);
    }
    return book;
  }
}

function isOf(item: LedgerItem, lease: Lease): boolean {
  return BigInt(item.sequence) === lease.sequence && item.delivery === lease.delivery;
}
