import { expect, test } from "vitest";
import { RefusalLog } from "../../../../operator/controller/refusal-log.ts";
import {
  isTerminal,
  refusedRetryMs,
  refusedSlowly,
} from "../../../../operator/controller/refused-slowly.ts";
import { ApiError, type ApiErrorCode } from "../../../../operator/runtime/index.ts";
import { runtimeRig } from "../../../support/runtime-rig.ts";

const context = { signal: new AbortController().signal };

function rig(code: ApiErrorCode) {
  const { surroundings, lines } = runtimeRig();
  const fail = () => Promise.reject(new ApiError(code, "no"));
  const refusals = new RefusalLog(surroundings);
  return { reconcile: refusedSlowly(fail, { kind: "demand", refusals }), lines };
}

test.each(["FORBIDDEN", "INVALID", "BAD_REQUEST", "REFUSED"] as const)(
  "after %s a key comes again after a minute, and it is said once for all keys",
  async (code) => {
    const { reconcile, lines } = rig(code);
    expect(await reconcile("shop/a", context)).toEqual({ requeueAfterMs: refusedRetryMs });
    expect(await reconcile("shop/b", context)).toEqual({ requeueAfterMs: refusedRetryMs });
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

test("only what no permission can change is terminal", () => {
  const codes = ["INVALID", "BAD_REQUEST", "FORBIDDEN", "REFUSED", "SERVER_ERROR"] as const;
  expect(codes.filter((code) => isTerminal(new ApiError(code, "no")))).toEqual([
    "INVALID",
    "BAD_REQUEST",
  ]);
  expect(isTerminal(new Error("INVALID"))).toBe(false);
});
