import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { maxTokenBytes, readToken } from "../../../../sidecar/control/token-file.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

function fileOf(content: string): string {
  const file = join(temporaryFolder(), "token");
  writeFileSync(file, content);
  return file;
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
