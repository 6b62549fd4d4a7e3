/** What a provider holds: its leases, the links they came over, the demands behind the links. */
import { ChurnMap } from "../churn-map.ts";
import type { Lease, ToDemand } from "../../../proto/gen/spillway/work/v1/work_pb.ts";
import type { Incarnation, NodeId } from "../ports.ts";
import type { LeaseEndReason, PulledWork, WorkVerb } from "./capability-events.ts";
import { IndexedHeap } from "../indexed-heap.ts";

/** A verb on its way to the demand. */
export interface PendingVerb {
  readonly name: Exclude<WorkVerb["verb"], "heartbeat">;
  readonly message: ToDemand;
  /** Calls that wait for the answer; none when the sidecar itself said it. */
  readonly calls: number[];
}

/**
 * One delivery. Phases and what leaves them:
 * `parked` the application has not got it (pull → running; park time, loss → forgotten) ·
 * `running` it has (verb → settling; cancel, lapse → ended) ·
 * `settling` its verb is not confirmed (Settled, time → forgotten) ·
 * `ended` lost or cancelled, the application was told (its next verb, time → forgotten).
 * All but `settling` fill a slot.
 */
export interface HeldLease {
  readonly token: string;
  readonly wire: Lease;
  readonly item: PulledWork;
  readonly target: Target;
  phase: "parked" | "running" | "settling" | "ended";
  /** The process that pulled it; its stream keeps the lease alive. */
  presence: string | undefined;
  /** The sidecar renews it: it was pulled with a presence. */
  renewed: boolean;
  /** As far as this side knows the lease lasts until then. */
  untilMs: number;
  verb: PendingVerb | undefined;
  endReason: LeaseEndReason | undefined;
  /** Next time it needs a look; meaning depends on the phase. */
  dueMs: number;
  timerIndex: number;
}

/** A link to a demand. */
export interface PoolLink {
  readonly link: number;
  readonly target: Target;
  /** `asking` until the answer to Hello; a `guest` may settle what is held and gets nothing. */
  phase: "asking" | "joined" | "guest";
  /** Last limit sent, and deliveries that came since Admit. */
  limit: number;
  received: number;
  revision: number;
  /**
   * The limit that may still hold until the demand confirms a lower one; undefined: none is open.
   */
  loweredFrom: number | undefined;
  /** Items wait at the demand that this link had no credit for. */
  backlog: number;
  renewAtMs: number;
  /** When an unanswered Hello is given up. */
  askedUntilMs: number;
}

/** Why a demand is not joined. */
export type TargetRefusal = "full" | "draining" | "incompatible";

/** A demand of the capability's route. */
export interface Target {
  readonly key: string;
  readonly nodeId: NodeId;
  readonly demand: string;
  /** False once nobody announces it any more. */
  announced: boolean;
  desired: number;
  max: number;
  /** Providers that are believed to be connected. */
  connected: number;
  announcedRttMs: number | undefined;
  errorRate: number;
  /** Chosen to be joined; a link is opened at `joinAtMs` once its node has a session. */
  chosen: boolean;
  joinAtMs: number;
  /** Chosen since, to give up on a node that cannot be reached. */
  chosenAtMs: number;
  retryAtMs: number;
  refusal: TargetRefusal | undefined;
  reason: string;
  link: PoolLink | undefined;
  /** Start of the demand's node that granted the leases; 0 before the first Admit. */
  grantedBy: Incarnation;
  leaseDurationMs: number;
  readonly leases: ChurnMap<number, HeldLease>;
}

/** All leases of a pool, by their tokens and by the time they need a look. */
export class LeaseBook {
  readonly #leases = new ChurnMap<string, HeldLease>();
  readonly #timers = new IndexedHeap<HeldLease>({
    before: (left, right) => left.dueMs < right.dueMs,
    indexOf: (lease) => lease.timerIndex,
    place: (lease, index) => {
      lease.timerIndex = index;
    },
  });
  #occupied = 0;

  /** Slots filled. */
  get occupied(): number {
    return this.#occupied;
  }

  get size(): number {
    return this.#leases.size;
  }

  get(token: string): HeldLease | undefined {
    return this.#leases.get(token);
  }

  all(): IterableIterator<HeldLease> {
    return this.#leases.values();
  }

  add(lease: HeldLease): void {
    this.#leases.set(lease.token, lease);
    lease.target.leases.set(leaseKey(lease.wire), lease);
    if (lease.phase !== "settling") this.#occupied += 1;
    this.look(lease, lease.dueMs);
  }

  setPhase(lease: HeldLease, phase: HeldLease["phase"]): void {
    if (lease.phase === phase) return;
    if (lease.phase === "settling") this.#occupied += 1;
    else if (phase === "settling") this.#occupied -= 1;
    lease.phase = phase;
  }

  /** Sets when the lease needs a look. */
  look(lease: HeldLease, dueMs: number): void {
    lease.dueMs = dueMs;
    if (dueMs === Infinity) this.#timers.remove(lease);
    else this.#timers.put(lease);
  }

  forget(lease: HeldLease): void {
    if (!this.#leases.delete(lease.token)) return;
    const key = leaseKey(lease.wire);
    if (lease.target.leases.get(key) === lease) lease.target.leases.delete(key);
    if (lease.phase !== "settling") this.#occupied -= 1;
    this.#timers.remove(lease);
  }

  due(nowMs: number): HeldLease | undefined {
    const lease = this.#timers.peek();
    return lease !== undefined && lease.dueMs <= nowMs ? lease : undefined;
  }

  nextDeadlineMs(): number {
    return this.#timers.peek()?.dueMs ?? Infinity;
  }
}

/**
 * A lease of one demand as a map key; two deliveries of an item differ unless 1,024 lie between.
 */
export function leaseKey(lease: Lease): number {
  return Number(lease.sequence) * 1_024 + (lease.delivery % 1_024);
}

/** Deliveries that may still come over the link. */
export function outstandingOf(link: PoolLink): number {
  return Math.max(0, (link.loweredFrom ?? link.limit) - link.received);
}
