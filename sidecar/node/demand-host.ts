/**
 * One Demand of this node: its queue, driven by real time, its links, and the calls that wait for
 * its answers.
 */
import type {
  AddOptions,
  DemandView,
  ExplanationView,
  ItemsPage,
  ItemsQuery,
  ItemState,
  ItemView,
  Result,
} from "../api/ports.ts";
import { assertNever } from "../core/ports.ts";
import {
  type DemandEffect,
  type DemandInput,
  DemandQueue,
  type DemandReply,
  type DemandSnapshot,
  type ItemSnapshot,
  type SystemCode,
  type WorkPeer,
} from "../core/work/index.ts";
import { PayloadRoom } from "../wire/payload-room.ts";
import { decodeToDemand, encodeToProvider } from "../wire/work-messages.ts";
import type { TurnPump } from "../runtime/turn-pump.ts";
import type { NodeContract } from "./contracts.ts";
import { explanationViewOf } from "./explanation-view.ts";
import type { HostComponents } from "./host-components.ts";
import { hostPump } from "./host-pump.ts";
import { demandViewOf, itemViewOf, type TwoClocks } from "./item-view.ts";
import type { LinkId, LinkOwner } from "./links.ts";
import { OutcomeStreams } from "./outcome-streams.ts";
import { PendingCalls, type Unanswered } from "./pending-calls.ts";
import { refusal } from "./refusal.ts";
import { type PreparedDemand, samePrepared } from "./work-options.ts";

/** What a DemandHost tells the node. */
export interface DemandHostEvents {
  /** Wanted, admitted or connected providers changed. */
  providersChanged(): void;
  /** A ticket has an outcome. */
  ended(ticket: string, viewOf: () => ItemView): void;
}

/** A queue with its surroundings. */
export class DemandHost implements LinkOwner {
  readonly name: string;
  readonly outcomes: OutcomeStreams;
  readonly #components: HostComponents;
  readonly #events: DemandHostEvents;
  readonly #queue: DemandQueue;
  readonly #pump: TurnPump<DemandInput, DemandEffect>;
  readonly #room = new PayloadRoom();
  readonly #calls = new PendingCalls<DemandReply>();
  readonly #drained = Promise.withResolvers<void>();
  #prepared: PreparedDemand;

  constructor(prepared: PreparedDemand, components: HostComponents, events: DemandHostEvents) {
    this.name = prepared.name;
    this.#components = components;
    this.#events = events;
    this.#prepared = prepared;
    this.#queue = new DemandQueue(
      { name: prepared.name, contract: prepared.contract.work, options: prepared.options },
      {
        self: components.self,
        sequences: components.sequences,
        random: components.random,
        // Asked each time, for a running demand may get another contract.
        results: { check: (result) => sentenceOf(this.#prepared.contract, result) },
      },
    );
    this.outcomes = new OutcomeStreams({
      incarnation: components.self.incarnation,
      source: this.#queue,
      viewOf: (item) => this.viewOf(item),
    });
    this.#pump = hostPump(this.#queue, components, {
      perform: (effect) => {
        this.#perform(effect);
      },
      onFailure: (error, input) => {
        this.#failed(error, input);
      },
    });
  }

  /** Items and bytes that may wait. */
  get queueBounds(): { readonly maxItems: number; readonly maxBytes: number } {
    return this.#prepared.options.queue;
  }

  /** What is sent and wanted. */
  get contract(): NodeContract {
    return this.#prepared.contract;
  }

  /** Adds an item; with overflow `wait` until there is room or `signal` aborts. */
  add(
    request: Uint8Array,
    options: AddOptions,
    signal?: AbortSignal,
  ): Promise<Result<{ readonly ticket: string; readonly state: ItemState }>> {
    return new Promise((resolve) => {
      const call = this.#calls.open((reply) => {
        resolve(addedOf(reply));
      }, signal && { signal, onGone: this.#abandon });
      this.#pump.later({ type: "add", call, request, options });
    });
  }

  /** Cancels an item; the item when it is cancelled now, else why not. */
  cancel(sequence: number): Promise<Result<ItemView>> {
    return new Promise((resolve) => {
      const call = this.#calls.open((reply) => {
        // Looked at now: a later turn may forget it.
        const item = reply.kind === "cancelled" ? this.item(sequence) : undefined;
        resolve(item === undefined ? refusalOf(reply) : { ok: true, value: item });
      });
      this.#pump.handle({ type: "cancel", call, sequence });
    });
  }

  /** The item, while this queue knows it or keeps its outcome. */
  item(sequence: number): ItemView | undefined {
    const item = this.#queue.item(sequence);
    return item === undefined ? undefined : this.viewOf(item);
  }

  /** Items in the order of their sequences. @param page.after sequence of the page before. */
  list(page: Omit<ItemsQuery, "after"> & { readonly after?: number }): ItemsPage {
    const { items, next } = this.#queue.list(page);
    return { items: items.map((item) => this.viewOf(item)), more: next !== undefined };
  }

  /** Why the item does not move, while this queue knows it. */
  explain(sequence: number): ExplanationView | undefined {
    const { nowMs, nowEpochMs } = this.#clocks();
    const explanation = this.#queue.explain(sequence, nowMs);
    return explanation === undefined ? undefined : explanationViewOf(explanation, nowEpochMs);
  }

  /** The queue as the API shows it. */
  view(): DemandView {
    return demandViewOf(this.#queue.snapshot(this.#components.clock.nowMs()), this.contract.work);
  }

  /** Counters and sizes, for metrics. */
  snapshot(): DemandSnapshot {
    return this.#queue.snapshot(this.#components.clock.nowMs());
  }

  /** Wanted, admitted at most and connected providers, for announcements. */
  providers(): { readonly desired: number; readonly max: number; readonly connected: number } {
    return this.#queue.providers();
  }

  viewOf(item: ItemSnapshot): ItemView {
    return itemViewOf(item, this.name, this.#clocks());
  }

  /** Takes a link whose first message, a Hello, follows. */
  linkOpened(link: LinkId, peer: WorkPeer, rttMs: number | undefined): void {
    const rtt = rttMs === undefined ? {} : { rttMs };
    this.#pump.handle({ type: "linkOpened", link, peer, ...rtt });
  }

  onMessage(link: LinkId, message: Uint8Array): void {
    const decoded = decodeToDemand(message, this.#room);
    if (decoded.ok) {
      this.#pump.later({ type: "message", link, message: decoded.value });
      return;
    }
    this.#components.links.refuse(link, decoded.reason);
  }

  onLost(link: LinkId, clean: boolean): void {
    this.#pump.handle({ type: "linkLost", link, clean });
  }

  rtt(nodeId: string, rttMs: number): void {
    this.#pump.handle({ type: "rtt", nodeId, rttMs });
  }

  /** Takes over a changed configuration; an unchanged one touches nothing. */
  configure(prepared: PreparedDemand): void {
    if (samePrepared(prepared, this.#prepared)) {
      return;
    }
    this.#prepared = prepared;
    const { contract, options } = prepared;
    this.#pump.handle({ type: "configure", contract: contract.work, options });
  }

  /** Stops accepting; resolves when nothing is pending. */
  drain(): Promise<void> {
    this.#pump.handle({ type: "drain" });
    return this.#drained.promise;
  }

  /** Ends every pending item with `code` and the host with it. */
  close(code: SystemCode, reason: string): void {
    this.#pump.handle({ type: "close", code, reason });
    this.#pump.close();
    this.#calls.closeAll();
    this.#drained.resolve();
  }

  readonly #abandon = (call: number): void => {
    this.#pump.handle({ type: "addCancelled", call });
  };

  #clocks(): TwoClocks {
    const { clock, wallClock } = this.#components;
    return { nowMs: clock.nowMs(), nowEpochMs: wallClock.nowEpochMs() };
  }

  #perform(effect: DemandEffect): void {
    switch (effect.type) {
      case "send":
        this.#components.links.send(effect.link, encodeToProvider(effect.message));
        break;
      case "closeLink":
        this.#components.logger.debug({ demand: this.name, reason: effect.reason }, "link closed");
        this.#components.links.close(effect.link);
        break;
      case "reply":
        this.#calls.answer(effect.call, effect.reply);
        break;
      case "outcome":
        this.outcomes.append(effect);
        this.#events.ended(effect.item.ticket, () => this.viewOf(effect.item));
        break;
      case "providersChanged":
        this.#events.providersChanged();
        break;
      case "drained":
        this.#drained.resolve();
        break;
      default:
        assertNever(effect);
    }
  }

  /** A bug: whoever the input came from pays for it, not the process. */
  #failed(error: unknown, input: DemandInput | undefined): void {
    const { links, logger } = this.#components;
    if (input?.type === "message") {
      links.fail(input.link, error);
      return;
    }
    logger.error({ err: error, demand: this.name, input: input?.type }, "a queue failed");
    if (input !== undefined && "call" in input) this.#calls.answer(input.call, { kind: "failed" });
  }
}

function addedOf(
  reply: DemandReply | Unanswered,
): Result<{ readonly ticket: string; readonly state: ItemState }> {
  if (reply.kind !== "added") return refusalOf(reply);
  return { ok: true, value: { ticket: reply.ticket, state: reply.state } };
}

function refusalOf(reply: DemandReply | Unanswered): ReturnType<typeof refusal> {
  if (reply.kind === "refused") return { ok: false, refusal: reply.refusal };
  return reply.kind === "gone"
    ? refusal("DRAINING", "The caller or the queue was gone before the answer.")
    : refusal("INTERNAL", "The queue failed to answer; the sidecar's log says more.");
}

function sentenceOf(contract: NodeContract, result: Uint8Array): string | undefined {
  const failure = contract.resolved.response.check(result);
  if (failure === undefined) {
    return undefined;
  }
  const field = failure.fieldPath === "" ? "" : ` field ${failure.fieldPath}`;
  return `the result is no ${failure.typeName}:${field} ${failure.rule}`;
}
