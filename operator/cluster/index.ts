/**
 * A namespace of a cluster as `spillway` sees it: its sidecars through port forwards, its
 * resources, the health of the installation; all with the permissions of the person who asks.
 * Invariant: writes nothing to the cluster; no permission but those of the kubeconfig.
 * Imported by operator/cli.
 */
export { type CheckLine, checkText } from "./check-line.ts";
export { ClusterError, type ClusterErrorCode } from "./cluster-error.ts";
export { ClusterNamespace, type NamespaceOptions } from "./cluster-namespace.ts";
export { clusterSections, type ClusterStatus } from "./cluster-status.ts";
export { type CheckOptions, runChecks } from "./run-checks.ts";
