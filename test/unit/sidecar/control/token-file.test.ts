import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { maxTokenBytes, readToken, tokenEndMs } from "../../../../sidecar/control/token-file.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

function fileOf(content: string): string {
  const file = join(temporaryFolder(), "token");
  writeFileSync(file, content);
  return file;
}

function jwtOf(claims: unknown): string {
  return `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.c2ln`;
}

describe("the token file", () => {
  it("is read without what surrounds the token", async () => {
    await expect(readToken(fileOf("  abc\n"))).resolves.toBe("abc");
  });

  it.each([
    ["empty", " \n"],
    ["too long", "x".repeat(maxTokenBytes + 1)],
  ])("that is %s is refused, naming the file and not its content", async (_what, content) => {
    const file = fileOf(content);
    const refused = await readToken(file).catch((error: unknown) => error);
    expect(refused).toMatchObject({ name: "ControlError", code: "TOKEN_UNREADABLE" });
    expect(String(refused)).toContain(file);
    expect(String(refused)).not.toContain("xxxx");
  });

  it("that is not there is refused", async () => {
    const missing = join(temporaryFolder(), "token");
    await expect(readToken(missing)).rejects.toMatchObject({ code: "TOKEN_UNREADABLE" });
  });
});

describe("the end of a token", () => {
  it("is its claim `exp`", () => {
    expect(tokenEndMs(jwtOf({ exp: 1_800_000_000 }))).toBe(1_800_000_000_000);
  });

  it.each(["", "abc", "a.b.c", jwtOf({}), jwtOf({ exp: "soon" }), jwtOf(null), jwtOf([])])(
    "is unknown of %j",
    (token) => {
      expect(tokenEndMs(token)).toBeUndefined();
    },
  );
});
