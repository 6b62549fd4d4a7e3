import type { NodeId } from "../ports.ts";
import type { DemandEffect, DemandInput, WorkContract } from "./demand-events.ts";
import type { DemandOptions } from "./demand-options.ts";
import type { ItemSnapshot, ItemState } from "./item.ts";
import type { DemandComponents } from "./ports.ts";
import type { DemandSnapshot, Explanation, ItemPage, OutcomeEntry } from "./snapshot.ts";

/** One Demand of the node: its queue, its providers, its outcomes. */
export class DemandQueue {
  readonly name: string;

  constructor(
    spec: {
      readonly name: string;
      readonly contract: WorkContract;
      readonly options: DemandOptions;
    },
    components: DemandComponents,
  ) {
    this.name = spec.name;
    void components;
  }

  handle(input: DemandInput, nowMs: number): DemandEffect[] {
    void input;
    void nowMs;
    return [];
  }

  /** @returns when `advance` is due; Infinity when idle. */
  nextDeadlineMs(): number {
    return Infinity;
  }

  /** Does what is due. Extra calls are harmless. */
  advance(nowMs: number): DemandEffect[] {
    void nowMs;
    return [];
  }

  /** The item of this queue, while it or its outcome is kept. */
  item(sequence: number): ItemSnapshot | undefined {
    void sequence;
    return undefined;
  }

  /**
   * Items in the order of their numbers. Cost: a walk of all items of the queue.
   * @param page.limit 1 … 1,000. @param page.after sequence of the last item of the page before.
   */
  list(page: {
    readonly limit: number;
    readonly state?: ItemState;
    readonly after?: number;
  }): ItemPage {
    void page;
    return { items: [], next: undefined };
  }

  /** Outcomes after a number, as far as they are kept, oldest first, at most `limit`. */
  outcomes(after: number, limit: number): readonly OutcomeEntry[] {
    void after;
    void limit;
    return [];
  }

  /** Number of the last outcome; 0 before the first. */
  lastOutcome(): number {
    return 0;
  }

  snapshot(nowMs: number): DemandSnapshot {
    void nowMs;
    throw new Error("not there yet");
  }

  /** Wanted, admitted at most and connected providers, for announcements. */
  providers(): { readonly desired: number; readonly max: number; readonly connected: number } {
    return { desired: 1, max: 1, connected: 0 };
  }

  /** Why the item does not move. */
  explain(sequence: number, nowMs: number): Explanation | undefined {
    void sequence;
    void nowMs;
    return undefined;
  }

  /** Nodes that hold a lease or a link: for the dialler and for status. */
  peers(): readonly NodeId[] {
    return [];
  }
}
