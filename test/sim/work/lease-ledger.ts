/**
 * A second, plain account of who holds what, kept from what crosses a queue's border only. It
 * follows the table "how a lease ends" of design/work.md and knows nothing of the engine's insides.
 */
import type {
  Hello,
  Lease,
  SettledStatus,
  ToDemand,
} from "../../../proto/gen/spillway/work/v1/work_pb.ts";
import type { DemandInput, WorkPeer } from "../../../sidecar/core/work/index.ts";
import {
  type Cause,
  type CausedOutcome,
  matchWords,
  outcomesByCause,
  type SaidLease,
  saidLease,
  type SaidWord,
} from "./demand-words.ts";
import type { DemandTurn, ObservedDemand, Watcher } from "./observed.ts";

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
  /** Place of its input in the turn. */
  readonly input: number;
  /** Place of the outcome that it caused among the effects; undefined: it ended no item. */
  readonly outcomeAt: number | undefined;
}

/** A word on a lease that the demand owes to a link in this turn. */
export interface OwedWord extends SaidLease {
  /** The verb that it answers; undefined: the lease lapsed, or could not be renewed. */
  readonly verb: JudgedVerb | undefined;
  /** The link was lost in this turn: the word may be missing. */
  readonly lost: boolean;
  /** How it was said, and its place among the effects; undefined: it was not. */
  readonly said: { readonly status: SettledStatus; readonly at: number } | undefined;
}

/** What one turn of a queue did, as the ledger understands it. */
export interface LedgerTurn {
  /** Words that are owed, in the order of their causes. */
  readonly words: readonly OwedWord[];
  /** Words that were said and that nothing of this turn asks for. */
  readonly idleWords: readonly SaidWord[];
  /** Deliveries of this turn, with the item as it stood before each. */
  readonly delivered: readonly { readonly before: LedgerItem | undefined; readonly lease: Lease }[];
  /** Sequences that the turn touched. */
  readonly touched: ReadonlySet<number>;
}

interface BookLink {
  readonly link: number;
  readonly peer: WorkPeer;
  /** Empty before Hello. */
  holder: string;
}

interface Book {
  readonly items: Map<number, LedgerItem>;
  readonly live: Set<LedgerItem>;
  readonly links: Map<number, BookLink>;
}

/** A turn while the account of it is made. */
interface OpenTurn {
  readonly demand: ObservedDemand;
  readonly book: Book;
  readonly nowMs: number;
  readonly touched: Set<number>;
  readonly owed: (SaidLease & { readonly verb: JudgedVerb | undefined })[];
  readonly lost: Set<number>;
}

/** Keeps the account; checkers that come after it in the list of watchers read it. */
export class LeaseLedger implements Watcher {
  readonly name = "ledger";
  readonly #books = new Map<string, Book>();
  #turn: LedgerTurn = { words: [], idleWords: [], delivered: [], touched: new Set() };

  /** The turn that was observed last. */
  get turn(): LedgerTurn {
    return this.#turn;
  }

  item(demand: ObservedDemand, sequence: number): LedgerItem | undefined {
    return this.#book(demand).items.get(sequence);
  }

  /** What was due, then the inputs in turn, each with the outcomes it caused; grants come last. */
  afterDemand(demand: ObservedDemand, turn: DemandTurn, nowMs: number): void {
    const book = this.#book(demand);
    const [touched, lost] = [new Set<number>(), new Set<number>()];
    const open: OpenTurn = { demand, book, nowMs, touched, owed: [], lost };
    const causes = outcomesByCause(turn);
    this.#doDue(open, causes[0] ?? []);
    for (const [index, input] of turn.inputs.entries()) {
      const caused = causes[index + 1] ?? [];
      this.#takeInput(open, input, { input: index, caused });
      for (const { sequence } of caused) this.#ended(open, sequence);
    }
    const delivered: { before: LedgerItem | undefined; lease: Lease }[] = [];
    for (const effect of turn.effects) {
      if (effect.type === "closeLink") book.links.delete(effect.link);
      if (effect.type !== "send" || effect.message.kind.case !== "deliver") continue;
      for (const { lease } of effect.message.kind.value.items) {
        if (lease === undefined) continue;
        const before = book.items.get(Number(lease.sequence));
        delivered.push({ before: before && { ...before }, lease });
        this.#granted(open, effect.link, lease);
      }
    }
    this.#turn = { ...matchWords(open.owed, turn.effects, lost), delivered, touched };
  }

  /** An item whose deadline passed ends by it, also when its lease ran out meanwhile. */
  #doDue(open: OpenTurn, outcomes: readonly CausedOutcome[]): void {
    const { book, demand, nowMs } = open;
    const byDeadline = ({ sequence }: CausedOutcome): boolean =>
      demand.queue.item(sequence)?.state === "expired";
    for (const { sequence } of outcomes.filter(byDeadline)) this.#ended(open, sequence);
    for (const item of [...book.live]) {
      if (item.untilMs > nowMs && item.runtimeUntilMs > nowMs) continue;
      this.#lapse(open, item);
      const { sequence, delivery, holder } = item;
      for (const { link, holder: other } of book.links.values()) {
        if (other === holder) open.owed.push({ link, sequence, delivery, verb: undefined });
      }
    }
    for (const { sequence } of outcomes) this.#ended(open, sequence);
  }

  #takeInput(open: OpenTurn, input: DemandInput, at: Cause): void {
    const { book } = open;
    if (input.type === "linkOpened") {
      const { link, peer } = input;
      book.links.set(link, { link, peer, holder: "" });
    } else if (input.type === "linkLost") {
      const link = book.links.get(input.link);
      book.links.delete(input.link);
      open.lost.add(input.link);
      if (link !== undefined && input.clean) this.#lapseAll(open, link.holder);
    } else if (input.type === "message") {
      const link = book.links.get(input.link);
      if (link !== undefined) this.#takeMessage(open, link, input.message, at);
    }
  }

  #takeMessage(open: OpenTurn, link: BookLink, { kind }: ToDemand, at: Cause): void {
    const { durationMs, maxRuntimeMs } = open.demand.options.lease;
    switch (kind.case) {
      case "hello":
        this.#takeHello(open, link, kind.value);
        return;
      case "started":
        for (const lease of kind.value.leases) {
          const item = this.#held(open.book, link.holder, lease);
          if (item === undefined || item.started) continue;
          item.started = true;
          item.runtimeUntilMs = open.nowMs + maxRuntimeMs;
        }
        return;
      case "renew":
        for (const lease of kind.value.leases) {
          const item = this.#held(open.book, link.holder, lease);
          if (item !== undefined) item.untilMs = open.nowMs + durationMs;
          else open.owed.push({ ...saidLease(link.link, lease), verb: undefined });
        }
        return;
      case "leave":
        open.book.links.delete(link.link);
        this.#lapseAll(open, link.holder);
        return;
      case "complete":
      case "fail":
      case "reject":
      case "release": {
        const { lease } = kind.value;
        if (lease === undefined) return;
        const said = saidLease(link.link, lease);
        open.touched.add(said.sequence);
        const outcome = at.caused.find(({ sequence }) => sequence === said.sequence);
        const standing = this.#takeVerb(open.book, link.holder, { ...said, verb: kind.case });
        const { sequence } = said;
        const { input } = at;
        const verb = { sequence, verb: kind.case, standing, input, outcomeAt: outcome?.at };
        open.owed.push({ ...said, verb });
        return;
      }
      default:
        return;
    }
  }

  /** A provider has one link, a node one start; leases that Hello does not name are over. */
  #takeHello(open: OpenTurn, link: BookLink, hello: Hello): void {
    const { book, demand, nowMs } = open;
    const { nodeId, incarnation } = link.peer;
    const others = [...book.links.values()].filter(({ holder }) => holder !== "");
    const holders = [...book.live, ...others].map(({ holder }) => startOf(holder));
    if (holders.some((other) => other.nodeId === nodeId && other.incarnation > incarnation)) {
      book.links.delete(link.link);
      return;
    }
    link.holder = `${nodeId}#${String(incarnation)}/${hello.capability}`;
    const isOlder = (holder: string): boolean => {
      const start = startOf(holder);
      return start.nodeId === nodeId && start.incarnation < incarnation;
    };
    for (const other of others) {
      if (other.holder === link.holder || isOlder(other.holder)) book.links.delete(other.link);
    }
    const ours = Number(hello.heldOfIncarnation) === demand.node.incarnation;
    const held = ours ? hello.held : [];
    for (const item of [...book.live]) {
      const named = held.some((lease) => isOf(item, lease));
      const mine = item.holder === link.holder;
      if (isOlder(item.holder) || (mine && !named)) this.#lapse(open, item);
      else if (mine) item.untilMs = nowMs + demand.options.lease.durationMs;
    }
  }

  #takeVerb(
    book: Book,
    holder: string,
    said: SaidLease & { readonly verb: string },
  ): JudgedVerb["standing"] {
    const { sequence, delivery, verb } = said;
    const item = book.items.get(sequence);
    const name = `${String(delivery)} ${holder} ${verb}`;
    if (item?.settled.has(name) === true) return "copy";
    if (item === undefined || item.holder !== holder || item.delivery !== delivery) return "stale";
    if (item.live) {
      item.live = false;
      item.end = verb;
      item.settled.add(name);
      book.live.delete(item);
      if (verb === "fail" || verb === "reject") item.failed += 1;
      return "live";
    }
    if (verb === "complete" && item.end === "lapsed" && !item.ended) {
      item.end = verb;
      item.settled.add(name);
      return "late";
    }
    return "stale";
  }

  #granted(open: OpenTurn, link: number, lease: Lease): void {
    const { book, demand, nowMs, touched } = open;
    const sequence = Number(lease.sequence);
    touched.add(sequence);
    const before = book.items.get(sequence);
    const item: LedgerItem = {
      sequence,
      delivery: lease.delivery,
      live: true,
      holder: book.links.get(link)?.holder ?? "",
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

  #ended({ book, touched }: OpenTurn, sequence: number): void {
    touched.add(sequence);
    const item = book.items.get(sequence);
    if (item === undefined) return;
    if (item.live) item.end = "withdrawn";
    item.live = false;
    item.ended = true;
    book.live.delete(item);
  }

  #lapseAll(open: OpenTurn, holder: string): void {
    for (const item of [...open.book.live]) {
      if (item.holder === holder) this.#lapse(open, item);
    }
  }

  #lapse({ book, touched }: OpenTurn, item: LedgerItem): void {
    item.live = false;
    item.end = "lapsed";
    book.live.delete(item);
    touched.add(item.sequence);
    if (item.started) item.failed += 1;
  }

  #held(book: Book, holder: string, lease: Lease): LedgerItem | undefined {
    const item = book.items.get(Number(lease.sequence));
    if (item?.live !== true) return undefined;
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

/** The start of a node that a holder belongs to. */
function startOf(holder: string): { readonly nodeId: string; readonly incarnation: number } {
  const [nodeId = "", rest = ""] = holder.split("#");
  return { nodeId, incarnation: Number(rest.split("/")[0]) };
}
