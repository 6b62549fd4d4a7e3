import { apiLimits } from "./limits.ts";
import type { Result } from "./ports.ts";
import type { Timers } from "../runtime/index.ts";

/**
 * Runs an add that may wait for room: until the client is gone, and at most 300 s.
 * @returns its result; when the time was over, QUEUE_FULL.
 */
export async function addWithin<T>(
  components: { readonly timers: Timers },
  gone: AbortSignal,
  add: (signal: AbortSignal) => Promise<Result<T>>,
): Promise<Result<T>> {
  const late = new AbortController();
  const cancel = components.timers.after(apiLimits.waitMs, () => {
    late.abort();
  });
  try {
    const result = await add(AbortSignal.any([gone, late.signal]));
    if (result.ok || !late.signal.aborted) return result;
    const detail = "There was no room in the queue for 300 s. Try again later.";
    return { ok: false, refusal: { code: "QUEUE_FULL", detail } };
  } finally {
    cancel();
  }
}
