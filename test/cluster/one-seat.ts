/** An API server that has one seat for a user and refuses the rest with 429. */
import type { ApiClient } from "./api-client.ts";

/**
 * Flags under which a priority level with one share has one seat: 240 seats over the 246 shares of
 * the built-in levels and this one. Source: Kubernetes, "API Priority and Fairness".
 */
export const oneSeatFlags = {
  "max-requests-inflight": "200",
  "max-mutating-requests-inflight": "40",
} as const;

const group = "/apis/flowcontrol.apiserver.k8s.io/v1";
const name = "one-seat";

/**
 * Gives the requests of some users one seat and no queue, until `giveBack`. The cluster was started
 * with `oneSeatFlags`.
 * @param subjects as a FlowSchema names them.
 */
export async function takeSeats(api: ApiClient, subjects: readonly object[]): Promise<void> {
  const apiVersion = "flowcontrol.apiserver.k8s.io/v1";
  await api.create(`${group}/prioritylevelconfigurations`, {
    apiVersion,
    kind: "PriorityLevelConfiguration",
    metadata: { name },
    spec: {
      type: "Limited",
      limited: {
        nominalConcurrencyShares: 1,
        lendablePercent: 0,
        borrowingLimitPercent: 0,
        limitResponse: { type: "Reject" },
      },
    },
  });
  const any = { verbs: ["*"], apiGroups: ["*"], resources: ["*"], namespaces: ["*"] };
  await api.create(`${group}/flowschemas`, {
    apiVersion,
    kind: "FlowSchema",
    metadata: { name },
    spec: {
      priorityLevelConfiguration: { name },
      matchingPrecedence: 10,
      rules: [{ subjects, resourceRules: [{ ...any, clusterScope: true }] }],
    },
  });
}

/** Ends what `takeSeats` began. */
export async function giveBack(api: ApiClient): Promise<void> {
  await api.delete(`${group}/flowschemas/${name}`);
  await api.delete(`${group}/prioritylevelconfigurations/${name}`);
}
