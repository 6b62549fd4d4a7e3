import { describe, expect, test } from "vitest";
import {
  type CapabilityOutcome,
  type ObservedCapability,
  reconcileCapability,
  type ScaleTarget,
} from "../../../../operator/reconcile/index.ts";
import type { CapabilityStatus } from "../../../../operator/schema/index.ts";
import type { Json } from "../../../support/manifests.ts";
import {
  pod,
  pool,
  report,
  reporting,
  startMs,
  storedCapability,
} from "../../../support/reconcile-rig.ts";

const nowMs = startMs + 60_000;
const idle = { items: 0, unreported: [], changesAfterMs: Number.POSITIVE_INFINITY };

function observed(change: Partial<ObservedCapability> = {}): ObservedCapability {
  return {
    pods: [],
    contract: { ok: true, descriptorSet: "abc" },
    leaderSinceMs: startMs,
    reconcilePaused: false,
    scaling: { work: idle },
    ...change,
  };
}

function verdicts({ conditions }: CapabilityStatus): Record<string, string> {
  return Object.fromEntries(
    conditions.map(({ type, status, reason }) => [type, `${status}/${reason}`]),
  );
}

const withScale = (it: Json): void => {
  it.spec.scale = {
    targetRef: { kind: "Deployment", name: "worker" },
    maxReplicas: 5,
    itemsPerReplica: 10,
    idleAfter: "1s",
    stabilization: "1s",
  };
};

function target(replicas: number, names: readonly string[]): ScaleTarget {
  const podUids = new Set(names.map((name) => `uid-${name}`));
  return { found: true, replicas, pods: names.length, resourceVersion: "11", podUids };
}

function scaled(scaling: ObservedCapability["scaling"], more: Partial<ObservedCapability> = {}) {
  return reconcileCapability(storedCapability(withScale), observed({ scaling, ...more }), nowMs);
}

describe("the conditions of a Capability", () => {
  test("one selected sidecar that works by the generation makes it ready", () => {
    const young = { pod: pod("b", { createdAtMs: startMs + 1 }) };
    const pods = [reporting("a", pool({ connections: 2, running: 1 })), young];
    const { status } = reconcileCapability(storedCapability(), observed({ pods }), nowMs);
    expect(status).toMatchObject({ selectedPods: 2, providers: 1, connections: 2, running: 1 });
    expect(verdicts(status)).toEqual({
      Accepted: "True/Valid",
      Ready: "True/Serving",
      Progressing: "False/Settled",
      Degraded: "False/AsExpected",
      MulticastReachable: "Unknown/MulticastUnknown",
    });
  });

  test.each([
    [[true, true], "True/MulticastHeard", { reachable: 2, unreachable: 0 }],
    [[true, false], "False/MulticastSilent", { reachable: 1, unreachable: 1 }],
  ])("multicast as the sidecars saw it: %j", (seen, verdict, counts) => {
    const pods = seen.map((multicastReachable, at) =>
      reporting(`p${at}`, pool(), { multicastReachable }),
    );
    const { status } = reconcileCapability(storedCapability(), observed({ pods }), nowMs);
    expect(verdicts(status)["MulticastReachable"]).toBe(verdict);
    expect(status.multicast).toEqual(counts);
  });

  test("what nobody knows is left out of the status; without pods it is known to be nothing", () => {
    const counted = (pods: ObservedCapability["pods"]) => {
      const { status } = reconcileCapability(storedCapability(), observed({ pods }), nowMs);
      return [status.connections, status.running];
    };
    const stale = reporting("a", pool(), { connected: false, receivedAtMs: startMs });
    expect(counted([stale])).toEqual([undefined, undefined]);
    expect(counted([])).toEqual([0, 0]);
    expect(counted([stale, reporting("b", pool({ running: 2 }))])).toEqual([1, 2]);
  });

  test("a paused one is left alone and keeps what scaling remembers", () => {
    const { memory } = scaled({ work: idle, target: target(1, []) });
    const shown = observed({ reconcilePaused: true, ...(memory === undefined ? {} : { memory }) });
    const outcome = reconcileCapability(storedCapability(withScale), shown, nowMs);
    expect([outcome.actions, outcome.memory]).toEqual([[], memory]);
    expect(verdicts(outcome.status)["Progressing"]).toBe("Unknown/Paused");
  });

  test("a paused one says nothing of a generation that nobody looked at", () => {
    const before = reconcileCapability(storedCapability(), observed(), nowMs).status;
    const edited = storedCapability((it) => {
      it.status = before;
      it.metadata["generation"] = 2;
    });
    const shown = observed({ reconcilePaused: true });
    const { conditions } = reconcileCapability(edited, shown, nowMs + 5_000).status;
    const judged = (all: CapabilityStatus["conditions"]) =>
      all.filter(({ type }) => type !== "Progressing");
    expect(judged(conditions)).toEqual(judged(before.conditions));
  });
});

describe("the scale target of a Capability", () => {
  test("is raised at once, on the version that was read", () => {
    const { actions, events, status } = scaled({
      work: { ...idle, items: 25 },
      target: target(1, []),
    });
    expect(actions).toContainEqual({ type: "scale", replicas: 3, resourceVersion: "11" });
    expect(events).toEqual([
      {
        type: "Normal",
        reason: "ScaledUp",
        note: "Deployment worker: replicas 1 → 3, for 25 ready and leased items.",
      },
    ]);
    expect(status.scale).toMatchObject({ currentReplicas: 1, desiredReplicas: 3 });
    expect(verdicts(status)["Progressing"]).toBe("True/Scaling");
  });

  test("is not lowered while a selected pod has not reported, and names it", () => {
    const work = { ...idle, unreported: ["web-1"] };
    let memory: CapabilityOutcome["memory"];
    for (const atMs of [nowMs, nowMs + 3_600_000]) {
      const shown = observed({
        scaling: { work, target: target(4, []) },
        ...(memory === undefined ? {} : { memory }),
      });
      const outcome = reconcileCapability(storedCapability(withScale), shown, atMs);
      expect(outcome.actions.filter(({ type }) => type === "scale")).toEqual([]);
      memory = outcome.memory;
      if (atMs > nowMs) {
        expect(verdicts(outcome.status)["Progressing"]).toBe("True/ReportsMissing");
        expect(JSON.stringify(outcome.status.conditions)).toContain("web-1");
      }
    }
  });

  test("is said to be idle only when all of its work is known", () => {
    const since = (unreported: readonly string[]) =>
      scaled({ work: { ...idle, unreported }, target: target(1, []) }).status.scale?.idleSince;
    expect([since([]), since(["web-1"])]).toEqual(["2026-01-01T00:01:00Z", undefined]);
  });

  test("is lowered by the pods that confirmed, after they are marked", () => {
    const worker = reporting("w", pool());
    let shown = observed({
      pods: [worker],
      scaling: { work: idle, target: target(1, ["w"]) },
    });
    let outcome = reconcileCapability(storedCapability(withScale), shown, nowMs);
    const later = nowMs + 10_000;
    const again = (pods: ObservedCapability["pods"], atMs: number): CapabilityOutcome => {
      const { memory } = outcome;
      shown = { ...shown, pods, ...(memory === undefined ? {} : { memory }) };
      return reconcileCapability(storedCapability(withScale), shown, atMs);
    };
    outcome = again([worker], later);
    expect(outcome.actions).toContainEqual({ type: "quiesce", podUids: ["uid-w"] });
    const quiet = reporting("w", pool(), { quiesced: true, receivedAtMs: later + 1 });
    outcome = again([quiet], later + 2);
    expect(outcome.actions.slice(1)).toEqual([
      { type: "quiesce", podUids: ["uid-w"] },
      { type: "markPod", podName: "w", removedFirst: true },
      { type: "scale", replicas: 0, resourceVersion: "11" },
    ]);
    expect(outcome.events.map(({ reason }) => reason)).toEqual(["ScaledDown"]);
  });

  test("takes back a mark that an earlier leader left", () => {
    const pods = [{ pod: pod("w", { removedFirst: true }), report: report(pool()) }];
    const { actions } = scaled({ work: idle, target: target(1, ["w"]) }, { pods });
    expect(actions).toContainEqual({ type: "markPod", podName: "w", removedFirst: false });
  });

  test("leaves pods alone that are not the target's own", () => {
    const pods = [{ pod: pod("x", { removedFirst: true }), report: report(pool()) }];
    const { actions } = scaled({ work: idle, target: target(1, ["w"]) }, { pods });
    expect(actions.filter(({ type }) => type === "markPod")).toEqual([]);
  });

  test.each([
    ["NotFound", "True/ScaleTargetNotFound"],
    ["Forbidden", "True/ScaleTargetForbidden"],
  ] as const)("that is %s is said, and asked for again in a minute", (why, verdict) => {
    const outcome = scaled({ work: idle, target: { found: false, why } });
    expect(verdicts(outcome.status)["Degraded"]).toBe(verdict);
    expect(outcome.requeueAfterMs).toBe(60_000);
  });

  test("that another Capability scales is left alone", () => {
    const work = { ...idle, items: 90 };
    const outcome = scaled({ work, target: target(1, []), scaledAlreadyBy: "older" });
    expect(verdicts(outcome.status)["Degraded"]).toBe("True/RouteAlreadyScaled");
    expect(outcome.actions.filter(({ type }) => type === "scale")).toEqual([]);
  });

  test("that could not be read now changes nothing and is read again", () => {
    const { memory } = scaled({ work: idle, target: target(1, []) });
    const outcome = scaled({ work: idle }, memory === undefined ? {} : { memory });
    expect(outcome.memory).toBe(memory);
    expect(outcome.requeueAfterMs).toBe(15_000);
  });

  test("that is taken out of the spec lets its candidates work again", () => {
    const worker = { pod: pod("w", { removedFirst: true }), report: report(pool()) };
    const candidates = [{ podUid: "uid-w", askedAtMs: nowMs, loweredAtMs: nowMs }];
    const memory = {
      wish: { wishes: [], workedAtMs: nowMs },
      scaleIn: { candidates, restUntilMs: 0 },
    };
    const shown = observed({ pods: [worker], memory });
    const outcome = reconcileCapability(storedCapability(), shown, nowMs);
    expect(outcome.actions.slice(1)).toEqual([
      { type: "quiesce", podUids: [] },
      { type: "markPod", podName: "w", removedFirst: false },
    ]);
    expect([outcome.memory, outcome.status.scale]).toEqual([undefined, undefined]);
  });
});
