/**
 * A simulated worker process beside a capability: pulls, works, says how it went, crashes. With a
 * presence it is seen to die; without one its leases just run out.
 */
import type { CapabilityReply, PulledWork, WorkVerb } from "../../../sidecar/core/work/index.ts";
import type { SeededRandom } from "../../support/seeded-random.ts";
import type { World } from "../world.ts";
import { behaviourOf } from "./item-behaviour.ts";
import type { SimNode } from "./sim-node.ts";

/** Numbers of calls are shared by all processes of a node. */
export interface CallBook {
  open(onReply: (reply: CapabilityReply) => void): number;
  /** No answer is expected any more; one that was on its way is given to `onReply`. */
  abandon(call: number, onReply: (reply: CapabilityReply) => void): void;
}

/** How a worker process lives. */
export interface WorkerHabits {
  readonly presence: boolean;
  readonly maxPull: number;
  readonly waitMs: number;
  /** Items it works on at once. */
  readonly parallel: number;
}

/** Counts items that applications work on, for the checkers. */
export interface WorkLog {
  began(node: SimNode, lease: string): void;
  ended(node: SimNode, lease: string): void;
}

/** One life of one worker process. */
export class WorkerApp {
  alive = true;
  readonly #node: SimNode;
  readonly #world: World;
  readonly #random: SeededRandom;
  readonly #calls: CallBook;
  readonly #log: WorkLog;
  readonly #habits: WorkerHabits;
  readonly #onDeath: () => void;
  readonly #presence: string | undefined;
  /** Leases it works on; the value is called when one is taken away. */
  readonly #working = new Set<string>();
  #pulling: number | undefined;

  constructor(
    node: SimNode,
    habits: WorkerHabits,
    components: {
      readonly name: string;
      readonly world: World;
      readonly random: SeededRandom;
      readonly calls: CallBook;
      readonly log: WorkLog;
      readonly onDeath: () => void;
    },
  ) {
    this.#node = node;
    this.#habits = habits;
    this.#world = components.world;
    this.#random = components.random;
    this.#calls = components.calls;
    this.#log = components.log;
    this.#onDeath = components.onDeath;
    this.#presence = habits.presence ? components.name : undefined;
    if (this.#presence !== undefined) {
      this.#say({ type: "presenceOpened", presence: this.#presence });
    }
    this.#pull();
  }

  /** The process dies. Its connection closes, which the sidecar sees only if it has a presence. */
  crash(): void {
    if (!this.alive) return;
    this.#world.note(() => `a worker of ${this.#node.self.nodeId} dies`);
    this.alive = false;
    for (const lease of this.#working) this.#log.ended(this.#node, lease);
    this.#working.clear();
    if (this.#node.alive) {
      if (this.#pulling !== undefined) {
        this.#say({ type: "pullCancelled", call: this.#pulling });
        this.#calls.abandon(this.#pulling, (reply) => {
          this.#returnUnread(reply);
        });
      }
      if (this.#presence !== undefined) {
        this.#say({ type: "presenceClosed", presence: this.#presence });
      }
    }
    this.#onDeath();
  }

  /** The node's sidecar died: leases are gone, work in progress is given up. */
  sidecarDied(): void {
    this.alive = false;
    for (const lease of this.#working) this.#log.ended(this.#node, lease);
    this.#working.clear();
  }

  /** `ctx.signal`: the lease ended. A well-behaved process stops soon and says so. */
  leaseEnded(lease: string): void {
    if (!this.#working.has(lease)) return;
    this.#world.after(this.#random.integer(0, 50), () => {
      this.#finish(lease, { verb: "release", reason: "told to stop" });
    });
  }

  #say(input: Parameters<NonNullable<SimNode["capability"]>["pump"]["handle"]>[0]): void {
    this.#node.capability?.pump.handle(input);
  }

  #pull(): void {
    if (!this.alive || !this.#node.alive || this.#pulling !== undefined) return;
    const free = this.#habits.parallel - this.#working.size;
    if (free <= 0) return;
    const call = this.#calls.open((reply) => {
      this.#pulling = undefined;
      if (!this.alive) {
        this.#returnUnread(reply);
        return;
      }
      if (reply.kind === "pulled") for (const item of reply.items) this.#work(item);
      const pauseMs = reply.kind === "refused" ? 500 : this.#random.integer(0, 5);
      this.#world.after(pauseMs, () => {
        this.#pull();
      });
    });
    this.#pulling = call;
    const presence = this.#presence;
    this.#say({
      type: "pull",
      call,
      max: Math.min(free, this.#habits.maxPull),
      waitMs: this.#habits.waitMs,
      ...(presence !== undefined && { presence }),
    });
  }

  /** The client went away before the answer: the node gives the items back. */
  #returnUnread(reply: CapabilityReply): void {
    if (reply.kind !== "pulled") return;
    for (const item of reply.items) {
      const call = this.#calls.open(() => undefined);
      const verb = { verb: "release", reason: "the client went away" } as const;
      this.#say({ type: "verb", call, lease: item.lease, verb });
    }
  }

  #work(item: PulledWork): void {
    this.#working.add(item.lease);
    this.#log.began(this.#node, item.lease);
    const behaviour = behaviourOf(item.request);
    const quickMs = this.#random.integer(1, 40);
    switch (behaviour) {
      case "quick":
        this.#after(quickMs, item, { verb: "complete", result: new Uint8Array([1]) });
        return;
      case "slow":
        this.#beat(item);
        this.#after(this.#random.integer(500, 6_000), item, {
          verb: "complete",
          result: new Uint8Array([2]),
        });
        return;
      case "failing":
        if (item.attempt > 2) {
          this.#after(quickMs, item, { verb: "complete", result: new Uint8Array([3]) });
        } else {
          const delay = this.#random.chance(0.5) ? { delayMs: this.#random.integer(0, 500) } : {};
          this.#after(quickMs, item, { verb: "fail", error: simError(true), ...delay });
        }
        return;
      case "rejected":
        this.#after(quickMs, item, { verb: "reject", error: simError(false) });
        return;
      case "hopeless":
        this.#after(quickMs, item, { verb: "fail", error: simError(true) });
        return;
      case "poison":
        this.#world.after(quickMs, () => {
          if (this.#working.has(item.lease)) this.crash();
        });
        return;
      case "endless":
        this.#beat(item);
        return;
      case "released":
        if (this.#random.chance(0.5)) {
          this.#after(quickMs, item, { verb: "release", reason: "not now" });
        } else {
          this.#after(quickMs, item, { verb: "complete", result: new Uint8Array([4]) });
        }
        return;
    }
  }

  #after(delayMs: number, item: PulledWork, verb: WorkVerb): void {
    this.#world.after(delayMs, () => {
      this.#finish(item.lease, verb);
    });
  }

  /** Heartbeats, unless this one forgets them and has a presence that renews for it. */
  #beat(item: PulledWork): void {
    const beat = (): void => {
      if (!this.alive || !this.#working.has(item.lease)) return;
      const call = this.#calls.open((reply) => {
        if (reply.kind === "refused") this.leaseEnded(item.lease);
      });
      this.#say({ type: "verb", call, lease: item.lease, verb: { verb: "heartbeat" } });
      this.#world.after(400, beat);
    };
    if (this.#presence === undefined || this.#random.chance(0.5)) beat();
  }

  #finish(lease: string, verb: WorkVerb): void {
    if (!this.alive || !this.#working.delete(lease)) return;
    this.#log.ended(this.#node, lease);
    const say = (): void => {
      const call = this.#calls.open(() => {
        this.#pull();
      });
      this.#say({ type: "verb", call, lease, verb });
    };
    say();
    // Some clients repeat a call whose answer they did not wait for.
    if (this.#random.chance(0.1))
      this.#world.after(this.#random.integer(0, 200), () => {
        if (this.alive && this.#node.alive) say();
      });
    this.#world.after(this.#random.integer(0, 5), () => {
      this.#pull();
    });
  }
}

function simError(retryable: boolean): {
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
  readonly details: string;
} {
  return { code: "SIM", message: "as the item wished", retryable, details: "" };
}
