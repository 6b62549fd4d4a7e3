import { describe, expect, test } from "vitest";
import {
  ClusterError,
  clusterErrorOf,
  forbiddenError,
} from "../../../../operator/cluster/cluster-error.ts";
import { ApiError, type ApiErrorCode } from "../../../../operator/runtime/index.ts";

describe("a missing permission", () => {
  test.each([
    [
      'pods is forbidden: User "ann" cannot list resource "pods" in API group "" in the namespace "shop"',
      "ann may not list pods in namespace shop. Ask for a role that allows it; " +
        "kubectl auth can-i list pods -n shop tells when it does.",
    ],
    [
      'demands.spillway.dev is forbidden: User "ann" cannot list resource "demands" in API group "spillway.dev" in the namespace "shop"',
      "ann may not list demands.spillway.dev in namespace shop. Ask for a role that allows it; " +
        "kubectl auth can-i list demands.spillway.dev -n shop tells when it does.",
    ],
    [
      'namespaces is forbidden: User "ann" cannot list resource "namespaces" in API group "" at the cluster scope',
      "ann may not list namespaces in the whole cluster. Ask for a role that allows it; " +
        "kubectl auth can-i list namespaces tells when it does.",
    ],
    [
      "denied by a policy",
      "the API server refuses: denied by a policy. " +
        "Ask whoever gives out permissions in this cluster.",
    ],
  ])("%s", (said, sentence) => {
    expect(forbiddenError(said)).toMatchObject({ code: "FORBIDDEN", message: sentence });
  });
});

describe("what the API server answers", () => {
  test.each<[ApiErrorCode, string, boolean]>([
    ["CREDENTIALS_INVALID", "KUBECONFIG_INVALID", true],
    ["UNREACHABLE", "UNREACHABLE", true],
    ["TIMEOUT", "UNREACHABLE", true],
    ["UNAUTHORIZED", "UNAUTHORIZED", true],
    ["FORBIDDEN", "FORBIDDEN", true],
    ["SERVER_ERROR", "API_FAILED", false],
    ["MALFORMED_ANSWER", "API_FAILED", false],
  ])("%s is %s", (from, to, isGeneral) => {
    const error = clusterErrorOf(new ApiError(from, "it said so"), "https://api");
    expect(error).toMatchObject({ code: to, isGeneral });
    expect(error.message).toBe(`${error.text}. ${error.remedy}`);
  });

  test("names the server that cannot be reached", () => {
    const error = clusterErrorOf(new ApiError("UNREACHABLE", "refused"), "https://api:6443");
    expect(error.text).toBe("the API server https://api:6443 does not answer: refused");
  });

  test("an error of this room stays, a bug is thrown on", () => {
    const own = new ClusterError("POD_GONE", { text: "a", remedy: "B." });
    expect(clusterErrorOf(own, "")).toBe(own);
    expect(() => clusterErrorOf(new TypeError("bug"), "")).toThrow(TypeError);
  });
});
