/** Everything that stands in a cluster before the operator starts, besides the definitions. */
import type { Manifest, OperatorIdentity } from "./manifest.ts";
import { deputyPolicy, operatorPodPolicy } from "./policies.ts";
import { operatorAccess } from "./roles.ts";

/**
 * The manifests in the order in which they are applied.
 * @param operator its namespace exists already.
 */
export function installation(operator: OperatorIdentity): Manifest[] {
  return [...operatorAccess(operator), ...deputyPolicy(), ...operatorPodPolicy(operator)];
}
