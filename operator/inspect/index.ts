/**
 * What a person asks of sidecars, whatever way leads to them: the state of work, one item added,
 * why an item is not moving. The same of a folder and of a cluster.
 * Invariant: opens nothing; a sidecar is a name and a function that asks its operations listener.
 * Imported by operator/local, operator/cluster and operator/cli.
 */
export { type ExplainAnswer, explainItem } from "./explain-item.ts";
export { InspectError, type InspectErrorCode } from "./inspect-error.ts";
export { type Answer, bodyOf, type Call, maxAnswerBytes, type Place, withNames } from "./place.ts";
export {
  maxWaitSeconds,
  refuseBadJson,
  type SendAnswer,
  sendItem,
  type SendRequest,
} from "./send-item.ts";
export { askSidecar, type SidecarReport } from "./sidecar-report.ts";
export { askVersion, type SidecarVersion } from "./sidecar-version.ts";
export { type StatusSections, statusText } from "./status-text.ts";
export {
  type CapabilityStatus,
  type DemandCounts,
  type DemandStatus,
  type ObservedSidecar,
  sentence,
  workStatus,
  type WorkStatus,
} from "./work-status.ts";
