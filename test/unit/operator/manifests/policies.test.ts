/** The rules themselves are tried on an API server, in `test/cluster`. */
import { describe, expect, test } from "vitest";
import { deputyPolicy, operatorPodPolicy } from "../../../../operator/manifests/index.ts";

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
