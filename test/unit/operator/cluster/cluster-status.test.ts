import { expect, test } from "vitest";
import { ClusterError } from "../../../../operator/cluster/cluster-error.ts";
import {
  clusterSections,
  clusterStatus,
  type ObservedNamespace,
  type ObservedPod,
} from "../../../../operator/cluster/cluster-status.ts";
import { statusText } from "../../../../operator/inspect/index.ts";
import { readCapability, readDemand } from "../../../../operator/schema/index.ts";
import { capabilityManifest, demandManifest, type Json } from "../../../support/manifests.ts";

const nowEpochMs = Date.UTC(2026, 10, 21, 12);
const route = { request: "a.Q", response: "a.R" };
const none = { ready: 0, leased: 0, delayed: 0, done: 0, dead: 0 };

function condition(type: string, status: string, reason: string, message: string): object {
  const lastTransitionTime = "2026-11-21T11:00:00Z";
  return { type, status, reason, message, observedGeneration: 1, lastTransitionTime };
}

const well = [
  condition("Accepted", "True", "Valid", "it is"),
  condition("Ready", "True", "Serving", "it serves"),
];

function stored(manifest: Json, status: object | undefined): Json {
  const metadata = { namespace: "shop", uid: "u", resourceVersion: "1", generation: 1 };
  return { ...manifest, metadata: { ...manifest.metadata, ...metadata }, status };
}

function demand(status?: object): ReturnType<typeof readDemand> {
  const manifest = demandManifest(({ metadata, spec }) => {
    metadata.name = "thumbs";
    spec.desiredProviders = 2;
    spec.maxProviders = 5;
  });
  return readDemand(stored(manifest, status));
}

function capability(status?: object): ReturnType<typeof readCapability> {
  const manifest = capabilityManifest(({ metadata, spec }) => {
    metadata.name = "thumber";
    spec.concurrency = 3;
  });
  return readCapability(stored(manifest, status));
}

function pod(name: string, over: Partial<ObservedPod> & { phase?: string; ready?: string } = {}) {
  const { phase = "Running", ready = "True", report } = over;
  const conditions = [{ type: "Ready", status: ready }];
  const metadata = { name, namespace: "shop", uid: `uid-${name}` };
  return { pod: { metadata, status: { phase, conditions } }, report };
}

function observed(over: Partial<ObservedNamespace>): ObservedNamespace {
  return { pods: [], demands: [], capabilities: [], notAsked: undefined, nowEpochMs, ...over };
}

const liveDemand = {
  ...{ name: "thumbs", ...route, counts: { ...none, ready: 4 }, oldestReadySeconds: 3 },
  ...{ desiredProviders: 2, maxProviders: 5, providers: [], paused: false },
};

function report(over: object = {}): ObservedPod["report"] {
  return { ok: true, demands: [], capabilities: [], peers: [], ...over };
}

test("sums of the sidecars that answered, with the conditions of the resource", () => {
  const link = { demand: "thumbs", node: "uid-web-0", state: "joined" };
  const part = { name: "thumber", ...route, running: 1, slots: 3, demands: [link] };
  const provider = { id: "uid-worker-0", leased: 1, credit: 2 };
  const held = { ...liveDemand, providers: [provider, { ...provider, id: "other" }] };
  const status = clusterStatus(
    observed({
      pods: [
        pod("web-0", { report: report({ demands: [held] }) }),
        pod("worker-0", { report: report({ capabilities: [part] }) }),
      ],
      demands: [demand({ conditions: well, items: { ready: 99 } })],
      capabilities: [capability({ conditions: well })],
    }),
  );
  expect(status.pods[0]).toEqual({
    ...{ name: "web-0", nodeId: "uid-web-0", phase: "Running", ready: true },
    sidecarAnswers: true,
  });
  expect(status.demands).toMatchObject([
    { name: "thumbs", counts: { ready: 4 }, connectedProviders: 2, live: true, conditions: well },
  ]);
  expect(status.capabilities).toMatchObject([
    { name: "thumber", running: 1, slots: 3, demands: ["thumbs"], connections: 1, live: true },
  ]);
  expect(status.problems).toEqual([]);
});

test("the operator's last numbers where nobody may be asked, and why", () => {
  const notAsked = new ClusterError("FORBIDDEN", { text: "ann may not", remedy: "Ask." });
  const items = { ready: 7, dead: 1 };
  const status = clusterStatus(
    observed({
      pods: [pod("web-0")],
      demands: [
        demand({
          ...{ conditions: well, items, queues: 2, connectedProviders: 3 },
          oldestReadySince: "2026-11-21T11:59:30Z",
        }),
      ],
      capabilities: [capability({ conditions: well, providers: 2, running: 1, connections: 4 })],
      notAsked,
    }),
  );
  expect(status.demands).toMatchObject([
    {
      ...{ counts: { ...none, ready: 7, dead: 1 }, oldestReadySeconds: 30, live: false },
      ...{ desiredProviders: 4, maxProviders: 10, connectedProviders: 3, providers: [] },
    },
  ]);
  expect(status.problems).toEqual(["Numbers are the operator's last, not live: ann may not. Ask."]);
  expect(statusText(clusterSections(status))).toMatchInlineSnapshot(`
    "pods
      web-0  Running  ready  not asked
    demands
      thumbs  7 ready  0 leased  0 delayed  0 done  1 dead  3 providers (4 desired)
    capabilities
      thumber  1 of 6 slots in use  joined to 4 queues
    problems
      Numbers are the operator's last, not live: ann may not. Ask.
    "
  `);
});

const problems: readonly [string, Partial<ObservedNamespace>, string[]][] = [
  [
    "a pod that does not run",
    { pods: [pod("a", { phase: "Pending" })] },
    ["The pod a is Pending."],
  ],
  [
    "a pod that is not ready",
    { pods: [pod("a", { ready: "False", report: report() })] },
    ["The pod a is not ready."],
  ],
  [
    "a sidecar that does not answer",
    { pods: [pod("a", { report: { ok: false, reason: "nothing listens", remedy: "Look." } })] },
    ["The sidecar of a does not answer: nothing listens. Look."],
  ],
  [
    "more pods than are asked",
    { pods: [pod("a", { report: report() }), pod("b")] },
    ["Only 1 of 2 sidecars were asked; sums are of those."],
  ],
  [
    "a resource that no operator has seen",
    { demands: [demand()] },
    ["The Demand thumbs has no status: no operator has seen it. spillway check says why."],
  ],
  [
    "a spec that is not accepted",
    {
      capabilities: [
        capability({ conditions: [condition("Accepted", "False", "SpecInvalid", "x is 0")] }),
      ],
    },
    ["The Capability thumber is not accepted (SpecInvalid): x is 0."],
  ],
  [
    "a resource that is degraded",
    { demands: [demand({ conditions: [condition("Degraded", "True", "Paused", "by spec")] })] },
    ["The Demand thumbs is degraded (Paused): by spec."],
  ],
  [
    "what the sidecars tell better, once",
    {
      pods: [pod("web-0", { report: report({ demands: [liveDemand] }) })],
      demands: [demand({ conditions: [condition("Ready", "False", "NoProviders", "none")] })],
    },
    ["The demand thumbs has no provider, and 4 of its items wait."],
  ],
  [
    "pods by their names, not by the ids of their nodes",
    {
      pods: [
        pod("web-0", {
          report: report({
            demands: [liveDemand],
            peers: [{ id: "uid-worker-0", connected: false, notConnected: "refused" }],
          }),
        }),
        pod("worker-0", {
          report: report({
            capabilities: [{ name: "thumber", ...route, running: 0, slots: 1, demands: [] }],
          }),
        }),
      ],
      demands: [demand({ conditions: well })],
    },
    [
      "The demand thumbs has no provider, and 4 of its items wait.",
      "The sidecar of web-0 is not connected to worker-0: refused.",
    ],
  ],
];

test.each(problems)("problem: %s", (_name, seen, sentences) => {
  expect(clusterStatus(observed(seen)).problems).toEqual(sentences);
});
