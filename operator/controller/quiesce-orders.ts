/**
 * Who is to take nothing more. A pod goes as a whole: all of its Capabilities are quiet, for
 * whichever of them it is removed.
 */
import type { Clock } from "../runtime/index.ts";
import type { Sidecars } from "./ports.ts";
import type { World } from "./world.ts";

/** What orders work with. */
export interface QuiesceOrdersComponents {
  readonly world: Pick<World, "podOf" | "capabilityUidsOf">;
  readonly sidecars: Pick<Sidecars, "quiesce">;
  readonly clock: Clock;
}

/** An order holds this long without the operator. */
const ttlMs = 120_000;
/** An order that still stands is given anew after this, and is then confirmed anew. */
const renewAfterMs = ttlMs / 2;

interface Given {
  readonly capabilityUids: readonly string[];
  readonly atMs: number;
}

/** The orders that are in force. */
export class QuiesceOrders {
  readonly #components: QuiesceOrdersComponents;
  /** Pods that a Capability wants to be quiet, by its uid. */
  readonly #wanted = new Map<string, ReadonlySet<string>>();
  readonly #given = new Map<string, Given>();

  constructor(components: QuiesceOrdersComponents) {
    this.#components = components;
  }

  /** A Capability wants these pods to be quiet, and no others. */
  want(capabilityUid: string, podUids: readonly string[]): void {
    const before = this.#wanted.get(capabilityUid) ?? new Set();
    if (podUids.length === 0) this.#wanted.delete(capabilityUid);
    else this.#wanted.set(capabilityUid, new Set(podUids));
    for (const podUid of new Set([...before, ...podUids])) this.#give(podUid);
  }

  #give(podUid: string): void {
    const { world, sidecars, clock } = this.#components;
    const pod = world.podOf(podUid);
    const isWanted = [...this.#wanted.values()].some((it) => it.has(podUid));
    if (pod === undefined || !isWanted) {
      if (this.#given.delete(podUid) && pod !== undefined) sidecars.quiesce(podUid, [], ttlMs);
      return;
    }
    const capabilityUids = world.capabilityUidsOf(pod).sort();
    const given = this.#given.get(podUid);
    const nowMs = clock.nowMs();
    const same = given?.capabilityUids.join() === capabilityUids.join();
    if (given !== undefined && same && nowMs < given.atMs + renewAfterMs) return;
    this.#given.set(podUid, { capabilityUids, atMs: nowMs });
    sidecars.quiesce(podUid, capabilityUids, ttlMs);
  }
}
