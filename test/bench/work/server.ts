/**
 * Servers of the rivals: Debian's own programs, on a free port of loopback, in a folder of their
 * own.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Prepared, Spawn } from "./system.ts";

const startTimeoutMs = 10_000;

/** @returns why a program cannot be run; undefined when it can. */
export function missingProgram(program: string): string | undefined {
  return spawnSync(program, ["--version"]).status === 0
    ? undefined
    : `${program} is not installed (a Debian package of that name has it)`;
}

/**
 * Starts a server and waits until it accepts connections.
 * @param argsOf its arguments for a port and an empty folder.
 */
export async function startServer(
  spawn: Spawn,
  program: string,
  argsOf: (port: number, folder: string) => readonly string[],
): Promise<Prepared> {
  const folder = mkdtempSync(join(tmpdir(), "sw-bench-"));
  const port = await freePort();
  const child = spawn(program, argsOf(port, folder));
  const close = (): void => {
    child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  };
  const deadlineMs = performance.now() + startTimeoutMs;
  while (!(await accepts(port))) {
    if (child.exitCode !== null || performance.now() > deadlineMs) {
      close();
      throw new Error(`${program} did not start (exit code ${String(child.exitCode)})`);
    }
    await delay(20);
  }
  return { setup: { port }, close };
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => {
      resolve(false);
    });
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => {
        if (address === null || typeof address === "string") reject(new Error("no port"));
        else resolve(address.port);
      });
    });
  });
}
