import { describe, expect, test } from "vitest";
import type { JudgedAnswer } from "../../../../sidecar/api/push-verb.ts";
import { verbOfAnswer } from "../../../../sidecar/api/push-verb.ts";
import { memoryNode } from "../../../support/api-fixture.ts";

const node = memoryNode();
const contract = node.contractOf("capability", "resizer");
if (contract === undefined) throw new Error("no contract");
const codec = contract.response;
const nowEpochMs = Date.UTC(2026, 10, 21, 12, 0, 0);

interface Answered {
  readonly status: number;
  readonly contentType?: string;
  readonly retryAfter?: string;
  readonly body?: string | Uint8Array;
}

function verbOf({ status, contentType = "", retryAfter, body = "" }: Answered) {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  return verbOfAnswer(
    { kind: "answered", status, contentType, retryAfter, body: bytes },
    codec,
    nowEpochMs,
  );
}

describe("2xx completes", () => {
  test.each([
    [200, "application/json", '{"width":5}'],
    [201, "application/json; charset=utf-8", '{"width":5}'],
    [200, "application/x-protobuf", new Uint8Array([0x10, 5])],
  ])("%i with %s", (status, contentType, body) => {
    expect(verbOf({ status, contentType, body })).toEqual({
      verb: "complete",
      result: new Uint8Array([0x10, 5]),
    });
  });

  test("204, or an empty body of any type, is the empty message", () => {
    const complete = { verb: "complete", result: new Uint8Array() };
    expect(verbOf({ status: 204 })).toEqual(complete);
    expect(verbOf({ status: 200, contentType: "text/html" })).toEqual(complete);
  });

  test.each([
    ["application/json", '{"width":"wide"}', "INVALID_PAYLOAD"],
    ["application/json", "{", "INVALID_PAYLOAD"],
    ["application/x-protobuf", "\u0001\u0002", "INVALID_PAYLOAD"],
    ["text/html", "<p>", "UNSUPPORTED_MEDIA_TYPE"],
  ])(
    "but %s with a body that is no response message is a failed attempt",
    (contentType, body, code) => {
      expect(verbOf({ status: 200, contentType, body })).toMatchObject({
        verb: "fail",
        error: { code, retryable: true },
      });
    },
  );
});

describe("other statuses", () => {
  test.each([400, 401, 404, 409, 413, 422, 301, 304])("%i rejects", (status) => {
    expect(verbOf({ status })).toMatchObject({
      verb: "reject",
      error: { code: `HTTP_${String(status)}`, retryable: false },
    });
  });

  test.each([408, 425, 429, 500, 502, 503, 504, 599])("%i fails, to be tried again", (status) => {
    expect(verbOf({ status })).toMatchObject({ verb: "fail", error: { retryable: true } });
  });

  test.each([
    ["7", 7_000],
    ["0", 0],
    ["Sat, 21 Nov 2026 12:00:30 GMT", 30_000],
    ["Sat, 21 Nov 2026 11:00:00 GMT", 0],
    ["999999999", 24 * 3_600_000],
  ])("Retry-After %s delays by %i ms", (retryAfter, delayMs) => {
    expect(verbOf({ status: 503, retryAfter })).toMatchObject({ verb: "fail", delayMs });
  });

  test.each(["soon", "", "-5", "1.5"])("Retry-After %j says nothing", (retryAfter) => {
    expect(verbOf({ status: 503, retryAfter })).not.toHaveProperty("delayMs");
  });

  test("no Retry-After leaves the delay to the backoff; a reject has none", () => {
    expect(verbOf({ status: 503 })).not.toHaveProperty("delayMs");
    expect(verbOf({ status: 400, retryAfter: "5" })).not.toHaveProperty("delayMs");
  });
});

describe("the error that the producer sees", () => {
  const json = "application/json";
  const unsaid = "The application answered with status 400.";
  test.each([
    [json, '{"code":"BAD","message":"bad","details":{"a":1}}', ["BAD", "bad", '{"a":1}']],
    [json, '{"error":{"code":"BAD","message":"bad"}}', ["BAD", "bad", ""]],
    ["application/problem+json", '{"title":"Bad","detail":"bad"}', ["HTTP_400", "bad", ""]],
    ["text/plain; charset=utf-8", "bad", ["HTTP_400", "bad", ""]],
    ["text/html", "<p>bad", ["HTTP_400", unsaid, ""]],
    [json, "not json", ["HTTP_400", unsaid, ""]],
    [json, '"text"', ["HTTP_400", unsaid, ""]],
    [json, '{"code":5,"message":null}', ["HTTP_400", unsaid, ""]],
  ])("from %s %s", (contentType, body, [code, message, details]) => {
    expect(verbOf({ status: 400, contentType, body })).toEqual({
      verb: "reject",
      error: { code, message, details, retryable: false },
    });
  });

  test("is cut to its bounds", () => {
    const body = JSON.stringify({
      code: "c".repeat(100),
      message: "m".repeat(5_000),
      details: "d".repeat(20_000),
    });
    const verb = verbOf({ status: 400, contentType: json, body });
    expect(verb.verb === "reject" && verb.error.code).toHaveLength(64);
    expect(verb.verb === "reject" && verb.error.message).toHaveLength(4_096);
    expect(verb.verb === "reject" && verb.error.message).toMatch(
      /m \(Details were left out: 20002 characters, at most 16384\.\)$/,
    );
    expect(verb.verb === "reject" && verb.error.details).toBe("");
  });
});

test.each([
  [{ kind: "refused", reason: "ECONNREFUSED" }, { verb: "release" }],
  [
    { kind: "lost", reason: "reset" },
    { verb: "fail", error: { code: "CONNECTION_LOST", retryable: true } },
  ],
  [
    { kind: "tooLarge", status: 200 },
    { verb: "reject", error: { code: "PAYLOAD_TOO_LARGE" } },
  ],
] as readonly (readonly [JudgedAnswer, object])[])("%j becomes %j", (answer, verb) => {
  expect(verbOfAnswer(answer, codec, nowEpochMs)).toMatchObject(verb);
});
