/**
 * The room of work: a queue per Demand, a pool per Capability, both sans-IO. The node feeds inputs
 * with its monotonic time, carries out the effects in order, and calls `advance` at
 * `nextDeadlineMs`.
 */
export type { ApplicationObstacle } from "./application-obstacle.ts";
export type {
  CapabilityEffect,
  CapabilityInput,
  CapabilityReply,
  Candidate,
  LeaseEndReason,
  PulledWork,
  WorkVerb,
} from "./capability-events.ts";
export {
  type CapabilityOptions,
  type PartialCapabilityOptions,
  resolveCapabilityOptions,
} from "./capability-options.ts";
export { CapabilityPool } from "./capability-pool.ts";
export type {
  AddItemOptions,
  DemandEffect,
  DemandInput,
  DemandReply,
  WorkContract,
  WorkPeer,
} from "./demand-events.ts";
export {
  type DemandOptions,
  type PartialDemandOptions,
  resolveDemandOptions,
  type RetentionOptions,
} from "./demand-options.ts";
export { DemandQueue } from "./demand-queue.ts";
export type { Explanation, Reason } from "./explanation.ts";
export type {
  ApplicationErrorFacts,
  ItemSnapshot,
  ItemState,
  Outcome,
  SystemCode,
} from "./item.ts";
export type {
  CapabilityComponents,
  DemandComponents,
  ResultCheck,
  SequenceCounter,
} from "./ports.ts";
export { WorkError, type WorkRefusal, type WorkRefusalCode, type WorkResult } from "./refusal.ts";
export type {
  CapabilityLinkSnapshot,
  CapabilityLinkState,
  CapabilitySnapshot,
  DemandSnapshot,
  DemandTotals,
  ItemCounts,
  ItemPage,
  OutcomeEntry,
  ProviderSnapshot,
} from "./snapshot.ts";
export { droppedOutcome, leaseRefusal, resolveTicket } from "./ticket.ts";
