/** What the engines need from outside beside their inputs. */
import type { Incarnation, NodeId, Random } from "../ports.ts";

/** Item numbers of one node, shared by all its demands so that tickets are unique. */
export interface SequenceCounter {
  /** @returns the next number, from 1, growing by one. */
  next(): number;
  /** The last number given; 0 before the first. */
  readonly last: number;
}

/** Judges results before they are recorded. */
export interface ResultCheck {
  /** @returns undefined when it is a valid response message, else one sentence naming the error. */
  check(result: Uint8Array): string | undefined;
}

/** What a DemandQueue needs. */
export interface DemandComponents {
  readonly self: { readonly nodeId: NodeId; readonly incarnation: Incarnation };
  readonly sequences: SequenceCounter;
  readonly random: Random;
  /** Absent: every result is taken. */
  readonly results?: ResultCheck;
}

/** What a CapabilityPool needs. */
export interface CapabilityComponents {
  readonly self: { readonly nodeId: NodeId; readonly incarnation: Incarnation };
  readonly random: Random;
}
