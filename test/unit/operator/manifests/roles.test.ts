import { describe, expect, test } from "vitest";
import { installation, type PolicyRule } from "../../../../operator/manifests/index.ts";

const manifests = installation({
  namespace: "spillway-system",
  serviceAccount: "spillway-operator",
});

function rulesOf(kind: string): PolicyRule[] {
  const rules = manifests.filter((it) => it.kind === kind).map((it) => it["rules"]);
  return rules.flat() as PolicyRule[];
}

const every = [...rulesOf("ClusterRole"), ...rulesOf("Role")];

describe("the operator's roles", () => {
  test("hold no wildcard", () => {
    for (const { apiGroups, resources, verbs } of every) {
      for (const word of [...apiGroups, ...resources, ...verbs]) expect(word).not.toContain("*");
    }
  });

  test("reach no Secret outside its own namespace, and read one by name only", () => {
    const touching = (rule: PolicyRule): boolean => rule.resources.includes("secrets");
    expect(rulesOf("ClusterRole").filter(touching)).toEqual([]);
    for (const { verbs, resourceNames } of rulesOf("Role").filter(touching)) {
      if (verbs.some((verb) => verb !== "create")) expect(resourceNames).toHaveLength(1);
    }
  });

  test("let it delete nothing and bind nothing", () => {
    const forbidden = ["delete", "deletecollection", "bind", "escalate", "impersonate"];
    expect(every.flatMap(({ verbs }) => verbs).filter((it) => forbidden.includes(it))).toEqual([]);
  });
});
