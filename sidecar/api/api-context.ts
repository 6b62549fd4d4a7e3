import type { Clock } from "../core/ports.ts";
import type { Handles, Logger, Timers } from "../runtime/index.ts";
import type { StreamBook } from "./event-stream.ts";
import type { apiMetrics } from "./metrics.ts";
import type { NodeService } from "./ports.ts";

/** The metrics of this room, registered. */
export type ApiMetrics = Handles<(typeof apiMetrics)["declarations"]>;

/** What the application interface works with. */
export interface ApiComponents {
  readonly node: NodeService;
  readonly logger: Logger;
  readonly metrics: ApiMetrics;
  readonly timers: Timers;
  readonly clock: Clock;
}

/**
 * What the routes need that the operations listener has too: nothing of a provider's, no stream.
 */
export interface ItemContext {
  readonly node: Pick<
    NodeService,
    "add" | "item" | "explain" | "waitForItem" | "demands" | "capabilities" | "contractOf"
  >;
  readonly timers: Timers;
}

/** What its routes share. */
export interface ApiContext extends ApiComponents {
  readonly streams: StreamBook;
}
