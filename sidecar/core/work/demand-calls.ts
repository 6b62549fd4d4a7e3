/**
 * What the application asks of a queue: add, cancel, redrive, and the line of adds that wait for
 * room.
 */
import { AddLine, type WaitingAdd } from "./add-line.ts";
import type { DemandInput, DemandReply } from "./demand-events.ts";
import type { DemandState } from "./demand-state.ts";
import { defaultPriority, digestOf, refuseItem } from "./item-admission.ts";
import { EndedItem, type KnownItem } from "./ended-item.ts";
import { Item, type ItemFacts } from "./item.ts";
import type { WorkRefusal } from "./refusal.ts";
import { droppedOutcome } from "./ticket.ts";

/** When a producer should try again after QUEUE_FULL, ms. */
const fullRetryMs = 1_000;

type Call<T extends DemandInput["type"]> = Extract<DemandInput, { readonly type: T }>;

/** Calls of one queue. */
export class DemandCalls {
  readonly #state: DemandState;
  readonly #line = new AddLine();

  constructor(state: DemandState) {
    this.#state = state;
  }

  get waiters(): number {
    return this.#line.size;
  }

  add(input: Call<"add">, nowMs: number): void {
    const { queue } = this.#state.options;
    const refusal = this.#refusesAll() ?? refuseItem(input.request, input.options, queue);
    if (refusal !== undefined) {
      this.#refuse(input.call, refusal);
      return;
    }
    const { call, request, options } = input;
    const add: WaitingAdd = { call, request, options, askedAtMs: nowMs };
    if (this.#answerCopy(add)) return;
    if (this.#line.size === 0 && this.#hasRoom(request.length)) {
      this.#accept(add, nowMs);
    } else if (queue.overflow === "refuse") {
      this.#refuse(call, this.#queueFull());
    } else if (!this.#line.join(add, queue)) {
      this.#refuse(call, this.#lineFull());
    }
  }

  /** The caller of a waiting add went away. */
  abandon(call: number): void {
    this.#line.leave(call);
  }

  /** Lets waiting adds in while there is room. */
  admitWaiting(nowMs: number): void {
    for (;;) {
      const add = this.#line.first();
      if (add === undefined) return;
      if (this.#answerCopy(add)) {
        this.#line.leave(add.call);
        continue;
      }
      if (!this.#hasRoom(add.request.length)) return;
      this.#line.leave(add.call);
      this.#accept(add, nowMs);
    }
  }

  /** Draining or closed: nobody who waits will be let in. */
  refuseWaiting(): void {
    for (let add = this.#line.first(); add !== undefined; add = this.#line.first()) {
      this.#line.leave(add.call);
      this.#refuse(add.call, this.#refusesAll() ?? this.#queueFull());
    }
  }

  cancel(input: Call<"cancel">, nowMs: number): void {
    const { sequence } = input;
    const item = this.#state.store.get(sequence);
    if (item === undefined) {
      this.#refuse(input.call, droppedOutcome());
      return;
    }
    if (item instanceof Item && item.outcome === undefined) {
      const lease = item.state === "leased" ? item.lease : undefined;
      const system = { code: "CANCELLED", message: "the producer cancelled the item" } as const;
      this.#state.settlement.withdraw(item, "cancelled", system, nowMs);
      if (lease !== undefined) {
        this.#state.tellCancelled(item, system.message);
        this.#state.links.release(lease.provider);
      }
    }
    if (item.state === "cancelled") {
      this.#reply(input.call, { kind: "cancelled", sequence, state: item.state });
    } else {
      const detail = `The item had ended as ${item.state} before. Nothing was changed.`;
      this.#refuse(input.call, { code: "ALREADY_ENDED", detail, value: item.state });
    }
  }

  redrive(input: Call<"redrive">, nowMs: number): void {
    const { call, sequence } = input;
    const item = this.#state.store.get(sequence);
    const closed = this.#refusesAll();
    if (item === undefined) {
      this.#refuse(call, droppedOutcome());
    } else if (item instanceof EndedItem || item.state !== "dead") {
      const detail = `The item is ${item.state}; only a dead one can be driven again.`;
      this.#refuse(call, { code: "INVALID_ARGUMENT", detail, value: item.state });
    } else if (closed !== undefined) {
      this.#refuse(call, closed);
    } else if (!this.#hasRoom(item.request.length)) {
      this.#refuse(call, this.#queueFull());
    } else {
      this.#state.store.redrive(item, nowMs);
      this.#reply(call, { kind: "redriven", sequence, state: item.state });
    }
  }

  #accept(add: WaitingAdd, nowMs: number): void {
    const { options } = add;
    const sequence = this.#state.components.sequences.next();
    const facts: ItemFacts = {
      sequence,
      ticket: this.#state.tickets.write(sequence),
      priority: options.priority ?? defaultPriority,
      createdAtMs: Math.round(add.askedAtMs),
      deadlineAtMs: add.askedAtMs + (options.deadlineMs ?? Infinity),
      orderingKey: options.orderingKey,
      idempotencyKey: options.idempotencyKey,
      digest: options.idempotencyKey === undefined ? 0 : digestOf(add.request),
      traceparent: options.traceparent ?? "",
      submitter: options.submitter,
    };
    const item = new Item(facts, add.request);
    this.#state.store.add(item, add.askedAtMs + (options.delayMs ?? 0), nowMs);
    this.#state.counters.added += 1;
    this.#replyAdded(add.call, item, true);
  }

  /**
   * A copy of an add that was accepted before gets the same ticket.
   * @returns true when answered.
   */
  #answerCopy(add: WaitingAdd): boolean {
    const key = add.options.idempotencyKey;
    const item = key === undefined ? undefined : this.#state.store.byKey(key);
    if (item === undefined) return false;
    if (item.digest === digestOf(add.request)) {
      this.#replyAdded(add.call, item, false);
    } else {
      this.#refuse(add.call, {
        code: "IDEMPOTENCY_CONFLICT",
        detail: "The idempotency key was used for another request. Take a new key for new work.",
        value: key ?? "",
      });
    }
    return true;
  }

  #hasRoom(sizeBytes: number): boolean {
    const { store, options } = this.#state;
    return (
      store.pendingItems < options.queue.maxItems &&
      store.pendingBytes + sizeBytes <= options.queue.maxBytes
    );
  }

  #refusesAll(): WorkRefusal | undefined {
    const { draining, closed, name } = this.#state;
    if (!draining && !closed) return undefined;
    return { code: "DRAINING", detail: `The demand ${name} is ending and takes no more items.` };
  }

  #queueFull(): WorkRefusal {
    const { store, options } = this.#state;
    const { maxItems, maxBytes } = options.queue;
    const byCount = store.pendingItems >= maxItems;
    return {
      code: "QUEUE_FULL",
      detail:
        `The queue holds ${String(store.pendingItems)} of ${String(maxItems)} items and ` +
        `${String(store.pendingBytes)} of ${String(maxBytes)} bytes. Try again later, or add providers.`,
      bound: byCount ? maxItems : maxBytes,
      value: byCount ? store.pendingItems : store.pendingBytes,
      retryAfterMs: fullRetryMs,
    };
  }

  #lineFull(): WorkRefusal {
    const { maxWaiters, maxWaitingBytes } = this.#state.options.queue;
    return {
      code: "TOO_MANY_WAITERS",
      detail:
        `${String(this.#line.size)} adds wait for room; the bounds are ${String(maxWaiters)} adds and ` +
        `${String(maxWaitingBytes)} bytes. Try again later.`,
      bound: maxWaiters,
      value: this.#line.size,
      retryAfterMs: fullRetryMs,
    };
  }

  #replyAdded(call: number, item: KnownItem, created: boolean): void {
    const { sequence, state } = item;
    const ticket = item instanceof Item ? item.ticket : this.#state.tickets.write(sequence);
    this.#reply(call, { kind: "added", ticket, sequence, state, created });
  }

  #refuse(call: number, refusal: WorkRefusal): void {
    this.#state.counters.refused += 1;
    this.#reply(call, { kind: "refused", refusal });
  }

  #reply(call: number, reply: DemandReply): void {
    this.#state.emit({ type: "reply", call, reply });
  }
}
