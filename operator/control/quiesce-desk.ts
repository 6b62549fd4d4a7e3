import type { HubInput } from "./hub-messages.ts";
import type { PodRecord } from "./pod-record.ts";
import type { SessionBook } from "./session-book.ts";

/** Which pods are to be quiet, in the order of what was asked; ends what nobody asked for again. */
export class QuiesceDesk {
  readonly #book: SessionBook;
  #sequence: bigint;
  /** Those whose order is in force. */
  readonly #ordered = new Set<PodRecord>();
  /** Lower bound of all orders' ends: exact after `expire`, early at most. */
  #nextEndMs = Infinity;

  /** @param firstSequence the first order has a greater number. */
  constructor(book: SessionBook, firstSequence: bigint) {
    this.#book = book;
    this.#sequence = firstSequence;
  }

  /** A new order, whole. Of a pod that is not known nothing is asked. */
  order(
    record: PodRecord | undefined,
    { podUid, capabilityUids, ttlMs }: Extract<HubInput, { type: "quiesce" }>,
    nowMs: number,
  ): void {
    if (record === undefined) return;
    if (capabilityUids.length === 0 && record.quiesce === undefined) return;
    this.#sequence += 1n;
    const untilMs = nowMs + ttlMs;
    record.order({ sequence: this.#sequence, uids: new Set(capabilityUids), untilMs });
    this.#ordered.add(record);
    this.#nextEndMs = Math.min(this.#nextEndMs, untilMs);
    const session = this.#book.ofPod(podUid);
    if (session !== undefined) this.#book.wake(session);
  }

  /** The pod is gone. */
  forget(record: PodRecord | undefined): void {
    if (record !== undefined) this.#ordered.delete(record);
  }

  /** When an order may end; Infinity when none is in force. */
  nextDeadlineMs(): number {
    return this.#nextEndMs;
  }

  /** Ends the orders that are over. Cost: a walk over those in force when one may be. */
  expire(nowMs: number): void {
    if (nowMs < this.#nextEndMs) return;
    this.#nextEndMs = Infinity;
    for (const record of this.#ordered) {
      const { untilMs } = record.quiesce ?? { untilMs: nowMs };
      if (untilMs > nowMs) this.#nextEndMs = Math.min(this.#nextEndMs, untilMs);
      else this.#end(record, nowMs);
    }
  }

  #end(record: PodRecord, nowMs: number): void {
    this.#ordered.delete(record);
    if (!record.expire(nowMs)) return;
    this.#book.push({ type: "changed", podUid: record.assignment.pod.uid });
  }
}
