/** A running `spillway up` for tests: its output, its end, and the processes below it. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { eventually } from "./eventually.ts";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Command of the fake sidecar. */
export const fakeSidecar: readonly string[] = [process.execPath, here("fake-sidecar.ts")];

/** How it is started. */
export interface UpProcessOptions {
  readonly folder: string;
  /** XDG_RUNTIME_DIR: the state folder lies in it. */
  readonly runtimeFolder: string;
  readonly sidecar?: readonly string[];
  readonly json?: boolean;
  /** Who ends it: a test, unless several share it. @default onTestFinished */
  readonly atEnd?: (end: () => Promise<void>) => void;
}

/** Two in one runtime folder end together: each waits until nothing is left there. */
const livingUps = new Set<UpProcess>();

/** See the head of the file. */
export class UpProcess {
  readonly child: ChildProcess;
  readonly runtimeFolder: string;
  readonly ended: Promise<number | string>;
  stdout = "";
  stderr = "";

  constructor(options: UpProcessOptions) {
    const { folder, runtimeFolder, sidecar = fakeSidecar, json, atEnd = onTestFinished } = options;
    const args = [folder, ...(json === true ? ["--json"] : []), "--", ...sidecar];
    this.runtimeFolder = runtimeFolder;
    this.child = spawn(process.execPath, [here("run-up.ts"), ...args], {
      env: { ...process.env, XDG_RUNTIME_DIR: runtimeFolder },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.child.stdout?.on("data", (chunk: Buffer) => (this.stdout += chunk.toString()));
    this.child.stderr?.on("data", (chunk: Buffer) => (this.stderr += chunk.toString()));
    this.ended = new Promise((resolve) => {
      this.child.once("close", (code, signal) => resolve(code ?? signal ?? "unknown"));
    });
    livingUps.add(this);
    atEnd(async () => {
      // Sidecars end by their pipe, programs by their sidecars.
      for (const up of livingUps) if (up.runtimeFolder === runtimeFolder) up.child.kill("SIGKILL");
      livingUps.delete(this);
      await eventually(() => processesOf(runtimeFolder).length === 0, {
        timeoutMs: 10_000,
        what: "the end of everything the test started",
      });
    });
  }

  /** Waits for the block that is printed when everything runs. */
  async ready(): Promise<void> {
    await eventually(
      () => {
        if (this.child.exitCode !== null) throw new Error(`it ended: ${this.stderr}`);
        return this.stdout.includes("Ctrl-C ends everything") || this.stdout.includes('"ready":{');
      },
      { timeoutMs: 20_000, what: "the block of up" },
    );
  }

  /** What `run.json` says now. */
  record(): RecordView {
    const [state = ""] = readdirSync(this.runtimeFolder).filter((it) => it.startsWith("spillway-"));
    const text = readFileSync(join(this.runtimeFolder, state, "run.json"), "utf8");
    return JSON.parse(text) as RecordView;
  }

  /** The program `NAME-REPLICA` of the record. */
  program(name: string): RecordView["programs"][number] {
    const found = this.record().programs.find((it) => `${it.name}-${it.replica}` === name);
    if (found === undefined) throw new Error(`no ${name} in the record`);
    return found;
  }

  /** pid of a program; fails while it waits for its next start. */
  pidOf(name: string): number {
    const { process: own } = this.program(name);
    if (own === undefined) throw new Error(`${name} does not run`);
    return own.pid;
  }

  /** pid of a program's sidecar. */
  sidecarPidOf(name: string): number {
    const { process: own } = this.program(name).sidecar;
    if (own === undefined) throw new Error(`the sidecar of ${name} does not run`);
    return own.pid;
  }
}

interface RecordedProcess {
  readonly pid: number;
}

/** The record as far as tests look at it. */
export interface RecordView {
  readonly programs: readonly {
    readonly name: string;
    readonly replica: number;
    readonly port?: number;
    readonly restarts: number;
    readonly process?: RecordedProcess;
    readonly sidecar: {
      readonly process?: RecordedProcess;
      readonly socketPath: string;
      readonly restarts: number;
    };
  }[];
}

/**
 * Living processes whose environment names a runtime folder in a path: programs, sidecars, their
 * children.
 */
export function processesOf(runtimeFolder: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && environmentOf(pid).includes(`${runtimeFolder}/`));
}

/** Environment and command line of a living process; empty for one that is gone or a zombie. */
function environmentOf(pid: number): string {
  try {
    const environment = readFileSync(`/proc/${pid}/environ`, "utf8");
    return environment + readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}

/** Runs the shipped command line to its end. */
export function spillway(
  args: readonly string[],
  runtimeFolder: string,
): { readonly code: number | null; readonly stdout: string; readonly stderr: string } {
  const main = here("../../dist/operator/cli/main.js");
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], {
    env: { ...process.env, XDG_RUNTIME_DIR: runtimeFolder },
    encoding: "utf8",
  });
  return { code: status, stdout, stderr };
}
