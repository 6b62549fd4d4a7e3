/**
 * The items of one queue: their states, counts and bounds, who is due when, what has ended. The
 * only code that changes an item's state; it knows nothing of links and messages.
 */
import { ChurnMap } from "../churn-map.ts";
import type { DemandOptions } from "./demand-options.ts";
import { IndexedHeap } from "../indexed-heap.ts";
import { SequenceMap } from "../sequence-map.ts";
import { EndedItem, type FinalState, type KnownItem } from "./ended-item.ts";
import type { Item, ItemLease, ItemState, Outcome } from "./item.ts";
import { OutcomeLog } from "./outcome-log.ts";
import { ReadyQueue } from "./ready-queue.ts";
import { WorkError } from "./refusal.ts";
import type { ItemCounts } from "./snapshot.ts";

/** States in which an item has ended. */
export type EndState = FinalState | "dead";

/** Items of one queue. Cost of a transition: O(log n). */
export class ItemStore {
  readonly ready = new ReadyQueue();
  readonly #items = new SequenceMap<KnownItem>();
  readonly #keys = new ChurnMap<string, KnownItem>();
  readonly #timers = new IndexedHeap<Item>({
    before: (left, right) => left.dueMs < right.dueMs,
    indexOf: (item) => item.timerIndex,
    place: (item, index) => {
      item.timerIndex = index;
    },
  });
  readonly #kept = new OutcomeLog();
  readonly #dead = new OutcomeLog();
  readonly #counts: Record<ItemState, number> = {
    ready: 0,
    leased: 0,
    delayed: 0,
    done: 0,
    dead: 0,
    cancelled: 0,
    expired: 0,
  };
  #pendingBytes = 0;
  #lastOrder = 0;
  #lastOutcome = 0;

  get pendingItems(): number {
    return this.#counts.ready + this.#counts.leased + this.#counts.delayed;
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** Number of the last outcome; 0 before the first. */
  get lastOutcome(): number {
    return this.#lastOutcome;
  }

  get deadLettersDropped(): number {
    return this.#dead.dropped;
  }

  get outcomesDropped(): number {
    return this.#kept.dropped;
  }

  counts(): ItemCounts {
    return { ...this.#counts };
  }

  get(sequence: number): KnownItem | undefined {
    return this.#items.get(sequence);
  }

  /** The item that was added with this idempotency key, while it is kept. */
  byKey(idempotencyKey: string): KnownItem | undefined {
    return this.#keys.get(idempotencyKey);
  }

  /** All items, in the order of their sequences. */
  all(): IterableIterator<KnownItem> {
    return this.#items.values();
  }

  /** Takes in a new item: ready at once, or delayed until `readyAtMs`. */
  add(item: Item, readyAtMs: number, nowMs: number): void {
    this.#items.set(item.sequence, item);
    if (item.idempotencyKey !== undefined) this.#keys.set(item.idempotencyKey, item);
    this.#pendingBytes += item.request.length;
    this.#counts[item.state] += 1;
    if (readyAtMs > nowMs) this.#delay(item, readyAtMs);
    else this.#makeReady(item, nowMs);
  }

  /** ready → leased. */
  lease(item: Item, lease: ItemLease): void {
    expectState(item, item.state === "ready");
    this.ready.remove(item, false);
    this.#setState(item, "leased");
    lease.previous = item.lease;
    if (lease.previous !== undefined) lease.previous.previous = undefined;
    item.lease = lease;
    item.acquired += 1;
    lease.provider.leased.set(item.sequence, item);
    this.reschedule(item);
  }

  /** leased → ready, or delayed until `readyAtMs`. */
  requeue(item: Item, readyAtMs: number, nowMs: number): void {
    expectState(item, item.state === "leased");
    item.lease?.provider.leased.delete(item.sequence);
    if (readyAtMs > nowMs) this.#delay(item, readyAtMs);
    else this.#makeReady(item, nowMs);
  }

  /** delayed → ready. */
  wake(item: Item, nowMs: number): void {
    expectState(item, item.state === "delayed");
    this.#makeReady(item, nowMs);
  }

  /** Any pending state → an end, with its outcome recorded. */
  end(item: Item, state: EndState, outcome: Outcome, nowMs: number): void {
    expectState(item, item.outcome === undefined);
    if (item.state === "leased") item.lease?.provider.leased.delete(item.sequence);
    this.ready.remove(item, true);
    this.#timers.remove(item);
    this.#pendingBytes -= item.request.length;
    this.#setState(item, state);
    item.outcome = outcome;
    this.#lastOutcome += 1;
    item.outcomeNumber = this.#lastOutcome;
    if (state === "dead") {
      this.#dead.add(item, nowMs);
    } else {
      const ended = new EndedItem(item, nowMs);
      this.#items.set(item.sequence, ended);
      if (this.#isByKey(item)) this.#keys.set(ended.idempotencyKey ?? "", ended);
      this.#kept.add(ended, nowMs);
    }
  }

  /** dead → ready: run n + 1. */
  redrive(item: Item, nowMs: number): void {
    expectState(item, item.state === "dead");
    this.#dead.void(item);
    item.outcome = undefined;
    item.run += 1;
    item.acquired = 0;
    item.failed = 0;
    this.#pendingBytes += item.request.length;
    this.#makeReady(item, nowMs);
  }

  /** Forgets what is over the bounds of retention. */
  trim(options: DemandOptions, nowMs: number): void {
    for (const item of this.#kept.trim(options.retention, nowMs)) this.#forget(item);
    for (const item of this.#dead.trim(options.deadLetter, nowMs)) this.#forget(item);
  }

  /** Outcomes after a number, oldest first, at most `limit`. */
  outcomesAfter(after: number, limit: number): KnownItem[] {
    const merged = [...this.#kept.after(after, limit), ...this.#dead.after(after, limit)];
    return merged.sort((left, right) => left.outcomeNumber - right.outcomeNumber).slice(0, limit);
  }

  /**
   * Computes anew when the item is due, after its lease changed. Later times are taken over lazily.
   */
  reschedule(item: Item): void {
    const dueMs = dueOf(item);
    if (item.timerIndex >= 0 && dueMs >= item.dueMs) return;
    if (dueMs === Infinity) return;
    item.dueMs = dueMs;
    this.#timers.put(item);
  }

  /**
   * @returns an item whose time has come, or undefined. It stays until its state or due time
   *   changes.
   */
  due(nowMs: number): Item | undefined {
    for (;;) {
      const item = this.#timers.peek();
      if (item === undefined || item.dueMs > nowMs) return undefined;
      const dueMs = dueOf(item);
      if (dueMs <= nowMs) return item;
      if (dueMs === Infinity) {
        this.#timers.remove(item);
      } else {
        item.dueMs = dueMs;
        this.#timers.put(item);
      }
    }
  }

  nextDeadlineMs(options: DemandOptions): number {
    return Math.min(
      this.#timers.peek()?.dueMs ?? Infinity,
      this.#kept.nextDeadlineMs(options.retention),
      this.#dead.nextDeadlineMs(options.deadLetter),
    );
  }

  #makeReady(item: Item, nowMs: number): void {
    if (item.order === 0) {
      this.#lastOrder += 1;
      item.order = this.#lastOrder;
      item.readySinceMs = nowMs;
    }
    this.#setState(item, "ready");
    this.ready.add(item);
    this.reschedule(item);
  }

  #delay(item: Item, untilMs: number): void {
    item.delayedUntilMs = untilMs;
    this.#setState(item, "delayed");
    this.reschedule(item);
  }

  #forget(known: KnownItem): void {
    if (this.#isByKey(known)) this.#keys.delete(known.idempotencyKey ?? "");
    this.#items.delete(known.sequence);
    this.#counts[known.state] -= 1;
  }

  #isByKey({ idempotencyKey, sequence }: KnownItem): boolean {
    return idempotencyKey !== undefined && this.#keys.get(idempotencyKey)?.sequence === sequence;
  }

  #setState(item: Item, state: ItemState): void {
    this.#counts[item.state] -= 1;
    this.#counts[state] += 1;
    item.state = state;
  }
}

/** When something has to happen to the item by itself; Infinity: never. */
function dueOf(item: Item): number {
  const deadlineMs = item.deadlineAtMs;
  switch (item.state) {
    case "ready":
      return deadlineMs;
    case "delayed":
      return Math.min(deadlineMs, item.delayedUntilMs);
    case "leased": {
      const lease = item.lease;
      if (lease === undefined) return deadlineMs;
      return Math.min(deadlineMs, lease.untilMs, lease.runtimeUntilMs, lease.progressUntilMs);
    }
    default:
      return Infinity;
  }
}

function expectState(item: Item, held: boolean): void {
  if (held) return;
  throw new WorkError(
    "BROKEN_INVARIANT",
    `item ${String(item.sequence)} is ${item.state}, which this transition does not leave`,
  );
}
