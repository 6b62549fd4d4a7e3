/**
 * The words of conditions, as people and programs read them (`kubectl wait --for=condition=Ready`):
 * closed lists, since a reason that is once in an alert is part of the API. A new word gets its row
 * here and nowhere else; docs/resources.md is made from it.
 * Source: Kubernetes API conventions, "Typical status properties".
 */

/** Every condition type, with what `True` means. */
export const conditionTypes = {
  Accepted: "The spec is valid and its contract is resolved.",
  Ready:
    "At least one selected sidecar acknowledged this generation; for a Demand, at least one provider is connected.",
  Progressing: "Something is on its way: a configuration to sidecars, or replicas of a target.",
  Degraded: "It works less well than asked for; the reason says what is missing.",
  MulticastReachable: "Sidecars hear their neighbours by multicast. Of a Capability only.",
} as const;

/** Every reason a condition may carry: when it is given and, if anything is to be done, what. */
export const conditionReasons = {
  Valid: "The spec is valid and its contract is resolved.",
  Serving: "Selected sidecars work by this generation.",
  Settled: "Nothing is on its way.",
  AsExpected: "Nothing is missing.",
  SpecInvalid:
    "The stored spec breaks a rule that was added after it was stored. Correct the fields that the message names.",
  NotCarriedOut:
    "The spec uses a field that this version takes and does not carry out. Take it out, or upgrade.",
  ContractUnresolved:
    "The contract's messages were not found where the spec says they are. Write the ConfigMap with `spillway contract`, and compare the names.",
  NoPods: "The selector matches no pod. Compare it with the labels of the pods, or start pods.",
  SidecarMissing:
    'Pods are selected that have no sidecar. Label them or their namespace `spillway.dev/inject: "true"` and create them again.',
  ConfigNotApplied:
    "Selected sidecars have not acknowledged this generation. Look at their logs when it stays.",
  ReportsStale:
    "Selected sidecars have stopped reporting. Look at the pods and their way to the operator.",
  NoProviders:
    "No provider is connected. Start pods that a Capability with the same request and response selects.",
  BelowDesired:
    "Fewer providers are connected than desiredProviders. Start more, or lower desiredProviders.",
  Paused: "spec.paused, or the annotation spillway.dev/reconcile: paused, is set.",
  Scaling: "Replicas of the target are on their way up or down.",
  ReportsMissing: "Replicas may only rise: some selected pods have not reported yet.",
  ScaleTargetNotFound:
    "The target of scale does not exist. Correct its kind and name, or create it in this namespace.",
  ScaleTargetForbidden:
    "The operator may not read or scale the target. Grant it get and patch on its subresource scale.",
  MulticastHeard: "Every sidecar that probed heard a neighbour.",
  MulticastSilent: "Sidecars that probed heard no neighbour; peers come from the operator.",
  MulticastUnknown: "No sidecar has probed.",
  RouteAlreadyScaled:
    "Another Capability of this namespace already scales by the same route, or scales the same target. Take scale out of one of the two.",
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
