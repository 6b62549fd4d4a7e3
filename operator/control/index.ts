/**
 * The operator's end of the control stream: who a sidecar is (tokens), what it may be (authority,
 * certificates), what it is told (versioned deltas) and what it tells (reports).
 *
 * Invariant: a sidecar can receive and report only what selects its own pod; who it is comes from
 * its reviewed token alone. Of Kubernetes this room knows ports only: `operator/controller` fills
 * them. It decides nothing about resources.
 */
export { Authority, controlServerName } from "./authority.ts";
export type {
  AuthorityComponents,
  AuthorityOptions,
  IssuedLeaf,
  LeafSubject,
  Tended,
} from "./authority.ts";
export { defaultRotationPolicy } from "./authority-state.ts";
export type { RotationPolicy, RotationStep } from "./authority-state.ts";
export { ControlPlane } from "./control-plane.ts";
export type { ControlPlaneComponents, ControlPlaneOptions } from "./control-plane.ts";
export { ControlError } from "./control-error.ts";
export type { ControlErrorCode } from "./control-error.ts";
export {
  desiredCapability,
  desiredDemand,
  keptCapability,
  keptDemand,
} from "./desired-resource.ts";
export type {
  DescriptorSetBytes,
  DesiredCapability,
  DesiredDemand,
  ResolvedResource,
  UnresolvedResource,
} from "./desired-resource.ts";
export type { AssignedPod, NamespaceTrust, PodAssignment } from "./pod-assignment.ts";
export { tokenAudience } from "./pod-identity.ts";
export type { PodIdentity } from "./pod-identity.ts";
export type { SecretStore, StoredSecret, TokenReviews, TokenReviewStatus } from "./ports.ts";
export type { SidecarState } from "./sidecar-state.ts";
