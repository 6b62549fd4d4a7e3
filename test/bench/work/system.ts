import type { ChildProcess } from "node:child_process";

/** Starts a program on the cores that the run is placed on. */
export type Spawn = (command: string, args: readonly string[]) => ChildProcess;

/** What both processes of a system are told, as JSON. */
export interface Setup {
  /** Where the server between them listens, if there is one. */
  readonly port?: number;
  readonly detail?: string;
}

/** What the parent prepares before the two processes start. */
export interface Prepared {
  readonly setup: Setup;
  /** Ends the server and removes its files. */
  close(): void;
}

/** The side that adds items and gets results. */
export interface Producer {
  /** Given to the provider's process. */
  readonly address: Setup;
  /** Adds one item; it counts once its result is at `onResult`. */
  add(request: Uint8Array): void;
  /** Sets the one receiver of results. @param listener gets the size of each. */
  onResult(listener: (sizeBytes: number) => void): void;
  /** Resolves when a provider is there. */
  ready(): Promise<void>;
}

/** One way of having work done by another process. */
export interface WorkSystem {
  /** @returns why the system cannot run on this machine; undefined when it can. */
  missing(): string | undefined;
  /** Runs in the parent. */
  prepare(spawn: Spawn): Promise<Prepared>;
  /** Runs in the producer's process. */
  produce(setup: Setup): Promise<Producer>;
  /**
   * Runs in the provider's process: answers each item with `result` as long as the process lives.
   */
  provide(setup: Setup, address: Setup, result: Uint8Array): Promise<void>;
}

/** Bytes of a request and of a result. */
export const payloadBytes = 128;

/** Items that a provider works on at once, in every system. */
export const concurrency = 256;
