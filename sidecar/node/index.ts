/**
 * One event loop: inputs → engines → effects → IO. Entry: `startNode`.
 * Invariant: nothing is decided here that an engine of sidecar/core could decide, and the HTTP API
 * is not imported, only its port: an embedded node carries no server.
 */
export { checkWork } from "./work-options.ts";
export { NodeError, type NodeErrorCode } from "./node-error.ts";
export { nodeMetrics } from "./metrics.ts";
export { type RunningNode, startNode, type StartNodeComponents } from "./start-node.ts";
