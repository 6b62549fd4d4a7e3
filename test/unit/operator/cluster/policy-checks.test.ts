import { describe, expect, test } from "vitest";
import {
  checkPolicy,
  type FoundPolicy,
  policiesLacking,
  policyNames,
} from "../../../../operator/cluster/policy-checks.ts";
import { deputyPolicy, operatorPodPolicy } from "../../../../operator/manifests/index.ts";

const identity = { namespace: "sys", serviceAccount: "spillway-operator" };
const [deputyName = "", podsName = ""] = policyNames;

type Spec = Record<string, unknown>;

/** As the API server stores them, with what it fills in. */
function installed(name: string, change: (policy: Spec, binding: Spec) => void = () => undefined) {
  const made = name === deputyName ? deputyPolicy() : operatorPodPolicy(identity);
  const [policy, binding] = structuredClone(made).map((it) => it["spec"] as Spec);
  if (policy === undefined || binding === undefined) throw new Error("a policy has no binding");
  const constraints = policy["matchConstraints"] as Spec;
  const [rule] = constraints["resourceRules"] as Spec[];
  constraints["resourceRules"] = [{ ...rule, scope: "*" }];
  Object.assign(constraints, {
    matchPolicy: "Equivalent",
    namespaceSelector: {},
    objectSelector: {},
  });
  change(policy, binding);
  const metadata = { name };
  return { policy: { metadata, spec: policy }, binding: { metadata, spec: binding } };
}

function lineOf(name: string, found: FoundPolicy) {
  return checkPolicy(name, found, "sys");
}

describe("an admission policy", () => {
  test("as this version writes it is in force", () => {
    expect(lineOf(deputyName, installed(deputyName))).toEqual({
      verdict: "ok",
      subject: "capability-scale.spillway.dev",
      text: "in force, as this version has it",
    });
    expect(lineOf(podsName, installed(podsName))).toEqual({
      verdict: "ok",
      subject: "operator-pods.spillway.dev",
      text: "in force for ServiceAccount spillway-operator, as this version has it",
    });
  });

  test("that is not there refuses nothing", () => {
    expect(lineOf(deputyName, { policy: undefined, binding: undefined })).toMatchObject({
      verdict: "bad",
      text: "is not installed: it refuses nothing. Apply the manifests of this version again.",
    });
  });

  test("without a binding, or with one that only warns, is not in force", () => {
    const whole = installed(deputyName);
    expect(lineOf(deputyName, { ...whole, binding: undefined }).text).toMatch(
      /^is not in force: it has no binding\. Apply/,
    );
    const warning = installed(deputyName, (_, binding) => {
      binding["validationActions"] = ["Warn"];
      binding["matchResources"] = { namespaceSelector: {} };
    });
    expect(lineOf(deputyName, warning).text).toMatch(
      /^is not in force as it .*: its binding differs in matchResources, validationActions\. Apply/,
    );
  });

  test.each([
    ["failurePolicy", "Ignore"],
    ["validations", []],
    ["matchConditions", [{ name: "never", expression: "false" }]],
    ["paramKind", { apiVersion: "v1", kind: "ConfigMap" }],
  ])("with another %s is not this version's", (field, value) => {
    const other = installed(deputyName, (policy) => {
      policy[field] = value;
    });
    expect(lineOf(deputyName, other)).toMatchObject({
      verdict: "bad",
      text: `is not this version's; it differs in ${field}. Apply the manifests of this version again.`,
    });
  });

  test("that leaves namespaces out is not this version's", () => {
    const other = installed(deputyName, (policy) => {
      const selector = { matchLabels: { guarded: "true" } };
      Object.assign(policy["matchConstraints"] as Spec, { namespaceSelector: selector });
    });
    expect(lineOf(deputyName, other).text).toMatch(/it differs in matchConstraints\./);
  });

  test("that guards another operator is told with whose it is", () => {
    expect(checkPolicy(podsName, installed(podsName), "elsewhere")).toMatchObject({
      verdict: "bad",
      text:
        "is for ServiceAccount spillway-operator of sys, not of elsewhere. Apply the manifests of " +
        "this version again, or name the operator's namespace with --operator-namespace.",
    });
  });

  test("that names no operator at all is not this version's", () => {
    const other = installed(podsName, (policy) => {
      policy["matchConditions"] = [];
    });
    expect(lineOf(podsName, other).text).toMatch(/it differs in matchConditions\./);
  });

  test("that the API server finds mistyped is told in its words", () => {
    const { policy, binding } = installed(deputyName);
    const expressionWarnings = [
      { fieldRef: "spec.validations[0].expression", warning: "undefined field 'scale'" },
    ];
    const status = { typeChecking: { expressionWarnings } };
    expect(lineOf(deputyName, { policy: { ...policy, status }, binding }).text).toBe(
      "does not fit the types of this API server: spec.validations[0].expression: undefined field " +
        "'scale'. kubectl describe validatingadmissionpolicy capability-scale.spillway.dev tells " +
        "all of it.",
    );
  });
});

test("there are none before 1.30: they are skipped, and it is said", () => {
  expect(policiesLacking(deputyName, { gitVersion: "v1.29.14" })).toEqual({
    verdict: "skipped",
    subject: deputyName,
    text: "needs 1.30",
  });
  for (const answer of [{ gitVersion: "v1.30.0" }, { gitVersion: "v2.0.0" }, {}, undefined]) {
    expect(policiesLacking(deputyName, answer)).toBeUndefined();
  }
});
