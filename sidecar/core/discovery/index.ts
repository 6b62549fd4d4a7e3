/**
 * Who is there and how to reach them: announcements, the list of neighbours, whom to dial.
 * Entry: `Announcer` (one per multicast group), `NeighbourList` and `Dialler` (one per node).
 * Invariant: no IO, no keys; what arrives here has been checked by `sidecar/wire/announcement.ts`.
 */
export {
  Announcer,
  type AnnouncerEffect,
  type AnnouncerInput,
  type AnnouncerOptions,
} from "./announcer.ts";
export {
  Dialler,
  type DiallerEffect,
  type DiallerInput,
  type DiallerOptions,
} from "./dialler.ts";
export { DiscoveryError, type DiscoveryErrorCode } from "./discovery-error.ts";
export { discoveryLimits } from "./discovery-limits.ts";
export {
  type Neighbour,
  type NeighbourEffect,
  type NeighbourInput,
  NeighbourList,
  type VanishReason,
} from "./neighbour-list.ts";
export { type AnnouncementRefusal, announcementRefusals } from "./refusal.ts";
export {
  type DiscoverySource,
  discoverySources,
  type Endpoint,
  type Sighting,
} from "./sighting.ts";
