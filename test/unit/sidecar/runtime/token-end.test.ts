import { describe, expect, it } from "vitest";
import { tokenEndMs } from "../../../../sidecar/runtime/token-end.ts";

function jwtOf(claims: unknown): string {
  return `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.c2ln`;
}

describe("the end of a token", () => {
  it("is its claim `exp`", () => {
    expect(tokenEndMs(jwtOf({ exp: 1_800_000_000 }))).toBe(1_800_000_000_000);
  });

  it.each([
    "",
    "opaque",
    "a.b.c",
    "a..c",
    jwtOf({}),
    jwtOf({ exp: "soon" }),
    jwtOf(null),
    jwtOf([]),
  ])("is unknown of %j", (token) => {
    expect(tokenEndMs(token)).toBeUndefined();
  });
});
