import { bullSystem } from "./bull.ts";
import { natsSystem } from "./nats.ts";
import { spillwaySystem } from "./spillway.ts";
import type { WorkSystem } from "./system.ts";

/** Everything that is compared, by the name in the table. */
export const systems: Readonly<Record<string, WorkSystem>> = {
  spillway: spillwaySystem,
  "nats jetstream": natsSystem,
  bullmq: bullSystem,
};
