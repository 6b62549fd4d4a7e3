/**
 * The port between the SDK's objects and what carries their work: the HTTP API of a sidecar
 * (`sidecar-backend/`) or a node in this process (`embedded-backend/`). A Demand or Capability
 * cannot tell which it runs on.
 */
import type { AddOptions, LeaseVerb } from "../api/ports.ts";
import type { CarriedOutcome, EncodedMessage, SystemError } from "./outcome.ts";

/** What both kinds of object tell about their contract. */
export interface ContractSpec {
  /** Full names of the messages. */
  readonly request: string;
  readonly response: string;
  /** The encoded FileDescriptorSet that defines both; asked for by the embedded node only. */
  readonly descriptorSet: () => Uint8Array;
}

/** How a queue is kept. A sidecar takes this from its manifests and leaves the program's aside. */
export interface DemandSettings {
  readonly desiredProviders: number;
  readonly maxProviders: number;
  readonly lease: {
    readonly durationMs: number;
    readonly maxRuntimeMs: number;
    /** Absent: off. */
    readonly progressTimeoutMs?: number;
  };
  readonly retry: {
    readonly maxAttempts: number;
    readonly backoff: {
      readonly initialMs: number;
      readonly maxMs: number;
      readonly factor: number;
    };
  };
  readonly queue: {
    readonly maxItems: number;
    readonly maxBytes: number;
    readonly overflow: "refuse" | "wait";
  };
  readonly deadLetter: { readonly maxItems: number; readonly maxAgeMs: number };
  readonly retention: {
    readonly maxItems: number;
    readonly maxBytes: number;
    readonly maxAgeMs: number;
  };
}

/** A Demand as its backend sees it. */
export interface DemandSpec {
  readonly name: string;
  readonly contract: ContractSpec;
  readonly settings: DemandSettings;
}

/** What a backend tells a Demand. */
export interface DemandListener {
  /** An item came to its end. May come twice, and before `add` has answered. */
  onOutcome(ticket: string, outcome: CarriedOutcome): void;
  /** Tickets whose outcome has not come. */
  openTickets(): readonly string[];
}

/** Answer to an add. */
export type AddAnswer =
  | { readonly ok: true; readonly ticket: string }
  | { readonly ok: false; readonly refusal: SystemError };

/** A Demand's queue. */
export interface DemandLink {
  /** Makes the queue known. Resolves when items can be added; extra calls are harmless. */
  announce(): Promise<void>;
  /** Adds one item; waits for the announcement. Never rejects. */
  add(request: Uint8Array, options: AddOptions, signal: AbortSignal): Promise<AddAnswer>;
  /** Asks for the end of an item; its outcome says whether that came in time. Never rejects. */
  cancel(ticket: string): Promise<void>;
  /** Stops watching. */
  close(): Promise<void>;
}

/** A Capability as its backend sees it. */
export interface CapabilitySpec {
  readonly name: string;
  readonly contract: ContractSpec;
  readonly concurrency: number;
  readonly maxDemands: number;
}

/** An item for a worker slot. */
export interface Delivery {
  readonly ticket: string;
  /** Names the delivery to `settle`. */
  readonly lease: string;
  /** From 1. */
  readonly attempt: number;
  readonly request: EncodedMessage;
  /** What remains until the item's deadline, ms. */
  readonly deadlineMs?: number;
  readonly traceparent?: string;
}

/** What became of a verb. */
export type SettleAnswer =
  | { readonly ok: true; readonly cancelled: boolean }
  /** The lease is not held any more, or nobody could be told: nothing is left to do. */
  | { readonly ok: false; readonly code: string; readonly message: string };

/** A Capability's source of work. */
export interface CapabilityLink {
  /**
   * Takes one item for one free slot. Never rejects.
   * @returns undefined after a while without any, or when `signal` aborts.
   */
  pull(signal: AbortSignal): Promise<Delivery | undefined>;
  /**
   * Tells what became of a delivery, again and again until it is heard. Never rejects. Also a lease
   * that has ended needs a last verb once its work has: until then it fills a slot of the node.
   */
  settle(lease: string, verb: LeaseVerb): Promise<SettleAnswer>;
  /** Stops; what is still leased is lost to this program. */
  close(): Promise<void>;
}

/** What a backend tells a Capability. */
export interface CapabilityListener {
  /** The item was cancelled, or its lease is lost: the work is of no use any more. */
  onLeaseEnded(lease: string, reason: string): void;
}

/** Carries the work of every object of this program. */
export interface WorkBackend {
  openDemand(spec: DemandSpec, listener: DemandListener): DemandLink;
  openCapability(spec: CapabilitySpec, listener: CapabilityListener): CapabilityLink;
  /** After the last link is closed. */
  close(): Promise<void>;
}
