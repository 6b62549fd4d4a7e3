import { expect, test } from "vitest";
import { refusedRetryMs, refusedSlowly } from "../../../../operator/controller/refused-slowly.ts";
import { ApiError, type ApiErrorCode } from "../../../../operator/runtime/index.ts";
import { runtimeRig } from "../../../support/runtime-rig.ts";

const context = { signal: new AbortController().signal };

function rig(code: ApiErrorCode) {
  const { surroundings, lines } = runtimeRig();
  const fail = () => Promise.reject(new ApiError(code, "no"));
  return { reconcile: refusedSlowly(fail, surroundings.log), lines };
}

test.each(["FORBIDDEN", "INVALID", "BAD_REQUEST", "REFUSED"] as const)(
  "%s is asked again after a minute, and said",
  async (code) => {
    const { reconcile, lines } = rig(code);
    expect(await reconcile("shop/a", context)).toEqual({ requeueAfterMs: refusedRetryMs });
    expect(lines).toHaveLength(1);
  },
);

test.each(["SERVER_ERROR", "UNREACHABLE", "CONFLICT", "TIMEOUT", "WRITE_REFUSED"] as const)(
  "%s is a failure like any other",
  async (code) => {
    const { reconcile } = rig(code);
    await expect(reconcile("shop/a", context)).rejects.toThrow("no");
  },
);
