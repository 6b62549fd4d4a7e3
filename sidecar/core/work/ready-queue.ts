/**
 * The ready items of a queue in the order of granting: most urgent first, a point of priority for
 * each 30 s waited, original order inside a priority (design/work.md, "Priority").
 * Items of an ordering key that is busy stand behind it, outside the order.
 */
import { IndexedHeap, type HeapAccess } from "../indexed-heap.ts";
import type { Item } from "./item.ts";

/** Waiting this long is worth one point of priority, ms. */
export const agingStepMs = 30_000;

const priorityCount = 10;

const byOrder: HeapAccess<Item> = {
  before: (left, right) => left.order < right.order,
  indexOf: (item) => item.readyIndex,
  place: (item, index) => {
    item.readyIndex = index;
  },
};

/** A key with at most one item that may be granted or is in flight: its head. */
interface OrderingKey {
  head: Item;
  readonly waiting: IndexedHeap<Item>;
}

/** Ready items. Cost: O(log n) for each change. */
export class ReadyQueue {
  readonly #levels: readonly IndexedHeap<Item>[];
  readonly #keys = new Map<string, OrderingKey>();
  #grantable = 0;

  constructor() {
    this.#levels = Array.from({ length: priorityCount }, () => new IndexedHeap<Item>(byOrder));
  }

  /** Items that could be granted now. */
  get grantable(): number {
    return this.#grantable;
  }

  /** Takes in an item that became ready. */
  add(item: Item): void {
    const name = item.orderingKey;
    if (name !== undefined) {
      const key = this.#keys.get(name);
      if (key === undefined) {
        this.#keys.set(name, { head: item, waiting: new IndexedHeap<Item>(byOrder) });
      } else if (key.head !== item) {
        key.waiting.put(item);
        return;
      }
    }
    this.#level(item).put(item);
    this.#grantable += 1;
  }

  /**
   * Takes an item out because it is granted, delayed or over.
   * @param over true when the item will not come back in this run: its key goes on to the next.
   */
  remove(item: Item, over: boolean): void {
    const name = item.orderingKey;
    const key = name === undefined ? undefined : this.#keys.get(name);
    if (key !== undefined && key.head !== item) {
      key.waiting.remove(item);
      return;
    }
    if (item.readyIndex >= 0) {
      this.#level(item).remove(item);
      this.#grantable -= 1;
    }
    if (key !== undefined && name !== undefined && over) this.#advanceKey(name, key);
  }

  /**
   * The next item to grant; it stays in the queue.
   * Cost: at most ten comparisons.
   */
  next(nowMs: number): Item | undefined {
    if (this.#grantable === 0) return undefined;
    let best: Item | undefined;
    let bestPriority = -1;
    for (const level of this.#levels) {
      const item = level.peek();
      if (item === undefined) continue;
      const priority = agedPriority(item, nowMs);
      if (
        best === undefined ||
        priority > bestPriority ||
        (priority === bestPriority && item.order < best.order)
      ) {
        best = item;
        bestPriority = priority;
      }
    }
    return best;
  }

  /** When the item that has been ready longest became so; undefined when none is. */
  oldestSinceMs(): number | undefined {
    let oldest: number | undefined;
    for (const level of this.#levels) {
      const item = level.peek();
      if (item !== undefined && (oldest === undefined || item.readySinceMs < oldest)) {
        oldest = item.readySinceMs;
      }
    }
    return oldest;
  }

  /** The item that an ordering key waits for; undefined when the item is not held up by its key. */
  blockedBy(item: Item): Item | undefined {
    const name = item.orderingKey;
    const head = name === undefined ? undefined : this.#keys.get(name)?.head;
    return head === item ? undefined : head;
  }

  #advanceKey(name: string, key: OrderingKey): void {
    const next = key.waiting.pop();
    if (next === undefined) {
      this.#keys.delete(name);
      return;
    }
    key.head = next;
    this.#level(next).put(next);
    this.#grantable += 1;
  }

  #level(item: Item): IndexedHeap<Item> {
    const level = this.#levels[item.priority];
    if (level === undefined) throw new RangeError(`priority ${String(item.priority)}`);
    return level;
  }
}

/**
 * Priority of an item with what waiting has added. Waiting counts from when it first became ready.
 */
function agedPriority(item: Item, nowMs: number): number {
  return item.priority + Math.floor((nowMs - item.readySinceMs) / agingStepMs);
}
