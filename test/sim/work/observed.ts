/** What checkers see: every input of an engine and the effects it gave, with the engine itself. */
import type {
  CapabilityEffect,
  CapabilityInput,
  CapabilityPool,
  DemandEffect,
  DemandInput,
  DemandOptions,
  DemandQueue,
  CapabilityOptions,
  WorkPeer,
} from "../../../sidecar/core/work/index.ts";

/** A queue of one start of one node. */
export interface ObservedDemand {
  readonly node: WorkPeer;
  readonly queue: DemandQueue;
  readonly options: DemandOptions;
  /** Names the queue in one start of its node. */
  readonly id: string;
}

/** A pool of one start of one node. */
export interface ObservedCapability {
  readonly node: WorkPeer;
  readonly pool: CapabilityPool;
  readonly options: CapabilityOptions;
  readonly id: string;
}

/** Sees everything, changes nothing. */
export interface Watcher {
  readonly name: string;
  /** Before the input is handled; undefined input: time passed. */
  beforeDemand?(demand: ObservedDemand, input: DemandInput | undefined, nowMs: number): void;
  afterDemand?(
    demand: ObservedDemand,
    turn: { readonly input: DemandInput | undefined; readonly effects: readonly DemandEffect[] },
    nowMs: number,
  ): void;
  afterCapability?(
    capability: ObservedCapability,
    turn: {
      readonly input: CapabilityInput | undefined;
      readonly effects: readonly CapabilityEffect[];
    },
    nowMs: number,
  ): void;
  /** A node died: what its engines knew is gone. */
  nodeDied?(node: WorkPeer): void;
  /** The run is over; faults stopped long ago. */
  end?(nowMs: number): void;
}

/** A broken promise. Thrown by a watcher, caught by the run. */
export class Violation extends Error {
  override readonly name = "Violation";
  readonly checker: string;
  constructor(checker: string, message: string) {
    super(message);
    this.checker = checker;
  }
}
