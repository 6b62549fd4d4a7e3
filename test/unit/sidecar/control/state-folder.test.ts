import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { StateFolder } from "../../../../sidecar/control/state-folder.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

const content = new Uint8Array([1, 2, 10, 3]);

async function folder(): Promise<StateFolder> {
  return StateFolder.open(join(temporaryFolder(), "state"));
}

describe("the state folder", () => {
  it("gives back what was written, also by an earlier start", async () => {
    const first = await folder();
    await first.write("a", content);
    const second = await StateFolder.open(first.path);
    expect(await second.read("a")).toEqual({ found: true, content });
    expect(await second.names()).toEqual(["a"]);
  });

  it("is for nobody else, also when it was there before", async () => {
    const path = join(temporaryFolder(), "state");
    mkdirSync(path, { mode: 0o755 });
    chmodSync(path, 0o755);
    const opened = await StateFolder.open(path);
    await opened.write("a", content);
    expect(statSync(path).mode & 0o777).toBe(0o700);
    expect(statSync(join(path, "a")).mode & 0o777).toBe(0o600);
  });

  it.each([
    ["is cut short", (bytes: Buffer) => bytes.subarray(0, -1)],
    ["has a changed byte", (bytes: Buffer) => Buffer.concat([bytes.subarray(0, -1), Buffer.of(9)])],
    [
      "is of another format",
      (bytes: Buffer) => Buffer.from(bytes.toString().replace(" 1 ", " 2 ")),
    ],
    ["is empty", () => Buffer.alloc(0)],
  ])("does not read a file that %s, and says why", async (_what, damage) => {
    const opened = await folder();
    await opened.write("a", content);
    const file = join(opened.path, "a");
    writeFileSync(file, damage(readFileSync(file)));
    expect(await opened.read("a")).toEqual({ found: false, damage: expect.any(String) as string });
  });

  it("says nothing of a file that is not there", async () => {
    expect(await (await folder()).read("a")).toEqual({ found: false, damage: undefined });
  });

  it("keeps the last of several writes at once, and leaves no half file", async () => {
    const opened = await folder();
    await Promise.all([1, 2, 3].map((byte) => opened.write("a", new Uint8Array([byte]))));
    expect(await opened.read("a")).toEqual({ found: true, content: new Uint8Array([3]) });
    expect(readdirSync(opened.path)).toEqual(["a"]);
  });

  it("takes no leftover of a kill for a file", async () => {
    const opened = await folder();
    writeFileSync(join(opened.path, "a.new"), "half");
    expect(await opened.names()).toEqual([]);
  });

  it("is refused where it cannot be made, and a failed write does not stop the next", async () => {
    const file = join(temporaryFolder(), "file");
    writeFileSync(file, "");
    await expect(StateFolder.open(join(file, "state"))).rejects.toMatchObject({
      code: "STATE_UNWRITABLE",
    });
    const opened = await folder();
    mkdirSync(join(opened.path, "a"));
    await expect(opened.write("a", content)).rejects.toMatchObject({ code: "STATE_UNWRITABLE" });
    await opened.write("b", content);
    expect(await opened.read("b")).toMatchObject({ found: true });
  });
});
