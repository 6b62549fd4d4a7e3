/**
 * One program and its sidecar. The sidecar starts first and ends last; each is restarted alone, the
 * sidecar on the same socket. `up` tells the sidecar over a pipe which program it stands beside
 * (protocol: sidecar/runtime/parent-pipe.ts), and the pipe's end tells it that `up` is gone.
 */
import { rmSync } from "node:fs";
import type { Writable } from "node:stream";
import type { ReplicaPaths } from "./node-config.ts";
import type { Output } from "./output.ts";
import { awaitReadyFile, clearReadyFile, type ReadyAddresses } from "./ready-file.ts";
import type { RecordedProgram } from "./run-record.ts";
import { tellingLine } from "./telling-line.ts";
import { type ProcessPlan, SupervisedProcess } from "./supervised-process.ts";

/** What a replica is. */
export interface ReplicaPlan {
  readonly program: string;
  readonly replica: number;
  /** `PROGRAM-REPLICA`. */
  readonly name: string;
  readonly nodeId: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly port: number | undefined;
  readonly paths: ReplicaPaths;
  readonly programProcess: ProcessPlan;
  readonly sidecarProcess: ProcessPlan;
}

/** What a replica needs of the world. */
export interface ReplicaComponents {
  readonly output: Output;
  /** Something of `recorded()` changed. */
  readonly onChanged: () => void;
}

/** Lines of a sidecar that are kept for the case that it ends before it is ready. */
const keptLines = 5;

/** See the head of the file. */
export class Replica {
  readonly plan: ReplicaPlan;
  readonly #components: ReplicaComponents;
  readonly #sidecar: SupervisedProcess;
  readonly #program: SupervisedProcess;
  readonly #lastLines: string[] = [];
  #lastErrorLine: string | undefined;
  #pipe: Writable | null = null;
  #ready: ReadyAddresses | undefined;
  #waiting = new AbortController();
  #onReady: () => void = () => {};
  #failStart: ((how: string) => void) | undefined;

  constructor(plan: ReplicaPlan, components: ReplicaComponents) {
    this.plan = plan;
    this.#components = components;
    this.#sidecar = this.#superviseSidecar();
    this.#program = this.#superviseProgram();
  }

  /**
   * Starts the sidecar and waits until it listens.
   * @returns undefined when it does; else how it ended, or that it took too long.
   */
  async startSidecar(withinMs: number): Promise<string | undefined> {
    const failed = new Promise<string>((resolve) => {
      this.#failStart = resolve;
    });
    const timer = setTimeout(() => this.#failStart?.(`took more than ${withinMs} ms`), withinMs);
    const ready = new Promise<undefined>((resolve) => {
      this.#onReady = () => resolve(undefined);
    });
    this.#sidecar.start();
    const failure = await Promise.race([failed, ready]);
    clearTimeout(timer);
    this.#failStart = undefined;
    return failure;
  }

  /** Its name in front of its lines. */
  get sidecarName(): string {
    return `${this.plan.name}.sidecar`;
  }

  /** The last lines that the sidecar wrote. */
  get lastSidecarLines(): readonly string[] {
    return this.#lastLines;
  }

  /** Where the sidecar listens; undefined while it does not. */
  get addresses(): ReadyAddresses | undefined {
    return this.#ready;
  }

  /** Starts the program. */
  startProgram(): void {
    this.#program.start();
  }

  /** Ends the program for good, its whole group. */
  async stopProgram(graceMs: number): Promise<void> {
    await this.#program.stop(graceMs);
  }

  /** Ends the sidecar for good. */
  async stopSidecar(graceMs: number): Promise<void> {
    this.#waiting.abort();
    await this.#sidecar.stop(graceMs);
  }

  /** Ends both for good and at once, without waiting. */
  kill(): void {
    this.#waiting.abort();
    this.#program.kill();
    this.#sidecar.kill();
  }

  /** What `run.json` says of it. */
  recorded(): RecordedProgram {
    const { plan } = this;
    const sidecar = this.#sidecar;
    const program = this.#program;
    const ready = this.#ready;
    return {
      name: plan.program,
      replica: plan.replica,
      nodeId: plan.nodeId,
      ...(program.process === undefined ? {} : { process: program.process }),
      ...(plan.port === undefined ? {} : { port: plan.port }),
      restarts: program.restarts,
      ...(program.lastEnd === undefined ? {} : { lastEnd: program.lastEnd }),
      ...(this.#lastErrorLine === undefined ? {} : { lastErrorLine: this.#lastErrorLine }),
      sidecar: {
        ...(sidecar.process === undefined ? {} : { process: sidecar.process }),
        socketPath: plan.paths.appSocket,
        ...(ready?.admin === undefined ? {} : { admin: ready.admin }),
        ...(ready?.ops === undefined ? {} : { ops: ready.ops }),
        restarts: sidecar.restarts,
      },
    };
  }

  #superviseSidecar(): SupervisedProcess {
    const { output, onChanged } = this.#components;
    const { plan } = this;
    const name = this.sidecarName;
    return new SupervisedProcess(plan.sidecarProcess, {
      onStarting: () => {
        clearReadyFile(plan.paths.readyFile);
        // A socket that a killed sidecar left would refuse its successor.
        rmSync(plan.paths.appSocket, { force: true });
      },
      onStarted: (_process, pipe) => {
        this.#pipe = pipe;
        this.#tellProgram();
        this.#awaitReady();
        onChanged();
      },
      onLine: (stream, line) => {
        this.#lastLines.push(line);
        if (this.#lastLines.length > keptLines) this.#lastLines.shift();
        output.line({ name, stream }, line);
      },
      onEnded: (how, restartInMs) => {
        this.#pipe = null;
        this.#ready = undefined;
        this.#waiting.abort();
        this.#failStart?.(`ended with ${how}`);
        this.#tellEnd(name, how, restartInMs);
        onChanged();
      },
    });
  }

  #superviseProgram(): SupervisedProcess {
    const { output, onChanged } = this.#components;
    const { name } = this.plan;
    return new SupervisedProcess(this.plan.programProcess, {
      onStarting: () => {
        this.#lastErrorLine = undefined;
      },
      onStarted: () => {
        this.#tellProgram();
        onChanged();
      },
      onLine: (stream, line) => {
        output.line({ name, stream }, line);
        if (stream === "stderr") this.#keepErrorLine(line);
      },
      onEnded: (how, restartInMs) => {
        this.#tellProgram();
        this.#tellEnd(name, how, restartInMs);
        onChanged();
      },
    });
  }

  #keepErrorLine(line: string): void {
    const telling = tellingLine(line);
    if (telling === undefined) return;
    this.#lastErrorLine = telling;
    // What is still in the pipe comes after the exit.
    if (this.#program.process === undefined) this.#components.onChanged();
  }

  #tellEnd(name: string, how: string, restartInMs: number | undefined): void {
    if (restartInMs === undefined) return;
    const message = `${name} ended (${how}), starts again in ${restartInMs} ms`;
    this.#components.output.event("warn", message);
  }

  /** One line of the pipe's protocol: the program that runs now, or null. */
  #tellProgram(): void {
    const program = this.#program.process ?? null;
    this.#pipe?.write(`${JSON.stringify({ program })}\n`);
  }

  #awaitReady(): void {
    this.#waiting.abort();
    const waiting = new AbortController();
    this.#waiting = waiting;
    void awaitReadyFile(this.plan.paths.readyFile, waiting.signal).then((ready) => {
      if (ready === undefined || waiting.signal.aborted) return;
      this.#ready = ready;
      this.#onReady();
      this.#components.onChanged();
    });
  }
}
