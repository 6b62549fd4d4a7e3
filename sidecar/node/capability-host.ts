/**
 * One Capability of this node: its pool, driven by real time, its links, and the calls of the
 * application that wait for its answers.
 */
import { randomUUID } from "node:crypto";
import type { LeaseVerb, PulledItem, Result, Unsubscribe, VerbResult } from "../api/ports.ts";
import { assertNever } from "../core/ports.ts";
import {
  type CapabilityEffect,
  type CapabilityInput,
  CapabilityPool,
  type CapabilityReply,
  type CapabilitySnapshot,
} from "../core/work/index.ts";
import { PayloadRoom } from "../wire/payload-room.ts";
import { decodeToProvider, encodeToDemand } from "../wire/work-messages.ts";
import type { NodeContract } from "./contracts.ts";
import type { TurnPump } from "../runtime/turn-pump.ts";
import type { HostComponents } from "./host-components.ts";
import { hostPump } from "./host-pump.ts";
import type { LinkId, LinkOwner } from "./links.ts";
import { PendingCalls, type Unanswered } from "./pending-calls.ts";
import { refusal } from "./refusal.ts";
import { type PreparedCapability, samePrepared } from "./work-options.ts";

/** What a CapabilityHost tells the node. */
export interface CapabilityHostEvents {
  /** The set of nodes that the pool wants sessions with. */
  wanted(nodeIds: readonly string[]): void;
}

/** What the pool is told by the node. */
export type PoolInput = Extract<
  CapabilityInput,
  {
    readonly type:
      | "candidates"
      | "sessionUp"
      | "sessionDown"
      | "dialFailed"
      | "rtt"
      | "obstacle"
      | "quiesce";
  }
>;

/** Ended leases that are remembered: a listener comes within a turn of its item. */
const maxEndedLeases = 1_000;

/** Both numbers of a link: the pool's and the node's. */
interface PoolLink {
  readonly inPool: number;
  readonly inNode: LinkId;
}

/** A pool with its surroundings. */
export class CapabilityHost implements LinkOwner {
  readonly name: string;
  readonly #components: HostComponents;
  readonly #events: CapabilityHostEvents;
  readonly #pool: CapabilityPool;
  readonly #pump: TurnPump<CapabilityInput, CapabilityEffect>;
  readonly #room = new PayloadRoom();
  readonly #calls = new PendingCalls<CapabilityReply>();
  readonly #byPool = new Map<number, PoolLink>();
  readonly #byNode = new Map<LinkId, PoolLink>();
  readonly #leaseListeners = new Map<string, Set<(reason: string) => void>>();
  /** Leases that ended, with the reason, for a listener that comes after the end; the oldest go. */
  readonly #ended = new Map<string, string>();
  readonly #drained = Promise.withResolvers<void>();
  #prepared: PreparedCapability;

  constructor(
    prepared: PreparedCapability,
    components: HostComponents,
    events: CapabilityHostEvents,
  ) {
    this.name = prepared.name;
    this.#components = components;
    this.#events = events;
    this.#prepared = prepared;
    this.#pool = new CapabilityPool(
      { name: prepared.name, contract: prepared.contract.work, options: prepared.options },
      components,
    );
    this.#pump = hostPump(this.#pool, components, {
      perform: (effect) => {
        this.#perform(effect);
      },
      onFailure: (error, input) => {
        this.#failed(error, input);
      },
    });
  }

  /** What is taken and given back. */
  get contract(): NodeContract {
    return this.#prepared.contract;
  }

  /** Hands on what the node learnt of demands and sessions. */
  tell(input: PoolInput): void {
    this.#pump.handle(input);
  }

  /** See ProviderService.pull. */
  pull(
    options: { readonly max: number; readonly waitMs: number; readonly presence?: string },
    signal?: AbortSignal,
  ): Promise<Result<readonly PulledItem[]>> {
    const pulled = new Promise<Result<readonly PulledItem[]>>((resolve) => {
      const call = this.#calls.open((reply) => {
        resolve(pulledOf(reply));
      }, signal && { signal, onGone: this.#abandon });
      this.#pump.later({ type: "pull", call, ...options });
    });
    return signal === undefined
      ? pulled
      : pulled.then((result) => this.#unlessGone(result, signal));
  }

  /** See ProviderService.settle. */
  settle(lease: string, verb: LeaseVerb): Promise<Result<VerbResult>> {
    return new Promise((resolve) => {
      const call = this.#calls.open((reply) => {
        resolve(settledOf(reply));
      });
      this.#pump.later({ type: "verb", call, lease, verb });
    });
  }

  /** See ProviderService.openPresence. */
  openPresence(): { readonly id: string; readonly close: () => void } {
    const id = randomUUID();
    this.#pump.handle({ type: "presenceOpened", presence: id });
    let open = true;
    const close = (): void => {
      if (open) {
        open = false;
        this.#pump.handle({ type: "presenceClosed", presence: id });
      }
    };
    return { id, close };
  }

  /** See ProviderService.onLeaseEnded. */
  onLeaseEnded(lease: string, listener: (reason: string) => void): Unsubscribe {
    const reason = this.#ended.get(lease);
    if (reason !== undefined) {
      listener(reason);
      return () => undefined;
    }
    const listeners = this.#leaseListeners.get(lease) ?? new Set();
    this.#leaseListeners.set(lease, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#leaseListeners.delete(lease);
    };
  }

  /** True while verbs for this lease belong here, also a while after its end. */
  holds(lease: string): boolean {
    return this.#pool.holds(lease);
  }

  snapshot(): CapabilitySnapshot {
    return this.#pool.snapshot(this.#components.clock.nowMs());
  }

  onMessage(link: LinkId, message: Uint8Array): void {
    const known = this.#byNode.get(link);
    if (known === undefined) {
      return;
    }
    const decoded = decodeToProvider(message, this.#room);
    if (decoded.ok) {
      this.#pump.later({ type: "message", link: known.inPool, message: decoded.value });
    } else {
      this.#components.links.refuse(link, decoded.reason);
    }
  }

  onLost(link: LinkId): void {
    const known = this.#forget(this.#byNode.get(link));
    if (known !== undefined) {
      this.#pump.handle({ type: "linkLost", link: known.inPool });
    }
  }

  /** Takes over a changed configuration; an unchanged one touches nothing. */
  configure(prepared: PreparedCapability): void {
    if (samePrepared(prepared, this.#prepared)) {
      return;
    }
    this.#prepared = prepared;
    const { contract, options } = prepared;
    this.#pump.handle({ type: "configure", contract: contract.work, options });
  }

  /** Takes nothing new; resolves when nothing is held. */
  drain(): Promise<void> {
    this.#pump.handle({ type: "drain" });
    return this.#drained.promise;
  }

  /** Releases the rest with this reason, leaves every demand, ends the host. */
  close(reason: string): void {
    this.#pump.handle({ type: "close", reason });
    this.#pump.close();
    this.#calls.closeAll();
    this.#drained.resolve();
  }

  readonly #abandon = (call: number): void => {
    this.#pump.handle({ type: "pullCancelled", call });
  };

  #perform(effect: CapabilityEffect): void {
    switch (effect.type) {
      case "want":
        this.#events.wanted(effect.nodeIds);
        break;
      case "openLink":
        this.#open(effect.link, effect.nodeId);
        break;
      case "send":
        this.#send(effect.link, encodeToDemand(effect.message));
        break;
      case "closeLink":
        this.#close(effect.link);
        break;
      case "reply":
        this.#reply(effect.call, effect.reply);
        break;
      case "leaseEnded":
        this.#leaseEnded(effect.lease, effect.detail);
        break;
      case "drained":
        this.#drained.resolve();
        break;
      default:
        assertNever(effect);
    }
  }

  /** A bug: whoever the input came from pays for it, not the process. */
  #failed(error: unknown, input: CapabilityInput | undefined): void {
    const { links, logger } = this.#components;
    const link = input?.type === "message" ? this.#byPool.get(input.link) : undefined;
    if (link !== undefined) {
      links.fail(link.inNode, error);
      return;
    }
    logger.error({ err: error, capability: this.name, input: input?.type }, "a pool failed");
    if (input !== undefined && "call" in input) this.#calls.answer(input.call, { kind: "failed" });
  }

  #open(inPool: number, nodeId: string): void {
    const inNode = this.#components.links.open(nodeId, this);
    if (inNode === undefined) {
      this.#pump.handle({ type: "linkLost", link: inPool });
      return;
    }
    const link = { inPool, inNode };
    this.#byPool.set(inPool, link);
    this.#byNode.set(inNode, link);
  }

  #send(inPool: number, message: Uint8Array): void {
    const link = this.#byPool.get(inPool);
    if (link !== undefined) this.#components.links.send(link.inNode, message);
  }

  #close(inPool: number): void {
    const link = this.#forget(this.#byPool.get(inPool));
    if (link !== undefined) this.#components.links.close(link.inNode);
  }

  #forget(link: PoolLink | undefined): PoolLink | undefined {
    if (link !== undefined) {
      this.#byPool.delete(link.inPool);
      this.#byNode.delete(link.inNode);
    }
    return link;
  }

  /** A pull whose caller is gone keeps nothing: its leases go back without an attempt counted. */
  #reply(call: number, reply: CapabilityReply): void {
    if (!this.#calls.answer(call, reply) && reply.kind === "pulled") {
      this.#giveBack(reply.items);
    }
  }

  /** A caller may go away between the reply and its promise. */
  #unlessGone(
    result: Result<readonly PulledItem[]>,
    signal: AbortSignal,
  ): Result<readonly PulledItem[]> {
    if (!signal.aborted || !result.ok) return result;
    this.#giveBack(result.value);
    return { ok: true, value: [] };
  }

  #giveBack(items: readonly PulledItem[]): void {
    const reason = "the application went away before it got the item";
    for (const { lease } of items) {
      const call = this.#calls.open(() => undefined);
      this.#pump.handle({ type: "verb", call, lease, verb: { verb: "release", reason } });
    }
  }

  #leaseEnded(lease: string, reason: string): void {
    this.#ended.set(lease, reason);
    const [oldest] = this.#ended.keys();
    if (this.#ended.size > maxEndedLeases && oldest !== undefined) this.#ended.delete(oldest);
    const listeners = [...(this.#leaseListeners.get(lease) ?? [])];
    this.#leaseListeners.delete(lease);
    for (const listener of listeners) listener(reason);
  }
}

function pulledOf(reply: CapabilityReply | Unanswered): Result<readonly PulledItem[]> {
  if (reply.kind === "pulled") return { ok: true, value: reply.items };
  return reply.kind === "gone" ? { ok: true, value: [] } : refusalOf(reply);
}

function settledOf(reply: CapabilityReply | Unanswered): Result<VerbResult> {
  if (reply.kind !== "settled") return refusalOf(reply);
  return { ok: true, value: { state: reply.state, cancelled: reply.cancelled } };
}

function refusalOf(reply: CapabilityReply | Unanswered): ReturnType<typeof refusal> {
  if (reply.kind === "refused") return { ok: false, refusal: reply.refusal };
  return reply.kind === "gone"
    ? refusal("STALE_LEASE", "The sidecar ended before the demand had recorded it.")
    : refusal("INTERNAL", "The pool failed to answer; the sidecar's log says more.");
}
