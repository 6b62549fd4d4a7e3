/** What the API server refuses for good is asked again, but slowly: only a person can change it. */
import {
  ApiError,
  type ApiErrorCode,
  type Log,
  type Reconcile,
  type ReconcileAnswer,
} from "../runtime/index.ts";

/** Refusals that the same request meets again, until a permission, a policy or a spec changes. */
const lasting: ReadonlySet<ApiErrorCode> = new Set([
  "BAD_REQUEST",
  "FORBIDDEN",
  "INVALID",
  "REFUSED",
]);

/** A key that was refused comes again after this; a change of its object brings it at once. */
export const refusedRetryMs = 60_000;

/**
 * Wraps a reconcile: a lasting refusal waits `refusedRetryMs` instead of being retried with growing
 * waits, and is logged as an error. Anything else that is thrown is thrown on.
 */
export function refusedSlowly(reconcile: Reconcile, log: Log): Reconcile {
  return async (key, context): Promise<ReconcileAnswer> => {
    try {
      return await reconcile(key, context);
    } catch (error) {
      if (!(error instanceof ApiError) || !lasting.has(error.code)) throw error;
      const fields = { key, code: error.code, retryMs: refusedRetryMs, error };
      log.error(fields, "the API server refuses this for good; correct it, or grant it");
      return { requeueAfterMs: refusedRetryMs };
    }
  };
}
