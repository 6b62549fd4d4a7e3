/**
 * UDP multicast sockets over every interface. Entry: `MulticastSockets`; the loop that feeds it
 * from the announcer is `sidecar/node/multicast-discovery.ts`.
 * Invariant: bytes in, bytes out; nothing here knows what an announcement is.
 */
export { multicastMetrics } from "./metrics.ts";
export { MulticastError, type MulticastErrorCode } from "./multicast-error.ts";
export {
  dialableAddresses,
  type MulticastPath,
  type NetworkInterfaces,
  selectPaths,
} from "./multicast-path.ts";
export {
  defaultSkippedInterfaces,
  type MulticastGroup,
  type MulticastSettings,
  type ResolvedMulticastSettings,
  resolveMulticastSettings,
} from "./multicast-settings.ts";
export {
  type MulticastEvents,
  type MulticastFailure,
  MulticastSockets,
} from "./multicast-sockets.ts";
