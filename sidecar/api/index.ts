/**
 * What the application calls: HTTP on a unix socket, push delivery to it, and the two small
 * listeners for probes and operations. Invariant: no decision about items is made here; the node
 * decides.
 */
export { AdminServer } from "./admin-server.ts";
export type { AdminComponents } from "./admin-server.ts";
export type { ApiComponents, ApiMetrics } from "./api-context.ts";
export { ApiError } from "./api-error.ts";
export type { ApiErrorCode } from "./api-error.ts";
export { AppServer } from "./app-server.ts";
export { apiLimits } from "./limits.ts";
export { apiMetrics } from "./metrics.ts";
export { OpsServer } from "./ops-server.ts";
export type { OpsComponents } from "./ops-server.ts";
export { problemStatus } from "./problem-code.ts";
export { PushDelivery } from "./push-delivery.ts";
export type { PushComponents, PushTarget } from "./push-delivery.ts";
