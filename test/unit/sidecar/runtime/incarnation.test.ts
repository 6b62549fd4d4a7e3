import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { nextIncarnation } from "../../../../sidecar/runtime/incarnation.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

describe("nextIncarnation", () => {
  it("is the start time where nothing is kept", () => {
    expect(nextIncarnation("", 5_000)).toBe(5_000);
  });

  it("grows with each start, also when the clock stands still or goes back", () => {
    const folder = join(temporaryFolder(), "state");
    expect(nextIncarnation(folder, 5_000)).toBe(5_000);
    expect(nextIncarnation(folder, 5_000)).toBe(5_001);
    expect(nextIncarnation(folder, 1_000)).toBe(5_002);
    expect(nextIncarnation(folder, 9_000)).toBe(9_000);
  });

  it("takes the start time when the file is broken", () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "incarnation"), "not a number");
    expect(nextIncarnation(folder, 5_000)).toBe(5_000);
  });
});
