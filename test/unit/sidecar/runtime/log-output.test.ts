import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { spawn } from "node:child_process";
import { describe, expect, it } from "vitest";
import { LogOutput, maxWaitingCharacters } from "../../../../sidecar/runtime/log-output.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

describe("LogOutput", () => {
  it("writes lines in order", async () => {
    const file = join(temporaryFolder(), "log");
    const fd = openSync(file, "w");
    const output = new LogOutput(fd);
    const lines = Array.from({ length: 1_000 }, (_, index) => `line ${String(index)}\n`);
    for (const line of lines) output.write(line);
    await output.flush(5_000);
    closeSync(fd);
    expect(readFileSync(file, "utf8")).toBe(lines.join(""));
    expect(output.droppedCount).toBe(0);
  });

  it("drops what is over its bound, and counts it", async () => {
    const file = join(temporaryFolder(), "log");
    const fd = openSync(file, "w");
    const output = new LogOutput(fd);
    const line = "x".repeat(64 * 1024);
    const count = (maxWaitingCharacters / line.length) * 2;
    for (let index = 0; index < count; index += 1) output.write(line);
    expect(output.droppedCount).toBeGreaterThan(0);
    await output.flush(5_000);
    closeSync(fd);
    const written = readFileSync(file).length / line.length;
    expect(written + output.droppedCount).toBe(count);
  });

  it("gives up when its descriptor is of no use, and flushes at once", async () => {
    const fd = openSync(join(temporaryFolder(), "log"), "w");
    closeSync(fd);
    const output = new LogOutput(fd);
    output.write("lost\n");
    await output.flush(5_000);
    output.write("lost too\n");
    expect(output.droppedCount).toBeGreaterThanOrEqual(1);
    await output.flush(5_000);
  });

  it("lets a process end whose reader is gone", async () => {
    const script = `
      import { createLogger } from ${JSON.stringify(join(process.cwd(), "dist/sidecar/runtime/index.js"))};
      const logger = createLogger();
      setInterval(() => logger.forComponent("a:b").info({}, "still here"), 2);
      process.on("message", async () => { await logger.flush(); process.exit(7); });
    `;
    const child = spawn(process.execPath, ["--input-type=module", "--eval", script], {
      stdio: ["ignore", "pipe", "inherit", "ipc"],
    });
    await new Promise((resolve) => child.stdout?.once("data", resolve));
    child.stdout?.destroy();
    const exited = new Promise((resolve) => child.once("exit", resolve));
    child.send("end");
    expect(await exited).toBe(7);
  });
});
