import { thisProgram } from "./program.ts";

/** The name of the seed; holds the configuration of this program. */
export const CML = { Config: thisProgram.config } as const;
