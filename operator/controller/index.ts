/**
 * The loops of the operator: watch → queue → reconcile → apply → status, for Demands, Capabilities
 * and the pods that they select; and what the control stream needs of Kubernetes.
 * Invariant: decides nothing about a resource (`operator/reconcile` does) and opens no listener.
 * Imported by `operator/main`.
 */
export { authoritySecret, tokenReviews } from "./kubernetes-ports.ts";
export { OperatorLoops, type OperatorLoopsComponents } from "./operator-loops.ts";
export type { Sidecars, SidecarState } from "./ports.ts";
export { type SidecarPlane, SidecarsOfPlane } from "./sidecars-of-plane.ts";
export { TrustBundle } from "./trust-bundle.ts";
