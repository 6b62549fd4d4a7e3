/**
 * One Demand of this node: its queue, driven by real time, its links, and the calls that wait for
 * its answers.
 */
import type {
  AddOptions,
  DemandView,
  ExplanationView,
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
import { realTurns } from "../transport/index.ts";
import { EnginePump } from "../runtime/engine-pump.ts";
import type { NodeContract } from "./contracts.ts";
import { explanationViewOf } from "./explanation-view.ts";
import type { HostComponents } from "./host-components.ts";
import { demandViewOf, itemViewOf, type TwoClocks } from "./item-view.ts";
import type { LinkId, LinkOwner } from "./links.ts";
import { OutcomeStreams } from "./outcome-streams.ts";
import { PendingCalls } from "./pending-calls.ts";
import { refusal } from "./refusal.ts";
import { TurnDeliveries } from "./turn-deliveries.ts";
import { type PreparedDemand, samePrepared } from "./work-options.ts";

/** What a DemandHost tells the node. */
export interface DemandHostEvents {
  /** Wanted, admitted or connected providers changed. */
  providersChanged(): void;
  /** A ticket has an outcome. */
  ended(ticket: string): void;
}

/** A queue with its surroundings. */
export class DemandHost implements LinkOwner {
  readonly name: string;
  readonly outcomes: OutcomeStreams;
  readonly #components: HostComponents;
  readonly #events: DemandHostEvents;
  readonly #queue: DemandQueue;
  readonly #pump: EnginePump<DemandInput, DemandEffect>;
  readonly #deliveries: TurnDeliveries;
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
    this.#deliveries = new TurnDeliveries({
      turns: components.turns ?? realTurns,
      send: (link, message) => {
        components.links.send(link, encodeToProvider(message));
      },
    });
    this.#pump = new EnginePump(this.#queue, {
      clock: components.clock,
      timers: components.timers,
      perform: (effect) => {
        this.#perform(effect);
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
  async add(
    request: Uint8Array,
    options: AddOptions,
    signal?: AbortSignal,
  ): Promise<Result<{ readonly ticket: string; readonly state: ItemState }>> {
    const { call, answer } = this.#calls.open(signal, (gone) => {
      this.#pump.handle({ type: "addCancelled", call: gone });
    });
    this.#deliveries.begin();
    this.#pump.handle({ type: "add", call, request, options });
    const reply = await answer;
    if (reply === undefined) {
      return refusal("DRAINING", "the caller went away before there was room in the queue");
    }
    if (reply.kind === "refused") {
      return { ok: false, refusal: reply.refusal };
    }
    return reply.kind === "added"
      ? { ok: true, value: { ticket: reply.ticket, state: reply.state } }
      : refusal("INTERNAL", "the queue answered another question");
  }

  /** Cancels an item; `undefined` when it is cancelled now, else why not. */
  async cancel(sequence: number): Promise<Result<undefined>> {
    const { call, answer } = this.#calls.open();
    this.#pump.handle({ type: "cancel", call, sequence });
    const reply = await answer;
    return reply?.kind === "refused"
      ? { ok: false, refusal: reply.refusal }
      : { ok: true, value: undefined };
  }

  /** The item, while this queue knows it or keeps its outcome. */
  item(sequence: number): ItemView | undefined {
    const item = this.#queue.item(sequence);
    return item === undefined ? undefined : this.viewOf(item);
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
      this.#deliveries.begin();
      this.#pump.handle({ type: "message", link, message: decoded.value });
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
    this.#deliveries.flushAll();
    this.#calls.closeAll();
  }

  #clocks(): TwoClocks {
    const { clock, wallClock } = this.#components;
    return { nowMs: clock.nowMs(), nowEpochMs: wallClock.nowEpochMs() };
  }

  #perform(effect: DemandEffect): void {
    switch (effect.type) {
      case "send":
        this.#deliveries.send(effect.link, effect.message);
        break;
      case "closeLink":
        this.#components.logger.debug({ demand: this.name, reason: effect.reason }, "link closed");
        this.#deliveries.flush(effect.link);
        this.#components.links.close(effect.link);
        break;
      case "reply":
        this.#calls.answer(effect.call, effect.reply);
        break;
      case "outcome":
        this.#ended(effect.sequence, effect.number);
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

  #ended(sequence: number, number: number): void {
    const item = this.#queue.item(sequence);
    if (item === undefined) {
      return;
    }
    this.outcomes.append({ number, item });
    this.#events.ended(item.ticket);
  }
}

function sentenceOf(contract: NodeContract, result: Uint8Array): string | undefined {
  const failure = contract.resolved.response.check(result);
  if (failure === undefined) {
    return undefined;
  }
  const field = failure.fieldPath === "" ? "" : ` field ${failure.fieldPath}`;
  return `the result is no ${failure.typeName}:${field} ${failure.rule}`;
}
