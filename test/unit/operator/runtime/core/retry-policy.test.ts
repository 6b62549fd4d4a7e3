import { describe, expect, it } from "vitest";
import { ApiError, type ApiErrorCode } from "../../../../../operator/runtime/api-error.ts";
import {
  type FailedAttempt,
  maxAttempts,
  retryDelayMs,
} from "../../../../../operator/runtime/core/retry-policy.ts";

function failed(error: ApiError, changes: Partial<FailedAttempt> = {}): FailedAttempt {
  const base = { attempts: 1, elapsedMs: 0, timeoutMs: 30_000, chance: 0, idempotent: false };
  return { error, ...base, ...changes };
}

function error(code: ApiErrorCode, facts = {}): ApiError {
  return new ApiError(code, "refused", facts);
}

describe("a request is sent again", () => {
  it("when the server turned it away and said when to come, whatever the verb", () => {
    const busy = error("TOO_MANY_REQUESTS", { status: 429, retryAfterMs: 1_000 });
    expect(retryDelayMs(failed(busy))).toBe(1_050);
    const down = error("SERVER_ERROR", { status: 503, retryAfterMs: 2_000 });
    expect(retryDelayMs(failed(down, { chance: 0.5 }))).toBe(2_075);
  });

  it("sooner than the server says, when its caller can't wait that long", () => {
    const busy = error("TOO_MANY_REQUESTS", { status: 429, retryAfterMs: 6_000 });
    expect(retryDelayMs(failed(busy, { longestAskedMs: 500, timeoutMs: 4_000 }))).toBe(550);
    expect(retryDelayMs(failed(busy, { timeoutMs: 4_000 }))).toBeUndefined();
  });

  it("when it certainly did not arrive, whatever the verb", () => {
    expect(retryDelayMs(failed(error("UNREACHABLE", { unsent: true })))).toBe(50);
  });

  it("when sending it twice does no harm, with waits that double", () => {
    const broken = error("UNREACHABLE");
    const waitsMs = [1, 2, 3, 4].map((attempts) =>
      retryDelayMs(failed(broken, { attempts, idempotent: true })),
    );
    expect(waitsMs).toEqual([50, 100, 200, 400]);
    expect(retryDelayMs(failed(error("SERVER_ERROR", { status: 500 }), { idempotent: true }))).toBe(
      50,
    );
  });
});

describe("a request is not sent again", () => {
  it.each<ApiErrorCode>([
    "BAD_REQUEST",
    "UNAUTHORIZED",
    "FORBIDDEN",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "CONFLICT",
    "GONE",
    "INVALID",
    "TIMEOUT",
    "ABORTED",
    "WRITE_REFUSED",
    "MALFORMED_ANSWER",
  ])("after %s", (code) => {
    expect(retryDelayMs(failed(error(code), { idempotent: true }))).toBeUndefined();
  });

  it("when it may have arrived and must not arrive twice", () => {
    expect(retryDelayMs(failed(error("UNREACHABLE")))).toBeUndefined();
    expect(retryDelayMs(failed(error("SERVER_ERROR", { status: 500 })))).toBeUndefined();
  });

  it("too often, or beyond its time", () => {
    const busy = error("TOO_MANY_REQUESTS", { retryAfterMs: 1_000 });
    expect(retryDelayMs(failed(busy, { attempts: maxAttempts }))).toBeUndefined();
    expect(retryDelayMs(failed(busy, { elapsedMs: 29_000 }))).toBeUndefined();
    const hours = error("TOO_MANY_REQUESTS", { retryAfterMs: 3_600_000 });
    expect(retryDelayMs(failed(hours, { timeoutMs: 1e9 }))).toBeUndefined();
  });
});
