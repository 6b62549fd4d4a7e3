/**
 * Admission policies of the API server itself: no webhook, so nothing that can be down. Those that
 * need no pods of ours. An empty selector is refused by the definitions of the resources.
 * Source: Kubernetes, "Validating Admission Policy".
 */
import { apiGroup } from "../schema/index.ts";
import { podDeletionCost, removedFirst } from "./labels.ts";
import type { Manifest, OperatorIdentity } from "./manifest.ts";

/** A rule in CEL with the refusal that it gives. */
interface Validation {
  readonly expression: string;
  readonly message?: string;
  /** CEL that makes the refusal. */
  readonly messageExpression?: string;
  readonly reason: "Forbidden" | "Invalid";
}

interface Policy {
  readonly name: string;
  readonly resourceRules: readonly object[];
  readonly matchConditions: readonly { readonly name: string; readonly expression: string }[];
  readonly variables?: readonly { readonly name: string; readonly expression: string }[];
  readonly validations: readonly Validation[];
}

/** A policy and the binding that puts it in force for the whole cluster. */
function inForce({ name, resourceRules, ...rules }: Policy): Manifest[] {
  return [
    {
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: "ValidatingAdmissionPolicy",
      metadata: { name },
      spec: { failurePolicy: "Fail", matchConstraints: { resourceRules }, ...rules },
    },
    {
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: "ValidatingAdmissionPolicyBinding",
      metadata: { name },
      spec: { policyName: name, validationActions: ["Deny"] },
    },
  ];
}

const target = "object.spec.scale.targetRef";
const targetResource = `${target}.kind == 'StatefulSet' ? 'statefulsets' : 'deployments'`;

/**
 * Who gives a Capability `scale` must be allowed to update the target's scale: otherwise the
 * operator would scale for people who may not, with its own rights (a confused deputy).
 */
export function deputyPolicy(): Manifest[] {
  return inForce({
    name: `capability-scale.${apiGroup}`,
    resourceRules: [
      {
        apiGroups: [apiGroup],
        apiVersions: ["*"],
        operations: ["CREATE", "UPDATE"],
        resources: ["capabilities"],
      },
    ],
    matchConditions: [
      { name: "scales", expression: "has(object.spec.scale)" },
      {
        name: "spec-is-new",
        expression: "request.operation == 'CREATE' || object.spec != oldObject.spec",
      },
    ],
    variables: [{ name: "resource", expression: targetResource }],
    validations: [
      {
        expression: `authorizer.group('apps').resource(variables.resource).subresource('scale').namespace(object.metadata.namespace).name(${target}.name).check('update').allowed()`,
        messageExpression: `'spec.scale.targetRef: ' + request.userInfo.username + ' may not update ' + variables.resource + '/scale of ' + ${target}.name + ' in namespace ' + object.metadata.namespace + ', and so may not have it scaled; ask for that right or take out spec.scale'`,
        reason: "Forbidden",
      },
    ],
  });
}

const ownKey = `'${podDeletionCost}'`;

/**
 * The operator may change one annotation of a pod and nothing else, whatever its role says: RBAC
 * cannot name fields.
 */
export function operatorPodPolicy({ namespace, serviceAccount }: OperatorIdentity): Manifest[] {
  const user = `system:serviceaccount:${namespace}:${serviceAccount}`;
  return inForce({
    name: `operator-pods.${apiGroup}`,
    resourceRules: [
      {
        apiGroups: [""],
        apiVersions: ["v1"],
        operations: ["UPDATE"],
        resources: ["pods", "pods/*"],
      },
    ],
    matchConditions: [
      { name: "is-the-operator", expression: `request.userInfo.username == '${user}'` },
    ],
    variables: [
      mapVariable("before", "oldObject", "annotations"),
      mapVariable("after", "object", "annotations"),
      mapVariable("labelsBefore", "oldObject", "labels"),
      mapVariable("labelsAfter", "object", "labels"),
    ],
    validations: [
      {
        expression: "object.spec == oldObject.spec",
        message: "the operator may not change the spec of a pod",
        reason: "Forbidden",
      },
      {
        expression:
          "(has(object.status) == has(oldObject.status)) && (!has(object.status) || object.status == oldObject.status)",
        message: "the operator may not change the status of a pod",
        reason: "Forbidden",
      },
      {
        expression: [
          "variables.labelsAfter == variables.labelsBefore",
          sameOptional("ownerReferences"),
          sameOptional("finalizers"),
        ].join(" && "),
        message: "the operator may not change labels, owners or finalizers of a pod",
        reason: "Forbidden",
      },
      {
        expression: [
          `variables.after.all(k, k == ${ownKey} || (k in variables.before && variables.before[k] == variables.after[k]))`,
          `variables.before.all(k, k == ${ownKey} || k in variables.after)`,
        ].join(" && "),
        message: `of a pod's annotations the operator may change only ${podDeletionCost}`,
        reason: "Forbidden",
      },
      {
        expression: `!(${ownKey} in variables.after) || variables.after[${ownKey}] == '${removedFirst}' || (${ownKey} in variables.before && variables.before[${ownKey}] == variables.after[${ownKey}])`,
        message: `the operator may set ${podDeletionCost} to ${removedFirst} only, or take it out`,
        reason: "Forbidden",
      },
    ],
  });
}

function mapVariable(name: string, object: string, field: string) {
  const place = `${object}.metadata.${field}`;
  return { name, expression: `has(${place}) ? ${place} : {}` };
}

function sameOptional(field: string): string {
  const [after, before] = [`object.metadata.${field}`, `oldObject.metadata.${field}`];
  return `has(${after}) == has(${before}) && (!has(${after}) || ${after} == ${before})`;
}
