/**
 * `spillway up` on a copy of an example, as a user runs it: the compiled CLI in a process of its
 * own. The copy lies inside the repository, so that its programs find the package by name, and has
 * ports of its own, so that several tests can run at once.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { eventually } from "./eventually.ts";

/** Root of the repository. */
export const repository = fileURLToPath(new URL("../..", import.meta.url));

const cli = join(repository, "dist/operator/cli/main.js");

/** A program of `spillway status --json`. */
export interface StatusProgram {
  readonly name: string;
  readonly replica: number;
  readonly pid: number | null;
  readonly port?: number;
  readonly sidecar: {
    readonly pid: number | null;
    readonly socketPath: string;
    readonly adminUrl: string;
    readonly opsUrl: string;
  };
}

/** What `spillway status --json` prints, as far as tests look at it. */
export interface FolderStatus {
  readonly programs: readonly StatusProgram[];
  readonly demands: readonly {
    readonly name: string;
    readonly counts: Readonly<Record<string, number>>;
    readonly providers: readonly { readonly id: string }[];
  }[];
  readonly problems: readonly string[];
}

/** A running `spillway up`. */
export interface RunningFolder {
  readonly folder: string;
  readonly port: number;
  readonly up: ChildProcess;
  /** Everything it printed so far. */
  output(): string;
  status(): FolderStatus;
  /** Sends the signal and waits for the end of `up`. @returns its exit code, null after a kill. */
  end(signal: NodeJS.Signals): Promise<number | null>;
  /** Ends what still runs and removes the copy. Extra calls are harmless. */
  remove(): Promise<void>;
}

/** Below the ports that Linux hands out to listeners of port 0 and to connections. */
const fixedPorts = { first: 12_000, count: 20_000 } as const;

/** Another place of the range for each process of a run, so that they seldom meet. */
let nextPort = (process.pid * 211) % fixedPorts.count;

/**
 * @returns a TCP port of 127.0.0.1 that is free now, and that no listener of port 0 gets before its
 *   taker: tests run side by side.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < fixedPorts.count; tries += 1) {
    nextPort = (nextPort + 1) % fixedPorts.count;
    const port = fixedPorts.first + nextPort;
    if (await isFree(port)) return port;
  }
  throw new Error("no port is free");
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return await new Promise((resolve) => {
    server.once("error", () => {
      resolve(false);
    });
    server.listen(port, "127.0.0.1", () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}

/** Copies an example; its `port:` lines are moved to free ones. @returns folder and first port. */
export async function copyExample(name: string): Promise<{ folder: string; port: number }> {
  const parent = join(repository, "tmp");
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(join(parent, `${name}-`));
  cpSync(join(repository, "examples", name), folder, { recursive: true });
  const apps = join(folder, "apps.yaml");
  const port = await freePort();
  const moved = readFileSync(apps, "utf8").replace(/port: \d+/, `port: ${String(port)}`);
  writeFileSync(apps, moved);
  return { folder, port };
}

/** Runs the CLI to its end. */
export function runCli(args: readonly string[], timeoutMs = 30_000) {
  const run = spawnSync(process.execPath, [cli, ...args], { encoding: "utf8", timeout: timeoutMs });
  return { code: run.status, stdout: run.stdout, stderr: run.stderr };
}

/** Starts `spillway up` on a folder and waits until its web program answers. */
export async function startFolder(folder: string, port: number): Promise<RunningFolder> {
  const up = spawn(process.execPath, [cli, "up", folder], {
    cwd: repository,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const chunks: string[] = [];
  for (const stream of [up.stdout, up.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk: string) => chunks.push(chunk));
  }
  const exited = new Promise<number | null>((resolve) => up.once("exit", resolve));
  const running: RunningFolder = {
    folder,
    port,
    up,
    output: () => chunks.join(""),
    status: () => JSON.parse(runCli(["status", folder, "--json"]).stdout) as FolderStatus,
    end: async (signal) => {
      up.kill(signal);
      return exited;
    },
    remove: async () => {
      if (up.exitCode === null && up.signalCode === null) {
        up.kill("SIGTERM");
        await exited;
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
  try {
    await eventually(() => answers(up, port), { timeoutMs: 30_000, what: "the web program" });
  } catch (error) {
    await running.remove();
    throw new Error(`spillway up did not start:\n${running.output()}`, { cause: error });
  }
  return running;
}

async function answers(up: ChildProcess, port: number): Promise<boolean> {
  if (up.exitCode !== null) throw new Error(`up ended with ${String(up.exitCode)}`);
  const response = await fetch(`http://127.0.0.1:${String(port)}/`);
  await response.arrayBuffer();
  return response.ok;
}
