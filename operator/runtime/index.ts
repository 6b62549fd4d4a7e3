/**
 * controller-runtime's parts for TypeScript: a client for any resource, caches, work queues, leader
 * election, events, conditions, metrics, health. Stands alone; README.md shows a whole operator.
 * Invariant: knows nothing of the program that uses it; every wait, queue and retry is bounded;
 * nothing that the API server or a handler does ends the process.
 */
export { ApiClient } from "./api-client.ts";
export type {
  ApplyOptions,
  DeleteOptions,
  ListPage,
  ListQuery,
  ObjectPlace,
  PatchType,
  Selection,
  WatchQuery,
  WriteOptions,
} from "./api-client.ts";
export type { ApiClientComponents, RawRequest, RequestOptions } from "./api-requests.ts";
export type { HttpMethod } from "./api-connection.ts";
export { ApiError } from "./api-error.ts";
export type { ApiErrorCode, ApiErrorFacts } from "./api-error.ts";
export { Controller } from "./controller.ts";
export type {
  ControllerComponents,
  ControllerOptions,
  Reconcile,
  ReconcileAnswer,
  ReconcileContext,
} from "./controller.ts";
export { JitteredBackoff } from "./core/backoff.ts";
export type { BackoffOptions } from "./core/backoff.ts";
export { findCondition, setConditions, timeOf } from "./core/conditions.ts";
export type { Condition, ConditionStatus, StatedCondition } from "./core/conditions.ts";
export type { ElectionOptions } from "./core/lease-elector.ts";
export type { ListWatchOptions } from "./core/list-watch.ts";
export type { Indexes, StoreChange } from "./core/object-store.ts";
export { TokenBucket } from "./core/token-bucket.ts";
export type { TokenBucketOptions } from "./core/token-bucket.ts";
export { WorkQueue } from "./core/work-queue.ts";
export type { QueueEffect, QueueInput, RunOutcome, WorkQueueOptions } from "./core/work-queue.ts";
export { inClusterCredentials } from "./credentials.ts";
export type {
  Credentials,
  InClusterOptions,
  ResolvedCredentials,
  TlsOptions,
} from "./credentials.ts";
export { EventRecorder, events } from "./event-recorder.ts";
export type {
  Event,
  EventRecorderComponents,
  EventRecorderOptions,
  ObjectReference,
  RecordedEvent,
} from "./event-recorder.ts";
export { HealthServer } from "./health-server.ts";
export type { HealthCheck, HealthServerOptions, MetricsSource } from "./health-server.ts";
export { kubeconfigCredentials } from "./kubeconfig.ts";
export type { KubeconfigOptions } from "./kubeconfig.ts";
export { LeaderElection, leases } from "./leader-election.ts";
export type {
  LeaderElectionComponents,
  LeaderElectionOptions,
  Lease,
  LossReason,
} from "./leader-election.ts";
export { RuntimeMetrics } from "./metrics.ts";
export { realSurroundings, silentLog } from "./real-surroundings.ts";
export type { Clock, Log, LogLine, Random, Surroundings, Timers, WallClock } from "./ports.ts";
export { dropBookkeeping, ResourceCache } from "./resource-cache.ts";
export type {
  ChangeHandler,
  ResourceCacheComponents,
  ResourceCacheOptions,
} from "./resource-cache.ts";
export { apiVersionOf, isApiObject, keyOf, resourceType, splitKey } from "./resource-type.ts";
export type {
  ApiObject,
  ObjectMeta,
  OwnerReference,
  ResourcePlace,
  ResourceType,
  ResourceTypeOptions,
} from "./resource-type.ts";
export { keepHeapSmall } from "./small-heap.ts";
export type { WatchEvent } from "./watch-event.ts";
