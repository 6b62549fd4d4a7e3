import type { CapabilityEffect, CapabilityInput } from "./capability-events.ts";
import type { CapabilityOptions } from "./capability-options.ts";
import type { WorkContract } from "./demand-events.ts";
import type { CapabilityComponents } from "./ports.ts";
import type { CapabilitySnapshot } from "./snapshot.ts";

/** One Capability of the node: the demands it serves, its slots, the leases it holds. */
export class CapabilityPool {
  readonly name: string;

  constructor(
    spec: {
      readonly name: string;
      readonly contract: WorkContract;
      readonly options: CapabilityOptions;
    },
    components: CapabilityComponents,
  ) {
    this.name = spec.name;
    void components;
  }

  handle(input: CapabilityInput, nowMs: number): CapabilityEffect[] {
    void input;
    void nowMs;
    return [];
  }

  /** @returns when `advance` is due; Infinity when idle. */
  nextDeadlineMs(): number {
    return Infinity;
  }

  /** Does what is due. Extra calls are harmless. */
  advance(nowMs: number): CapabilityEffect[] {
    void nowMs;
    return [];
  }

  /** True while verbs for this lease belong to this pool (also a while after its end). */
  holds(lease: string): boolean {
    void lease;
    return false;
  }

  snapshot(nowMs: number): CapabilitySnapshot {
    void nowMs;
    throw new Error("not there yet");
  }
}
