import { apiLimits } from "./limits.ts";
import type { Refusal } from "./problem-code.ts";

/** The refusal of an event stream beyond the bound. */
export function tooManyStreams(): Refusal {
  return {
    code: "TOO_MANY_WAITERS",
    detail: "As many event streams are open as one sidecar holds. Close some, then try again.",
    bound: apiLimits.streams,
  };
}
