/** One server of the control plane: started, stopped, frozen, killed and started again. */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { eventually } from "../support/eventually.ts";

/** How it is started. */
export interface ServerProcessOptions {
  /** Name for messages. */
  readonly name: string;
  /** Path of the program. */
  readonly program: string;
  readonly args: readonly string[];
  /** File that takes what it prints, appended over all of its lives. */
  readonly logFile: string;
  /** Environment besides this process's own. */
  readonly env?: Readonly<Record<string, string>>;
  /** Whether it serves; a thrown error means "not yet". */
  readonly isReady: () => Promise<boolean>;
  /** Deadline of `isReady`, ms. @default 60,000 */
  readonly startTimeoutMs?: number;
}

/** It ends with the process that started it, however that ended, where the kernel can do so. */
const withParent = ["/usr/bin/setpriv", "--pdeathsig", "KILL", "--"] as const;

/** See the head of the file. */
export class ServerProcess {
  readonly #options: ServerProcessOptions;
  #child: ChildProcess | undefined;
  #ended: Promise<string> = Promise.resolve("never started");

  constructor(options: ServerProcessOptions) {
    this.#options = options;
  }

  /** Its process id; undefined when it does not run. */
  get pid(): number | undefined {
    return this.isRunning ? this.#child?.pid : undefined;
  }

  /** Whether it was started and has not ended; a frozen one runs. */
  get isRunning(): boolean {
    const child = this.#child;
    return child?.pid !== undefined && child.exitCode === null && child.signalCode === null;
  }

  /** Resolves with its exit code or signal, as text, once its present life is over. */
  get ended(): Promise<string> {
    return this.#ended;
  }

  /** Everything it printed so far. */
  get log(): string {
    const { logFile } = this.#options;
    return existsSync(logFile) ? readFileSync(logFile, "utf8") : "";
  }

  /**
   * Starts it and waits until it serves.
   * @throws {Error} with the end of its log when it ends or is not ready in time.
   */
  async start(): Promise<void> {
    this.spawn();
    await this.ready();
  }

  /** Starts it without waiting. */
  spawn(): void {
    const { name, program, args, logFile, env } = this.#options;
    if (this.isRunning) throw new Error(`${name} runs already`);
    const output = openSync(logFile, "a");
    const prefix = existsSync(withParent[0]) ? withParent : [];
    const [command = program, ...rest] = [...prefix, program, ...args];
    const stdio = ["ignore", output, output] as const;
    const child = spawn(command, rest, { stdio: [...stdio], env: { ...process.env, ...env } });
    closeSync(output);
    this.#child = child;
    this.#ended = new Promise((resolve) => {
      child.once("error", (error) => resolve(error.message));
      child.once("exit", (code, signal) => resolve(String(code ?? signal)));
    });
  }

  /** Waits until it serves. */
  async ready(): Promise<void> {
    const { name, isReady, startTimeoutMs = 60_000 } = this.#options;
    let gone = false;
    void this.#ended.then(() => (gone = true));
    const probe = async (): Promise<boolean> => gone || (await isReady());
    try {
      await eventually(probe, { timeoutMs: startTimeoutMs, intervalMs: 50, what: `${name} ready` });
    } catch (error) {
      throw this.#failure(error instanceof Error ? error.message : String(error));
    }
    if (gone) throw this.#failure(`${name} ended: ${await this.#ended}`);
  }

  /** Freezes it (SIGSTOP): connections stay open and nobody answers. */
  freeze(): void {
    this.#child?.kill("SIGSTOP");
  }

  /** Lets it go on after `freeze`. */
  thaw(): void {
    this.#child?.kill("SIGCONT");
  }

  /** Ends it without notice (SIGKILL) and waits for the end. */
  async kill(): Promise<void> {
    if (!this.isRunning) return;
    this.#child?.kill("SIGKILL");
    await this.#ended;
  }

  /**
   * Ends it in order (SIGTERM), frozen or not; after `graceMs` without notice.
   * @returns its exit code or signal, as text.
   */
  async stop(graceMs = 5_000): Promise<string> {
    if (!this.isRunning) return await this.#ended;
    this.thaw();
    this.#child?.kill("SIGTERM");
    const timer = setTimeout(() => this.#child?.kill("SIGKILL"), graceMs);
    const outcome = await this.#ended;
    clearTimeout(timer);
    return outcome;
  }

  #failure(message: string): Error {
    return new Error(`${message}\n${this.log.split("\n").slice(-30).join("\n")}`);
  }
}
