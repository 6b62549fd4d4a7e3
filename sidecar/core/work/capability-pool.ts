/**
 * One Capability of the node: the demands it serves, its slots, the leases it holds. Picture a
 * courier office with a few bikes: it signs up with several shops, tells each how many parcels it
 * may hand over so that there is never one more than a free bike, calls in for every parcel on the
 * road, and keeps each receipt until the shop has written it down.
 */
import type { ToProvider } from "../../../proto/gen/spillway/work/v1/work_pb.ts";
import { assertNever, type NodeId } from "../ports.ts";
import { type ApplicationObstacle, sameObstacle } from "./application-obstacle.ts";
import type { CapabilityEffect, CapabilityInput } from "./capability-events.ts";
import { assign, endPull, returnParked, takeDeliveries, takePull } from "./capability-intake.ts";
import {
  abandonLink,
  closeIfIdle,
  closeLink,
  dropLink,
  takeAdmit,
  takeProviders,
  takeRefusal,
} from "./capability-links.ts";
import type { CapabilityOptions } from "./capability-options.ts";
import { CapabilityState } from "./capability-state.ts";
import { settle, takeSettled, takeVerb } from "./capability-verbs.ts";
import { capabilitySnapshot } from "./capability-views.ts";
import type { WorkContract } from "./demand-events.ts";
import { type HeldLease, leaseKey, type PoolLink } from "./held-lease.ts";
import { renewLink } from "./lease-renewal.ts";
import { giveUpVerb, metIncarnation } from "./lost-queue.ts";
import {
  leaveSurplus,
  place,
  placementDeadlineMs,
  takeCandidates,
  wantedNodes,
} from "./placement.ts";
import type { CapabilityComponents } from "./ports.ts";
import type { CapabilitySnapshot } from "./snapshot.ts";
import { countTry } from "./target.ts";

/**
 * A pool. Feed it inputs in the order of time; carry out the effects in the order given.
 * Cost of an input: O(links + log leases), beside what it hands on.
 */
export class CapabilityPool {
  readonly name: string;
  readonly #state: CapabilityState;
  #wanted = new Set<NodeId>();
  #placeAtMs = Infinity;
  #drainedSaid = false;

  constructor(
    spec: {
      readonly name: string;
      readonly contract: WorkContract;
      readonly options: CapabilityOptions;
    },
    components: CapabilityComponents,
  ) {
    this.name = spec.name;
    this.#state = new CapabilityState(spec, components);
  }

  /** A turn of one input. @param nowMs monotonic, never less than before. */
  handle(input: CapabilityInput, nowMs: number): CapabilityEffect[] {
    this.begin(nowMs);
    this.take(input, nowMs);
    return this.finish(nowMs);
  }

  /**
   * Begins a turn: carries out every timer that is due.
   * @param nowMs monotonic, never less than before; the same until `finish`.
   */
  begin(nowMs: number): void {
    const state = this.#state;
    if (state.book.size > 0) state.lastBusyMs = nowMs;
    state.lastBusyMs ??= nowMs;
    for (let lease = state.book.due(nowMs); lease !== undefined; lease = state.book.due(nowMs)) {
      this.#doDueLease(lease, nowMs);
    }
    for (let pull = state.pulls.due(nowMs); pull !== undefined; pull = state.pulls.due(nowMs)) {
      endPull(state, pull, nowMs);
    }
    if (nowMs >= state.lingerUntilMs) state.lingerSlots = 0;
    // Not a copy: a Map may lose members while it is walked, and here on every input.
    for (const link of state.links.values()) {
      if (link.renewAtMs <= nowMs) renewLink(state, link, nowMs);
      if (link.phase === "asking" && link.askedUntilMs <= nowMs) {
        link.target.reason = "the demand did not answer";
        countTry(state, link.target, true, nowMs);
        abandonLink(state, link, "OPEN_TIMEOUT: no answer to Hello");
      }
    }
  }

  /** Takes one input of the turn. */
  take(input: CapabilityInput, nowMs: number): void {
    const state = this.#state;
    switch (input.type) {
      case "candidates":
        takeCandidates(state, input.candidates);
        state.placementDirty = true;
        return;
      case "sessionUp":
        this.#sessionUp(input.nodeId, input.incarnation, nowMs);
        return;
      case "sessionDown":
        this.#sessionDown(input.nodeId, nowMs);
        return;
      case "dialFailed":
        this.#dialFailed(input.nodeId, nowMs);
        return;
      case "message": {
        const link = state.links.get(input.link);
        if (link !== undefined) this.#takeMessage(link, input.message, nowMs);
        return;
      }
      case "linkLost": {
        const link = state.links.get(input.link);
        if (link === undefined) return;
        link.target.reason = "the link was lost";
        countTry(state, link.target, true, nowMs);
        dropLink(state, link);
        return;
      }
      case "rtt":
        // Only of nodes with a session: their number is bounded, and it is told again.
        if (state.sessions.has(input.nodeId)) state.rtts.set(input.nodeId, input.rttMs);
        return;
      case "pull":
        takePull(state, input, nowMs);
        return;
      case "pullCancelled":
        state.pulls.leave(input.call);
        return;
      case "verb":
        takeVerb(state, input, nowMs);
        return;
      case "presenceOpened":
        state.presences.add(input.presence);
        return;
      case "presenceClosed":
        this.#presenceClosed(input.presence, nowMs);
        return;
      case "obstacle":
        this.#obstacle(input.obstacle);
        return;
      case "configure":
        this.#configure(input.contract, input.options);
        return;
      case "quiesce":
        state.quiesced = input.quiesced;
        return;
      case "drain":
        this.#drain();
        return;
      case "close":
        this.#close(input.reason, nowMs);
        return;
      default:
        assertNever(input);
    }
  }

  /**
   * Ends a turn: what follows from its inputs (items handed on, credit spread, demands chosen,
   * links left), once.
   */
  finish(nowMs: number): CapabilityEffect[] {
    const state = this.#state;
    if (state.quiesced) this.#returnAllParked("the capability takes no further items");
    assign(state, nowMs);
    if (state.draining) this.#leaveWhenIdle();
    if (state.placementDirty || nowMs >= this.#placeAtMs) {
      state.placementDirty = false;
      place(state, nowMs);
      this.#placeAtMs = placementDeadlineMs(state);
      this.#tellWanted();
    }
    state.balance(nowMs);
    return state.takeEffects();
  }

  /** @returns when `advance` is due; Infinity when idle. */
  nextDeadlineMs(): number {
    const { book, pulls, links, lingerSlots, lingerUntilMs } = this.#state;
    let deadlineMs = Math.min(book.nextDeadlineMs(), pulls.nextDeadlineMs(), this.#placeAtMs);
    if (lingerSlots > 0) deadlineMs = Math.min(deadlineMs, lingerUntilMs);
    for (const link of links.values()) deadlineMs = Math.min(deadlineMs, link.renewAtMs);
    return deadlineMs;
  }

  /** Does what is due. Extra calls are harmless. */
  advance(nowMs: number): CapabilityEffect[] {
    this.begin(nowMs);
    return this.finish(nowMs);
  }

  /** True while verbs for this lease belong to this pool (also a while after its end). */
  holds(lease: string): boolean {
    return this.#state.book.get(lease) !== undefined || this.#state.remembered.has(lease);
  }

  /** The pool as a whole. */
  snapshot(nowMs: number): CapabilitySnapshot {
    return capabilitySnapshot(this.#state, nowMs);
  }

  #takeMessage(link: PoolLink, message: ToProvider, nowMs: number): void {
    const state = this.#state;
    const { kind } = message;
    switch (kind.case) {
      case undefined:
        return; // a message of a later version
      case "admit":
        takeAdmit(state, link, kind.value, nowMs);
        return;
      case "full": {
        takeProviders(link.target, kind.value.providers);
        const { retryAfterMs } = kind.value;
        const reason = `it has its ${String(link.target.max)} providers`;
        takeRefusal(state, link, { kind: "full", reason, retryAfterMs }, nowMs);
        return;
      }
      case "draining":
        takeRefusal(state, link, { kind: "draining", reason: kind.value.reason }, nowMs);
        return;
      case "incompatible":
        takeRefusal(state, link, { kind: "incompatible", reason: kind.value.reason }, nowMs);
        return;
      case "deliver":
        takeDeliveries(state, link, kind.value.items, nowMs);
        return;
      case "settled":
        takeSettled(state, link, kind.value, nowMs);
        return;
      case "cancel": {
        const { lease, reason } = kind.value;
        const held = lease === undefined ? undefined : link.target.leases.get(leaseKey(lease));
        if (held !== undefined) {
          state.endLease(held, { reason: "CANCELLED", detail: reason }, nowMs);
          closeIfIdle(state, link);
        }
        return;
      }
      case "backlog":
        link.backlog = kind.value.ready;
        return;
      case "creditTaken":
        if (kind.value.revision === link.revision) link.loweredFrom = undefined;
        return;
      case "providers":
        takeProviders(link.target, kind.value);
        return;
      default:
        assertNever(kind);
    }
  }

  #sessionUp(nodeId: NodeId, incarnation: number, nowMs: number): void {
    const state = this.#state;
    state.sessions.set(nodeId, incarnation);
    state.placementDirty = true;
    for (const target of state.targets.values()) {
      if (target.nodeId !== nodeId) continue;
      metIncarnation(state, target, incarnation, nowMs);
      if (target.leases.size > 0) target.retryAtMs = nowMs;
    }
  }

  #sessionDown(nodeId: NodeId, nowMs: number): void {
    const state = this.#state;
    state.sessions.delete(nodeId);
    for (const link of [...state.links.values()]) {
      const { target } = link;
      if (target.nodeId !== nodeId) continue;
      const joined = link.phase === "joined";
      target.reason = "the connection to its node was lost";
      countTry(state, target, true, nowMs);
      dropLink(state, link);
      // It was good enough to serve: wait for its session instead of choosing anew.
      if (!joined) continue;
      target.chosen = true;
      target.chosenAtMs = nowMs;
      target.joinAtMs = nowMs;
    }
  }

  #dialFailed(nodeId: NodeId, nowMs: number): void {
    const state = this.#state;
    for (const target of state.targets.values()) {
      if (target.nodeId !== nodeId || target.link !== undefined) continue;
      target.reason = "its node could not be reached";
      if (target.chosen) countTry(state, target, true, nowMs);
    }
  }

  #presenceClosed(presence: string, nowMs: number): void {
    const state = this.#state;
    if (!state.presences.delete(presence)) return;
    for (const pull of state.pulls.ofPresence(presence)) {
      state.pulls.leave(pull.call);
      state.reply(pull.call, { kind: "pulled", items: [] });
    }
    for (const lease of [...state.book.all()]) {
      if (lease.presence !== presence) continue;
      if (lease.phase === "ended") state.book.forget(lease);
      if (lease.phase !== "running") continue;
      const message = "the application's connection closed while it worked on the item";
      const error = { code: "APPLICATION_GONE", message, retryable: true, details: "" };
      settle(state, lease, { verb: { verb: "fail", error }, calls: [] }, nowMs);
    }
  }

  #obstacle(obstacle: ApplicationObstacle | undefined): void {
    const state = this.#state;
    if (sameObstacle(state.obstacle, obstacle)) return;
    state.obstacle = obstacle;
    for (const link of state.links.values()) if (link.phase === "joined") state.sendObstacle(link);
  }

  /** Every link introduces itself again when the contract or the number of slots changed. */
  #configure(contract: WorkContract, options: CapabilityOptions): void {
    const state = this.#state;
    state.contract = contract;
    state.options = options;
    for (const link of [...state.links.values()]) {
      abandonLink(state, link, "the capability was configured anew");
    }
    for (const target of state.targets.values()) target.retryAtMs = 0;
    leaveSurplus(state);
    state.placementDirty = true;
  }

  #drain(): void {
    const state = this.#state;
    state.draining = true;
    for (let pull = state.pulls.first(); pull !== undefined; pull = state.pulls.first()) {
      state.pulls.leave(pull.call);
      state.reply(pull.call, { kind: "pulled", items: [] });
    }
    this.#returnAllParked("the capability is draining");
    for (const target of state.targets.values()) target.chosen = target.link !== undefined;
    state.placementDirty = true;
  }

  #returnAllParked(reason: string): void {
    for (const lease of [...this.#state.parked]) returnParked(this.#state, lease, reason);
  }

  #close(reason: string, nowMs: number): void {
    const state = this.#state;
    if (!state.draining) this.#drain();
    state.closed = true;
    for (const lease of [...state.book.all()]) {
      if (lease.phase === "running") {
        settle(state, lease, { verb: { verb: "release", reason }, calls: [] }, nowMs);
        state.emit({ type: "leaseEnded", lease: lease.token, reason: "DRAINING", detail: reason });
      }
      if (lease.phase === "settling") giveUpVerb(state, lease, reason);
      else state.book.forget(lease);
    }
    for (const link of [...state.links.values()]) closeLink(state, link, reason);
  }

  #doDueLease(lease: HeldLease, nowMs: number): void {
    const state = this.#state;
    const { target } = lease;
    switch (lease.phase) {
      case "parked":
        returnParked(state, lease, "the application did not ask for it");
        break;
      case "running": {
        const detail = "it was not renewed in time";
        state.endLease(lease, { reason: "LEASE_LOST", detail }, nowMs);
        break;
      }
      case "settling":
        giveUpVerb(state, lease, "it could not be reached in time");
        break;
      case "ended":
        state.book.forget(lease);
        break;
      default:
        assertNever(lease.phase);
    }
    if (target.link !== undefined) closeIfIdle(state, target.link);
    state.placementDirty = true;
  }

  #leaveWhenIdle(): void {
    const state = this.#state;
    for (const link of [...state.links.values()]) {
      if (link.target.leases.size > 0) continue;
      link.target.chosen = false;
      closeLink(state, link, "the capability is draining");
    }
    if (this.#drainedSaid || state.book.size > 0) return;
    this.#drainedSaid = true;
    state.emit({ type: "drained" });
  }

  #tellWanted(): void {
    const wanted = wantedNodes(this.#state);
    const same =
      wanted.size === this.#wanted.size && [...wanted].every((id) => this.#wanted.has(id));
    if (same) return;
    this.#wanted = wanted;
    this.#state.emit({ type: "want", nodeIds: [...wanted] });
  }
}
