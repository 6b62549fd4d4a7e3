/**
 * What an installation puts into a cluster besides the definitions in `crds/`, as values: labels,
 * names, roles, policies. The chart and the cluster tests render them; nothing is written by hand
 * twice.
 * Invariant: PURE; knows no API server. Imported by `operator/controller`, `operator/cli` and main.
 */
export {
  annotations,
  fieldManagers,
  labels,
  podDeletionCost,
  reconcilePaused,
  removedFirst,
} from "./labels.ts";
export { installation } from "./installation.ts";
export type { Manifest, OperatorIdentity } from "./manifest.ts";
export { deputyPolicy, operatorPodPolicy } from "./policies.ts";
export {
  clusterRules,
  operatorAccess,
  ownObjects,
  ownRules,
  type PolicyRule,
  watchedRules,
} from "./roles.ts";
