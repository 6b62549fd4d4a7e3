import { describe, expect, it } from "vitest";
import {
  ApiError,
  codeOfStatus,
  errorOfConnection,
  retryAfterMsOf,
} from "../../../../operator/runtime/api-error.ts";

describe("an error", () => {
  it("has a code by its status, and by its reason where two share a status", () => {
    expect(codeOfStatus(409)).toBe("CONFLICT");
    expect(codeOfStatus(409, "AlreadyExists")).toBe("ALREADY_EXISTS");
    expect(codeOfStatus(400, "Expired")).toBe("GONE");
    expect(codeOfStatus(503)).toBe("SERVER_ERROR");
    expect(codeOfStatus(415)).toBe("REFUSED");
  });

  it.each([
    ["ECONNREFUSED", "UNREACHABLE", true],
    ["ENOTFOUND", "UNREACHABLE", true],
    ["UND_ERR_CONNECT_TIMEOUT", "UNREACHABLE", true],
    ["UND_ERR_SOCKET", "UNREACHABLE", false],
    ["ECONNRESET", "UNREACHABLE", false],
    ["UND_ERR_ABORTED", "ABORTED", false],
  ])("%s of a connection is %s, unsent %s", (code, expected, unsent) => {
    const error = Object.assign(new Error("broke"), { code });
    const wrapped = new TypeError("fetch failed", { cause: error });
    for (const thrown of [error, wrapped, new AggregateError([error])]) {
      expect(errorOfConnection(thrown, "GET /x")).toMatchObject({ code: expected, unsent });
    }
  });

  it("that is one already stays what it is; what is no error gets words", () => {
    const known = new ApiError("GONE", "too old");
    expect(errorOfConnection(known, "GET /x")).toBe(known);
    expect(errorOfConnection("odd", "GET /x").message).toBe("GET /x: odd");
  });
});

describe("a wish to wait", () => {
  it("is seconds within an hour, or none", () => {
    expect(["0", "7", "9999"].map(retryAfterMsOf)).toEqual([0, 7_000, 3_600_000]);
    const none = [undefined, "", "-1", "1.5", "soon", "99999", "Wed, 21 Oct 2026 07:28:00 GMT"];
    expect(none.map(retryAfterMsOf)).toEqual(none.map(() => undefined));
  });
});
