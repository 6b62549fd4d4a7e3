/** The rules themselves are tried on an API server, in `test/cluster`. */
import { describe, expect, test } from "vitest";
import { deputyPolicy, operatorPodPolicy } from "../../../../operator/manifests/index.ts";
import { deputyRefusals, podRefusals, refusingPolicies } from "../../../support/policy-refusals.ts";

const operator = { namespace: "spillway-system", serviceAccount: "spillway-operator" };

describe("the policies", () => {
  test.each([
    ["deputy", deputyPolicy()],
    ["operator's pods", operatorPodPolicy(operator)],
  ])("%s: refuses when it fails, and is bound", (_, manifests) => {
    const [policy, binding] = manifests;
    expect(policy).toMatchObject({ spec: { failurePolicy: "Fail" } });
    expect(binding).toMatchObject({
      spec: { policyName: policy?.metadata.name, validationActions: ["Deny"] },
    });
  });

  test("the one on pods is the operator's alone", () => {
    expect(JSON.stringify(operatorPodPolicy(operator))).toContain(
      "request.userInfo.username == 'system:serviceaccount:spillway-system:spillway-operator'",
    );
  });
});

describe("the table of refusals", () => {
  const [deputy] = deputyPolicy();
  const [pods] = operatorPodPolicy(operator);

  test("names the policies that refuse", () => {
    expect(refusingPolicies).toEqual({
      deputy: deputy?.metadata.name,
      pods: pods?.metadata.name,
    });
  });

  test("has every message of the policy on pods, and no other", () => {
    const { validations } = pods?.["spec"] as { validations: { message: string }[] };
    expect(new Set(podRefusals.map(({ says }) => says))).toEqual(
      new Set(validations.map(({ message }) => message)),
    );
  });

  test("has the words of the deputy's policy", () => {
    const { validations } = deputy?.["spec"] as { validations: { messageExpression: string }[] };
    const [{ messageExpression } = { messageExpression: "" }, ...others] = validations;
    expect(others).toEqual([]);
    const words = [...messageExpression.matchAll(/'([^']*)'/g)].map(([, word = ""]) => word);
    expect(words.length).toBeGreaterThan(3);
    for (const { says } of Object.values(deputyRefusals)) {
      for (const word of words) expect(says).toContain(word);
    }
  });
});
