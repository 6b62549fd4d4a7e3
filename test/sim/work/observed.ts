/** What checkers see: every turn of an engine, its inputs and effects, with the engine itself. */
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

/** One turn of a queue: what was due, then each input, then what follows from them. */
export interface DemandTurn {
  /** None: time passed. */
  readonly inputs: readonly DemandInput[];
  readonly effects: readonly DemandEffect[];
  /** Something was due when it began. */
  readonly due: boolean;
  /**
   * Number of the last outcome that was recorded: place 0 after what was due, place n after the
   * n-th input. So each outcome has one cause.
   */
  readonly recorded: readonly number[];
}

/** One turn of a pool. */
export interface CapabilityTurn {
  /** None: time passed. */
  readonly inputs: readonly CapabilityInput[];
  readonly effects: readonly CapabilityEffect[];
  /** Something was due when it began. */
  readonly due: boolean;
}

/** Sees everything, changes nothing. */
export interface Watcher {
  readonly name: string;
  /** Before the queue takes one input of the turn. */
  beforeTake?(demand: ObservedDemand, input: DemandInput): void;
  /** After it took the input; what follows at the end of the turn has not happened yet. */
  afterTake?(demand: ObservedDemand, input: DemandInput): void;
  afterDemand?(demand: ObservedDemand, turn: DemandTurn, nowMs: number): void;
  afterCapability?(capability: ObservedCapability, turn: CapabilityTurn, nowMs: number): void;
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
