/** What the API server refuses for good is asked again slowly, or not at all. */
import {
  ApiError,
  type ApiErrorCode,
  type Reconcile,
  type ReconcileAnswer,
} from "../runtime/index.ts";
import type { RefusalLog } from "./refusal-log.ts";

/** Refusals that the same request meets again, whoever is granted what. */
const terminal: ReadonlySet<ApiErrorCode> = new Set(["BAD_REQUEST", "INVALID"]);

/** Refusals that the same request meets again, until a permission, a policy or a spec changes. */
const lasting: ReadonlySet<ApiErrorCode> = new Set([...terminal, "FORBIDDEN", "REFUSED"]);

/** A key that was refused comes again after this; a change of its object brings it at once. */
export const refusedRetryMs = 60_000;

/** Whether a request is of no use until the spec that it came from changes. */
export function isTerminal(error: unknown): boolean {
  return error instanceof ApiError && terminal.has(error.code);
}

/** Whose refusals these are, and where they are told. */
export interface RefusedSlowlyOptions {
  /** As it is told, such as the name of the controller. */
  readonly kind: string;
  /** Where they are told. */
  readonly refusals: RefusalLog;
}

/**
 * Wraps a reconcile: after a lasting refusal its key comes again after `refusedRetryMs` instead of
 * with growing waits, and it is logged as an error. Anything else that is thrown is thrown on. Who
 * meets a terminal one remembers it: the key comes to look at all else.
 */
export function refusedSlowly(
  reconcile: Reconcile,
  { kind, refusals }: RefusedSlowlyOptions,
): Reconcile {
  return async (key, context): Promise<ReconcileAnswer> => {
    try {
      return await reconcile(key, context);
    } catch (error) {
      if (!(error instanceof ApiError) || !lasting.has(error.code)) throw error;
      refusals.note({
        level: "error",
        kind,
        code: error.code,
        fields: { key, error },
        sentence: "the API server refuses this for good; correct it, or grant it",
      });
      return { requeueAfterMs: refusedRetryMs };
    }
  };
}
