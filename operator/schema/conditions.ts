/**
 * Conditions of the resources, as people and scripts read them: closed lists, since a reason that
 * is once in an alert is part of the API.
 * Source: Kubernetes API conventions, "Typical status properties".
 */

/** Every condition type; all are present from the first reconcile on. */
export const conditionTypes = {
  Accepted: "The spec is valid and its contract is resolved.",
  Ready:
    "At least one selected sidecar acknowledged this generation; for a Demand, at least one provider is connected.",
  Progressing: "Something is on its way: a configuration to sidecars, or replicas of a target.",
  Degraded: "It works less well than asked for; the reason says what is missing.",
  MulticastReachable: "Sidecars hear their neighbours by multicast.",
} as const;

/** Every reason a condition may carry. */
export const conditionReasons = {
  Valid: "The spec is valid and its contract is resolved.",
  Serving: "Selected sidecars work by this generation.",
  Settled: "Nothing is on its way.",
  AsExpected: "Nothing is missing.",
  SpecInvalid: "The stored spec breaks a rule that was added after it was stored.",
  ContractUnresolved: "The contract's messages were not found where the spec says they are.",
  NoPods: "The selector matches no pod.",
  SidecarMissing: "Pods are selected that have no sidecar.",
  ConfigNotApplied: "Selected sidecars have not acknowledged this generation.",
  ReportsStale: "Selected sidecars have stopped reporting.",
  NoProviders: "No provider is connected.",
  BelowDesired: "Fewer providers are connected than desiredProviders.",
  Paused: "spec.paused, or the annotation spillway.dev/reconcile: paused, is set.",
  Scaling: "Replicas of the target are on their way up or down.",
  ReportsMissing: "Replicas may only rise: some selected pods have not reported yet.",
  ScaleTargetNotFound: "The target of scale does not exist.",
  MulticastHeard: "Every sidecar that probed heard a neighbour.",
  MulticastSilent: "Sidecars that probed heard no neighbour.",
  MulticastUnknown: "No sidecar has probed.",
  RouteAlreadyScaled:
    "Another Capability of this namespace already scales by the same route, or scales the same target.",
} as const;

/** Type of a condition. */
export type ConditionType = keyof typeof conditionTypes;

/** Reason of a condition. */
export type ConditionReason = keyof typeof conditionReasons;

/** Whether a text is one of `conditionTypes`. */
export function isConditionType(text: string): text is ConditionType {
  return Object.hasOwn(conditionTypes, text);
}

/** Whether a text is one of `conditionReasons`. */
export function isConditionReason(text: string): text is ConditionReason {
  return Object.hasOwn(conditionReasons, text);
}
