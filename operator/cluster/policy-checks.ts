/** What `spillway check` says of admission policies: there, in force, and this version's. Pure. */
import { deputyPolicy, type Manifest, operatorPodPolicy } from "../manifests/index.ts";
import type { ApiObject } from "../runtime/index.ts";
import { hashOf } from "./canonical-hash.ts";
import { bad, type CheckLine, good } from "./check-line.ts";
import { minorOf } from "./minor-version.ts";

type Fields = Readonly<Record<string, unknown>>;

/** A ValidatingAdmissionPolicy, as far as it is compared. */
export interface InstalledPolicy extends ApiObject {
  readonly spec?: Fields;
  readonly status?: {
    readonly typeChecking?: {
      readonly expressionWarnings?: readonly {
        readonly fieldRef: string;
        readonly warning: string;
      }[];
    };
  };
}

/** A ValidatingAdmissionPolicyBinding. */
export interface InstalledBinding extends ApiObject {
  readonly spec?: Fields;
}

/** What was found under a policy's name. */
export interface FoundPolicy {
  /** Undefined: it is not there. */
  readonly policy: InstalledPolicy | undefined;
  /** Undefined: it is not there. */
  readonly binding: InstalledBinding | undefined;
}

/** Names of the policies; a binding has its policy's. */
export const policyNames: readonly string[] = [
  nameOf(deputyPolicy()),
  nameOf(operatorPodPolicy({ namespace: "", serviceAccount: "" })),
];

const apply = "Apply the manifests of this version again";

/** Longest part of the API server's own words that a line quotes, characters. */
const maxWarningLength = 200;

/** From this minor version of Kubernetes 1 on there are such policies, as version v1. */
const leastMinor = 30;

/**
 * The line of a policy on an API server that is too old for any.
 * @param version answer of `/version`.
 * @returns undefined when it is not, or does not tell its version.
 */
export function policiesLacking(name: string, version: unknown): CheckLine | undefined {
  const minor = minorOf(version);
  if (minor === undefined || minor >= leastMinor) return undefined;
  return { verdict: "skipped", subject: name, text: `needs 1.${leastMinor}` };
}

/**
 * A policy and its binding against what this version writes.
 * @param operatorNamespace where the operator is; the policy of its pods names it.
 */
export function checkPolicy(
  name: string,
  { policy, binding }: FoundPolicy,
  operatorNamespace: string,
): CheckLine {
  if (policy === undefined) return bad(name, `is not installed: it refuses nothing. ${apply}.`);
  const guarded = guardedBy(policy);
  if (guarded !== undefined && guarded.namespace !== operatorNamespace) {
    const who = `is for ServiceAccount ${guarded.serviceAccount} of ${guarded.namespace}`;
    const remedy = `${apply}, or name the operator's namespace with --operator-namespace`;
    return bad(name, `${who}, not of ${operatorNamespace}. ${remedy}.`);
  }
  const expected = expectedOf(name, guarded);
  const changed = differing(withDefaults(expected.policy), policy.spec ?? {});
  if (changed.length > 0) {
    return bad(name, `is not this version's; it differs in ${changed.join(", ")}. ${apply}.`);
  }
  const [warning] = policy.status?.typeChecking?.expressionWarnings ?? [];
  if (warning !== undefined) {
    const said = `${warning.fieldRef}: ${warning.warning.trim().slice(0, maxWarningLength)}`;
    const remedy = `kubectl describe validatingadmissionpolicy ${name} tells all of it`;
    return bad(name, `does not fit the types of this API server: ${said}. ${remedy}.`);
  }
  if (binding === undefined) return bad(name, `is not in force: it has no binding. ${apply}.`);
  const bound = differing(expected.binding, binding.spec ?? {});
  if (bound.length > 0) {
    const what = `its binding differs in ${bound.join(", ")}`;
    return bad(name, `is not in force as it should be: ${what}. ${apply}.`);
  }
  const whose = guarded === undefined ? "" : ` for ServiceAccount ${guarded.serviceAccount}`;
  return good(name, `in force${whose}, as this version has it`);
}

/** The ServiceAccount that a policy names; undefined for one that names none. */
function guardedBy({ spec = {} }: InstalledPolicy) {
  const text = JSON.stringify(spec["matchConditions"] ?? []);
  const [, namespace, serviceAccount] =
    /'system:serviceaccount:([-a-z0-9]+):([-a-z0-9.]+)'/.exec(text) ?? [];
  return namespace === undefined || serviceAccount === undefined
    ? undefined
    : { namespace, serviceAccount };
}

function expectedOf(name: string, guarded: ReturnType<typeof guardedBy>) {
  const [policy, binding] =
    name === policyNames[0]
      ? deputyPolicy()
      : operatorPodPolicy(guarded ?? { namespace: "", serviceAccount: "" });
  return { policy: specOf(policy), binding: specOf(binding) };
}

/** What the API server fills in. Source: Kubernetes API, ValidatingAdmissionPolicySpec. */
function withDefaults(spec: Fields): Fields {
  const constraints = fieldsOf(spec["matchConstraints"]);
  const given = constraints["resourceRules"];
  const rules: readonly unknown[] = Array.isArray(given) ? given : [];
  return {
    ...spec,
    matchConstraints: {
      matchPolicy: "Equivalent",
      namespaceSelector: {},
      objectSelector: {},
      ...constraints,
      resourceRules: rules.map((rule) => ({ scope: "*", ...fieldsOf(rule) })),
    },
  };
}

/** Names of the fields that differ, in alphabetical order. */
function differing(expected: Fields, found: Fields): string[] {
  const names = new Set([...Object.keys(expected), ...Object.keys(found)]);
  return [...names].filter((name) => hashOf(expected[name]) !== hashOf(found[name])).toSorted();
}

function specOf(manifest: Manifest | undefined): Fields {
  return fieldsOf(manifest?.["spec"]);
}

function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

function nameOf([policy]: readonly Manifest[]): string {
  return policy?.metadata.name ?? "";
}
