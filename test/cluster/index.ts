/** The harness of the cluster tests: a real control plane, users, pods, the audit log. */
export { ApiClient, type ApiObject, ApiRefusal } from "./api-client.ts";
export { type AuditEvent, AuditLog, writeVerbs } from "./audit-log.ts";
export { type Cluster, type ClusterOptions, startCluster } from "./cluster.ts";
export { createOperatorPod, installOperator, operatorIdentity, operatorUser } from "./installed.ts";
export { apiAudience, createPod, deletePod, type Pod, podToken, runPod } from "./pods.ts";
export { ServerProcess } from "./server-process.ts";
export type { User } from "./user.ts";
