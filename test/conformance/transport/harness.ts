/** What the suite needs of an implementation: carriers, their time, and ways to break a path. */
import type { Clock } from "../../../sidecar/core/ports.ts";
import type { Timers } from "../../../sidecar/runtime/index.ts";
import type { CarrierFactory, DialTarget, Turns } from "../../../sidecar/transport/index.ts";

/** Who a node's certificate says it is. */
export interface HarnessNode {
  readonly clusterId: string;
  readonly namespace: string;
  readonly nodeId: string;
}

/** One implementation, fresh for each test. */
export interface TransportHarness {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly turns: Turns;
  /** Where nodes listen; port 0. */
  readonly listenHost: string;
  /** @returns a factory with credentials of this node; all nodes of a test share one authority. */
  factoryOf(node: HarnessNode): Promise<CarrierFactory>;
  /**
   * @returns where `from` has to dial so that `cut` and `freeze` of the pair work: the address
   *   itself, or that of a proxy in between.
   */
  route(from: string, target: DialTarget): Promise<DialTarget>;
  /** Ends the connections of a pair at once, as a killed process does. */
  cut(nodeId: string, otherId: string): void;
  /** Holds back everything between a pair, in existing and in new connections; nobody is told. */
  freeze(nodeId: string, otherId: string): void;
  /** Lets everything pass again. */
  thaw(nodeId: string, otherId: string): void;
  /** Lets time pass until the condition holds; fails after `withinMs` of the harness's clock. */
  until(condition: () => boolean, withinMs: number, what: string): Promise<void>;
  /** Lets time pass. */
  elapse(ms: number): Promise<void>;
  /** Frees everything. */
  close(): Promise<void>;
}
