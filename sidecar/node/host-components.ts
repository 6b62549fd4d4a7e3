/** What the hosts of demands and capabilities share. */
import type { Clock, Random } from "../core/ports.ts";
import type { SequenceCounter } from "../core/work/index.ts";
import type { Logger, Timers, WallClock } from "../runtime/index.ts";
import type { Turns } from "../transport/index.ts";
import type { Links } from "./links.ts";

/** The node, as far as a host needs it. */
export interface HostComponents {
  readonly self: { readonly nodeId: string; readonly incarnation: number };
  readonly sequences: SequenceCounter;
  readonly random: Random;
  readonly clock: Clock;
  readonly wallClock: WallClock;
  readonly timers: Timers;
  /** @default Node's own turns */
  readonly turns?: Turns;
  /** Inputs of one turn of an engine at most. @default 32; 1,024 where this process has one core */
  readonly maxInputsOfTurn?: number;
  readonly links: Links;
  readonly logger: Logger;
}
