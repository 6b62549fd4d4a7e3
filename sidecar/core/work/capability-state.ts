/**
 * What the parts of one CapabilityPool share: the data, the effects of this turn, the ends of
 * leases.
 */
import type { Lease, ToDemand } from "../../../proto/gen/spillway/work/v1/work_pb.ts";
import type { Incarnation, NodeId } from "../ports.ts";
import { type ApplicationObstacle, obstacleMessage } from "./application-obstacle.ts";
import type { CapabilityEffect, CapabilityReply, LeaseEndReason } from "./capability-events.ts";
import type { CapabilityOptions } from "./capability-options.ts";
import { CreditSplit } from "./credit-split.ts";
import type { WorkContract } from "./demand-events.ts";
import {
  type HeldLease,
  LeaseBook,
  outstandingOf,
  type PoolLink,
  type Target,
} from "./held-lease.ts";
import { credit, maxNamed, toDemand } from "./messages.ts";
import type { CapabilityComponents } from "./ports.ts";
import { PullLine } from "./pull-line.ts";
import { RememberedVerbs } from "./remembered-verbs.ts";
import { LeaseTokenWriter } from "./ticket.ts";

/** Verbs that wait for the demands' answers; at that many no new item is asked for. */
const maxUnconfirmed = 1_000;

/** The shared part of a CapabilityPool. */
export class CapabilityState {
  readonly name: string;
  readonly components: CapabilityComponents;
  readonly targets = new Map<string, Target>();
  readonly links = new Map<number, PoolLink>();
  readonly book = new LeaseBook();
  readonly pulls = new PullLine();
  readonly presences = new Set<string>();
  /** Open sessions and the starts of their nodes. */
  readonly sessions = new Map<NodeId, Incarnation>();
  readonly rtts = new Map<NodeId, number>();
  readonly remembered = new RememberedVerbs();
  readonly tokens: LeaseTokenWriter;
  /** Something changed that `place` should look at. */
  placementDirty = true;
  /** Parked leases, oldest first. */
  parked: HeldLease[] = [];
  contract: WorkContract;
  options: CapabilityOptions;
  draining = false;
  /** What keeps the application from taking items, as it was told last. */
  obstacle: ApplicationObstacle | undefined;
  closed = false;
  /** No credit is given, for as long as the operator asks for it. */
  quiesced = false;
  /** When something was held last, at the latest; undefined before the first input. */
  lastBusyMs: number | undefined;
  /** Slots kept on offer for a moment after a pull was answered. */
  lingerSlots = 0;
  lingerUntilMs = 0;
  readonly #split = new CreditSplit();
  #lastLink = 0;
  /** Leases that were started in this turn: of each link's last message. */
  readonly #started = new Map<PoolLink, Lease[]>();
  #out: CapabilityEffect[] = [];

  constructor(
    spec: {
      readonly name: string;
      readonly contract: WorkContract;
      readonly options: CapabilityOptions;
    },
    components: CapabilityComponents,
  ) {
    this.name = spec.name;
    this.contract = spec.contract;
    this.options = spec.options;
    this.components = components;
    this.tokens = new LeaseTokenWriter(components.self.incarnation);
  }

  nextLink(): number {
    this.#lastLink += 1;
    return this.#lastLink;
  }

  emit(effect: CapabilityEffect): void {
    this.#out.push(effect);
  }

  reply(call: number, reply: CapabilityReply): void {
    this.#out.push({ type: "reply", call, reply });
  }

  /** Says something to the demand if it can be reached now. @returns whether it could. */
  say(target: Target, message: ToDemand): boolean {
    const { link } = target;
    if (link === undefined || link.phase === "asking") return false;
    this.#out.push({ type: "send", link: link.link, message });
    return true;
  }

  send(link: PoolLink, message: ToDemand): void {
    this.#out.push({ type: "send", link: link.link, message });
  }

  /** Says STARTED for a lease, in one message with the other ones of its link in this turn. */
  sayStarted({ target: { link }, wire }: HeldLease): void {
    if (link === undefined || link.phase === "asking") return;
    const leases = this.#started.get(link);
    if (leases !== undefined && leases.length < maxNamed) {
      leases.push(wire);
      return;
    }
    const first = [wire];
    this.#started.set(link, first);
    const value = { $typeName: "spillway.work.v1.Started", leases: first } as const;
    this.send(link, toDemand({ case: "started", value }));
  }

  /** @returns the effects of this turn; the next turn begins with none. */
  takeEffects(): CapabilityEffect[] {
    this.#started.clear();
    const out = this.#out;
    this.#out = [];
    return out;
  }

  /**
   * Slots that may be on offer or filled by what comes: free ones that the application asks for.
   */
  freeSlots(nowMs: number): number {
    if (this.draining || this.quiesced) return 0;
    const { concurrency } = this.options;
    const taken = this.book.occupied;
    const unconfirmed = this.book.size - taken;
    if (unconfirmed >= maxUnconfirmed) return 0;
    const lingering = nowMs < this.lingerUntilMs ? this.lingerSlots : 0;
    return Math.max(
      0,
      Math.min(concurrency - taken, this.pulls.wanted + lingering - this.parked.length),
    );
  }

  /** Tells a demand what keeps the application from taking items. */
  sendObstacle(link: PoolLink): void {
    this.send(link, obstacleMessage(this.obstacle));
  }

  /** Spreads the free slots over the joined links. */
  balance(nowMs: number): void {
    const joined: PoolLink[] = [];
    for (const link of this.links.values()) if (link.phase === "joined") joined.push(link);
    if (joined.length === 0) return;
    this.#split.balance(joined, this.freeSlots(nowMs), (link, limit) => {
      const floor = Math.max(limit, 0);
      if (floor < link.limit) link.loweredFrom = link.limit;
      link.limit = floor;
      link.revision += 1;
      this.send(link, credit(floor, link.revision));
    });
  }

  /**
   * The lease is lost or withdrawn; the application, if it has it, is told and fills its slot on.
   */
  endLease(
    lease: HeldLease,
    end: { readonly reason: LeaseEndReason; readonly detail: string },
    nowMs: number,
  ): void {
    if (lease.phase === "parked") {
      this.unpark(lease);
      this.book.forget(lease);
      return;
    }
    if (lease.phase !== "running") return;
    this.book.setPhase(lease, "ended");
    lease.endReason = end.reason;
    this.book.look(lease, nowMs + lease.target.leaseDurationMs);
    this.emit({ type: "leaseEnded", lease: lease.token, ...end });
  }

  /** Takes a lease out of the parked ones. */
  unpark(lease: HeldLease): void {
    this.parked = this.parked.filter((other) => other !== lease);
  }

  /** Round trip to a demand's node, as far as it is known. */
  rttOf(target: Target): number | undefined {
    return this.rtts.get(target.nodeId) ?? target.announcedRttMs;
  }

  /** Deliveries that may still come over all links. */
  offered(): number {
    let sum = 0;
    for (const link of this.links.values()) {
      if (link.phase === "joined") sum += outstandingOf(link);
    }
    return sum;
  }
}
