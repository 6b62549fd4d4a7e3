/**
 * The sidecar's end of the control stream: token file, keys, state folder, the stream itself.
 * Entry: `ControlClient`. Invariant: what to do is decided in `sidecar/core/control`; the private
 * key leaves this process only for the state folder.
 */
export {
  ControlClient,
  type ControlClientComponents,
  type ControlClientOptions,
} from "./control-client.ts";
export { ControlError, type ControlErrorCode } from "./control-error.ts";
export { streamLimits } from "./limits.ts";
export { controlMetrics } from "./metrics.ts";
export type { ControlCredentials, ControlledNode } from "./ports.ts";
