/** Who a token is: the claims that the API server confirmed, never what a sidecar says. */
import type { TokenReviewStatus } from "./ports.ts";

/** The pod that a token is bound to. */
export interface PodIdentity {
  readonly namespace: string;
  readonly podName: string;
  readonly podUid: string;
  /** Empty when the token does not say. */
  readonly kubeNode: string;
}

/** An identity, or why there is none: one clause. */
export type ReadIdentity =
  | { readonly ok: true; readonly identity: PodIdentity }
  | { readonly ok: false; readonly reason: string };

/** Audience that the projected token must be for. */
export const tokenAudience = "spillway.dev";

const claim = "authentication.kubernetes.io/";
const username = /^system:serviceaccount:([-a-z0-9]{1,63}):([-a-z0-9.]{1,253})$/;
const podName = /^[-a-z0-9.]{1,253}$/;
/** The alphabet of a node id: the uid becomes one. */
const podUid = /^[-A-Za-z0-9.]{1,63}$/;
const nodeName = /^[-a-z0-9.]{0,253}$/;

/** Reads the answer of a TokenReview. */
export function podIdentityOf(status: TokenReviewStatus): ReadIdentity {
  if (!status.authenticated) {
    return refused(status.error ?? "the API server does not accept it");
  }
  if (!status.audiences.includes(tokenAudience)) {
    return refused(`its audience is not ${tokenAudience}`);
  }
  const namespace = username.exec(status.username)?.[1];
  if (namespace === undefined) return refused("it is no ServiceAccount's");
  const name = only(status, "pod-name");
  const uid = only(status, "pod-uid");
  if (!podName.test(name) || !podUid.test(uid)) return refused("it is not bound to a pod");
  const kubeNode = only(status, "node-name");
  return {
    ok: true,
    identity: {
      namespace,
      podName: name,
      podUid: uid,
      kubeNode: nodeName.test(kubeNode) ? kubeNode : "",
    },
  };
}

function only({ extra }: TokenReviewStatus, name: string): string {
  const values = extra[`${claim}${name}`] ?? [];
  return values.length === 1 ? (values[0] ?? "") : "";
}

function refused(reason: string): ReadIdentity {
  return { ok: false, reason };
}

/** Whether an identity is this pod's: name and namespace too, not the uid alone. */
export function isIdentityOf(
  { namespace, podName: ofName, podUid: ofUid }: PodIdentity,
  pod: { readonly namespace: string; readonly name: string; readonly uid: string },
): boolean {
  return pod.uid === ofUid && pod.namespace === namespace && pod.name === ofName;
}
