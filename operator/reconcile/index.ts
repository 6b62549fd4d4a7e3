/**
 * Decisions about Demand and Capability: (resource, observed, nowMs) → actions, status, events,
 * when to look again. Level-triggered: what was seen or done before matters only as far as it still
 * stands, but for the little that scaling remembers (`ScaleMemory`).
 * Invariant: PURE; knows no API server, no stream and no clock. Imported by `operator/controller`.
 */
export {
  type CapabilityOutcome,
  type ObservedCapability,
  reconcileCapability,
} from "./capability.ts";
export { reconcileDemand } from "./demand.ts";
export { parseLabelSelector } from "./label-selector.ts";
export type {
  Acknowledged,
  ContractState,
  ItemCounts,
  Observed,
  ObservedPod,
  PoolReport,
  QueueReport,
  SelectedPod,
  SidecarReport,
} from "./observed.ts";
export { type Action, eventReasons, type Outcome, type ReconcileEvent } from "./outcome.ts";
export {
  goneAfterMs,
  type QueuePod,
  routeOf,
  type RouteWork,
  scaledAlreadyBy,
  selectedPods,
  workOfRoute,
} from "./route.ts";
export { letGo } from "./scaling.ts";
export type { ObservedScaling, ScaleMemory, ScaleTarget } from "./scaling.ts";
export { sameValue, type WritableStatus } from "./status-difference.ts";
export { type DueWrite, type StatusRates, StatusSchedule, statusRates } from "./status-schedule.ts";
