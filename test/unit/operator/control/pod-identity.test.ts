import { expect, test } from "vitest";
import { isIdentityOf, podIdentityOf } from "../../../../operator/control/pod-identity.ts";
import { reviewedAs, testPod } from "../../../support/control-rig.ts";

const pod = testPod("web-0", "shop");

test("the pod is what the API server says of the token", () => {
  expect(podIdentityOf(reviewedAs(pod))).toEqual({
    ok: true,
    identity: { namespace: "shop", podName: "web-0", podUid: pod.uid, kubeNode: "kube-1" },
  });
});

const names = {
  "authentication.kubernetes.io/pod-name": ["web-0"],
  "authentication.kubernetes.io/pod-uid": [pod.uid],
};

test("a token without a node is a pod's all the same", () => {
  expect(podIdentityOf(reviewedAs(pod, { extra: names }))).toMatchObject({
    identity: { kubeNode: "" },
  });
});

test.each([
  ["not authenticated", { authenticated: false }, /does not accept/],
  ["not authenticated, with the reason", { authenticated: false, error: "expired" }, /^expired$/],
  ["for another audience", { audiences: ["https://kubernetes.default"] }, /audience/],
  ["a person's", { username: "jane" }, /no ServiceAccount/],
  ["a name that is none", { username: "system:serviceaccount:a/b:c" }, /no ServiceAccount/],
  ["bound to no pod", { extra: {} }, /not bound to a pod/],
  [
    "of two pods",
    { extra: { ...names, "authentication.kubernetes.io/pod-uid": ["a", "b"] } },
    /not bound to a pod/,
  ],
  [
    "of a uid that could stand for another name",
    { extra: { ...names, "authentication.kubernetes.io/pod-uid": ["a/ns/b"] } },
    /not bound to a pod/,
  ],
])("a token that is %s is refused", (_, over, reason) => {
  const read = podIdentityOf(reviewedAs(pod, over));
  expect(read).toMatchObject({ ok: false });
  expect(read.ok ? "" : read.reason).toMatch(reason);
});

test("an identity is a pod's only with uid, name and namespace", () => {
  const read = podIdentityOf(reviewedAs(pod));
  if (!read.ok) throw new Error(read.reason);
  expect(isIdentityOf(read.identity, pod)).toBe(true);
  for (const other of [{ uid: "x" }, { name: "x" }, { namespace: "x" }]) {
    expect(isIdentityOf(read.identity, { ...pod, ...other })).toBe(false);
  }
});
