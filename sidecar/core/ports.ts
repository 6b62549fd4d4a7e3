/**
 * The few types that every core room shares. Nothing here has behaviour beyond one line.
 */

/** A node's stable name in its cluster: `[-A-Za-z0-9.]{1,63}`. */
export type NodeId = string;

/**
 * A start of a node: a persisted counter or the start time in ms; the greater of two is the living
 * one.
 */
export type Incarnation = number;

/** Source of chance, injected so that a simulated run replays from its seed. */
export interface Random {
  /** @returns a number in [0, 1). */
  next(): number;
}

/** Monotonic time, bound to the real clock only in a main file. */
export interface Clock {
  /** @returns ms since an arbitrary start; never goes back. */
  nowMs(): number;
}

/**
 * The end of an exhaustive switch: does not compile when a case is missing.
 * @throws {Error} always; reaching it is a bug.
 */
export function assertNever(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`);
}
