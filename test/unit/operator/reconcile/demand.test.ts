import { describe, expect, test } from "vitest";
import {
  type Observed,
  type QueueReport,
  reconcileDemand,
} from "../../../../operator/reconcile/index.ts";
import type { DemandStatus } from "../../../../operator/schema/index.ts";
import type { Json } from "../../../support/manifests.ts";
import {
  items,
  pod,
  queue,
  reporting,
  startMs,
  storedDemand,
} from "../../../support/reconcile-rig.ts";

const nowMs = startMs + 60_000;

function observed(change: Partial<Observed<QueueReport>> = {}): Observed<QueueReport> {
  return {
    pods: [],
    contract: { ok: true, descriptorSet: "abc" },
    leaderSinceMs: startMs,
    reconcilePaused: false,
    ...change,
  };
}

function verdict(status: DemandStatus, type: string): string | undefined {
  const found = status.conditions.find((it) => it.type === type);
  return found === undefined ? undefined : `${found.status}/${found.reason}`;
}

function verdicts(status: DemandStatus): Record<string, string | undefined> {
  return Object.fromEntries(status.conditions.map(({ type }) => [type, verdict(status, type)]));
}

const served = queue({ providers: ["p1"] });

describe("the conditions of a Demand", () => {
  const table: {
    readonly when: string;
    readonly pods?: Observed<QueueReport>["pods"];
    readonly change?: (it: Json) => void;
    readonly contract?: Observed<QueueReport>["contract"];
    readonly expected: Record<string, string>;
  }[] = [
    {
      when: "no pod is selected",
      expected: { Ready: "False/NoPods", Degraded: "False/AsExpected" },
    },
    {
      when: "the only selected pod is being deleted",
      pods: [{ ...reporting("a", served), pod: pod("a", { deleted: true }) }],
      expected: { Ready: "False/NoPods" },
    },
    {
      when: "the selected pod has no sidecar",
      pods: [{ pod: pod("a", { injected: false }) }],
      expected: { Ready: "False/SidecarMissing", Degraded: "True/SidecarMissing" },
    },
    {
      when: "the sidecar of a new pod has not come yet",
      pods: [{ pod: pod("a", { createdAtMs: startMs + 1 }) }],
      expected: { Ready: "False/ConfigNotApplied", Progressing: "False/Settled" },
    },
    {
      when: "no sidecar came to a new leader, although the pod is older",
      pods: [{ pod: pod("a") }],
      expected: { Ready: "False/ReportsStale", Degraded: "True/ReportsStale" },
    },
    {
      when: "the sidecar works by an older generation",
      pods: [reporting("a", served)],
      change: (it) => {
        it.metadata.generation = 2;
      },
      expected: { Ready: "False/ConfigNotApplied", Progressing: "True/ConfigNotApplied" },
    },
    {
      when: "one of two sidecars works by an older generation",
      pods: [
        reporting("a", served, { acknowledged: { generation: 2 } }),
        reporting("b", served, { acknowledged: { generation: 1 } }),
      ],
      change: (it) => {
        it.metadata.generation = 2;
      },
      expected: { Ready: "True/Serving", Progressing: "True/ConfigNotApplied" },
    },
    {
      when: "the sidecar refused the generation",
      pods: [reporting("a", served, { acknowledged: { generation: 1, refusal: "No room." } })],
      expected: { Ready: "False/ConfigNotApplied", Progressing: "True/ConfigNotApplied" },
    },
    {
      when: "no provider is connected",
      pods: [reporting("a", queue({ deficit: 1 }))],
      expected: { Ready: "False/NoProviders", Degraded: "True/BelowDesired" },
    },
    {
      when: "a provider is connected and none is missing",
      pods: [reporting("a", served)],
      expected: {
        Accepted: "True/Valid",
        Ready: "True/Serving",
        Progressing: "False/Settled",
        Degraded: "False/AsExpected",
      },
    },
    {
      when: "one of two sidecars went away ten seconds ago",
      pods: [
        reporting("a", served),
        reporting("b", served, { connected: false, receivedAtMs: nowMs - 10_000 }),
      ],
      expected: { Ready: "True/Serving", Degraded: "True/ReportsStale" },
    },
    {
      when: "the last sidecar went away ten seconds ago",
      pods: [reporting("a", served, { connected: false, receivedAtMs: nowMs - 10_000 })],
      expected: { Ready: "False/ReportsStale", Degraded: "True/ReportsStale" },
    },
    {
      when: "the sidecar went away a moment ago, as a restart does",
      pods: [reporting("a", served, { connected: false, receivedAtMs: nowMs - 9_999 })],
      expected: { Ready: "True/Serving", Degraded: "False/AsExpected" },
    },
    {
      when: "spec.paused is set",
      pods: [reporting("a", served)],
      change: (it) => {
        it.spec.paused = true;
      },
      expected: { Ready: "True/Serving", Progressing: "False/Paused" },
    },
    {
      when: "the contract is not found",
      pods: [reporting("a", served)],
      contract: { ok: false, problem: "There is no ConfigMap images." },
      expected: { Accepted: "False/ContractUnresolved", Ready: "False/ContractUnresolved" },
    },
    {
      when: "the stored spec breaks a newer rule",
      change: (it) => {
        it.spec.maxProviders = 0;
      },
      expected: { Accepted: "False/SpecInvalid", Ready: "False/SpecInvalid" },
    },
    {
      when: "the spec asks for what this version does not do",
      change: (it) => {
        it.spec.queue = { durability: "Disk" };
      },
      expected: { Accepted: "False/NotCarriedOut" },
    },
  ];
  test.each(table)("when $when", ({ pods = [], change, contract, expected }) => {
    const shown = observed({ pods, ...(contract === undefined ? {} : { contract }) });
    const { status } = reconcileDemand(storedDemand(change), shown, nowMs);
    expect(verdicts(status)).toMatchObject(expected);
  });

  test("are all present from the first look, with the generation", () => {
    const { status } = reconcileDemand(storedDemand(), observed(), nowMs);
    expect(status.conditions.map(({ type }) => type)).toEqual([
      "Accepted",
      "Ready",
      "Progressing",
      "Degraded",
    ]);
    expect(status.conditions.every((it) => it.observedGeneration === 1)).toBe(true);
    expect(status.observedGeneration).toBe(1);
  });

  test("keep the time of their last change while they stand", () => {
    const first = reconcileDemand(storedDemand(), observed(), nowMs).status;
    const withStatus = storedDemand((it) => {
      it.status = first;
    });
    const pods = [reporting("a", served)];
    const { status } = reconcileDemand(withStatus, observed({ pods }), nowMs + 5_000);
    const timeOf = (type: string): string | undefined =>
      status.conditions.find((it) => it.type === type)?.lastTransitionTime;
    expect(timeOf("Accepted")).toBe("2026-01-01T00:01:00Z");
    expect(timeOf("Ready")).toBe("2026-01-01T00:01:05Z");
  });

  test("name the fields that are refused", () => {
    const read = storedDemand((it) => {
      it.spec.maxProviders = 0;
    });
    const { status } = reconcileDemand(read, observed(), nowMs);
    expect(status.conditions[0]?.message).toMatch(/^spec\.maxProviders /);
  });
});

describe("an edit of a Demand that is ready", () => {
  const pods = [reporting("a", served)];
  const ready = reconcileDemand(storedDemand(), observed({ pods }), nowMs).status;
  const edited = (status: DemandStatus) =>
    storedDemand((it) => {
      it.status = status;
      it.metadata.generation = 2;
    });

  test("is no outage: Ready stands, for the generation before, while sidecars take it over", () => {
    const outcome = reconcileDemand(edited(ready), observed({ pods }), nowMs);
    expect(verdicts(outcome.status)).toMatchObject({
      Ready: "True/Serving",
      Progressing: "True/ConfigNotApplied",
    });
    const generations = outcome.status.conditions.map((it) => [it.type, it.observedGeneration]);
    expect(generations).toContainEqual(["Accepted", 2]);
    expect(generations).toContainEqual(["Ready", 1]);
    expect([outcome.requeueAfterMs, outcome.events]).toEqual([5_000, []]);
  });

  test("that no sidecar takes over in time is one", () => {
    const first = reconcileDemand(edited(ready), observed({ pods }), nowMs).status;
    const before = reconcileDemand(edited(first), observed({ pods }), nowMs + 4_000);
    expect(verdict(before.status, "Ready")).toBe("True/Serving");
    const after = reconcileDemand(edited(before.status), observed({ pods }), nowMs + 5_000);
    expect(verdict(after.status, "Ready")).toBe("False/ConfigNotApplied");
  });

  test("that the sidecar refuses is one at once", () => {
    const refusing = { acknowledged: { generation: 2, refusal: "No room." } };
    const shown = observed({ pods: [reporting("a", served, refusing)] });
    const { status } = reconcileDemand(edited(ready), shown, nowMs);
    expect(verdict(status, "Ready")).toBe("False/ConfigNotApplied");
  });
});

describe("the counts of a Demand", () => {
  test("are sums over the sidecars that are there, providers counted once", () => {
    const pods = [
      reporting(
        "a",
        queue({
          items: items({ ready: 2, leased: 1 }),
          providers: ["p1", "p2"],
          deficit: 1,
          oldestReadyMs: 5_000,
        }),
      ),
      reporting("b", queue({ items: items({ ready: 3, dead: 4 }), providers: ["p2"], deficit: 2 })),
      reporting("c", queue({ items: items({ ready: 100 }) }), { connected: false }),
    ];
    const { status } = reconcileDemand(storedDemand(), observed({ pods }), nowMs);
    expect(status).toMatchObject({
      selectedPods: 3,
      queues: 2,
      items: { ready: 5, delayed: 0, leased: 1, done: 0, dead: 4, cancelled: 0, expired: 0 },
      connectedProviders: 2,
      providerDeficit: 3,
      oldestReadySince: "2025-12-31T23:59:56Z",
    });
  });

  test("say nothing of items while nothing is known of them", () => {
    const pods = [{ pod: pod("a") }];
    const { status } = reconcileDemand(storedDemand(), observed({ pods }), nowMs);
    expect(status.items).toBeUndefined();
  });

  test("keep the time of the oldest item when only the clock of a report wanders", () => {
    const waiting = (receivedAtMs: number) =>
      reporting("a", queue({ oldestReadyMs: 5_000 + receivedAtMs - startMs }), {
        receivedAtMs: receivedAtMs + 900,
      });
    const first = reconcileDemand(
      storedDemand(),
      observed({ pods: [waiting(startMs)] }),
      nowMs,
    ).status;
    const read = storedDemand((it) => {
      it.status = first;
    });
    const pods = [{ ...waiting(startMs + 7_000) }];
    const next = reconcileDemand(read, observed({ pods }), nowMs + 8_000).status;
    expect(next).toEqual(first);
  });
});

describe("a new leader", () => {
  const settled = reconcileDemand(
    storedDemand(),
    observed({ pods: [reporting("a", served)] }),
    nowMs,
  ).status;
  const known = storedDemand((it) => {
    it.status = settled;
  });
  const silent = [{ pod: pod("a") }];

  test("says nothing new before the sidecars had time to come", () => {
    const { status, requeueAfterMs } = reconcileDemand(
      known,
      observed({ pods: silent }),
      startMs + 1_000,
    );
    expect(status).toEqual(settled);
    expect(requeueAfterMs).toBe(14_000);
  });

  test("says that they did not come when that time is over", () => {
    const { status } = reconcileDemand(known, observed({ pods: silent }), startMs + 15_000);
    expect(verdict(status, "Ready")).toBe("False/ReportsStale");
  });

  test("does not wait with an edited spec", () => {
    const edited = storedDemand((it) => {
      it.status = settled;
      it.metadata.generation = 2;
    });
    const { status } = reconcileDemand(edited, observed({ pods: silent }), startMs + 1_000);
    expect(status.observedGeneration).toBe(2);
  });

  test("does not wait for a pod that is younger than itself", () => {
    const pods = [{ pod: pod("a", { createdAtMs: startMs + 500 }) }];
    const { status } = reconcileDemand(known, observed({ pods }), startMs + 1_000);
    expect(verdict(status, "Ready")).toBe("False/ConfigNotApplied");
  });
});

describe("what is done for a Demand", () => {
  test("an accepted one is served", () => {
    const { actions, requeueAfterMs } = reconcileDemand(storedDemand(), observed(), nowMs);
    expect(actions).toEqual([{ type: "serve", descriptorSet: "abc" }]);
    expect(requeueAfterMs).toBe(Number.POSITIVE_INFINITY);
  });

  test("what nobody knows is left out of the status; without pods it is known to be nothing", () => {
    const counted = (pods: Observed<QueueReport>["pods"]) => {
      const { status } = reconcileDemand(storedDemand(), observed({ pods }), nowMs);
      const { items: all, connectedProviders, providerDeficit } = status;
      return [all?.ready, connectedProviders, providerDeficit];
    };
    const stale = reporting("a", served, { connected: false, receivedAtMs: startMs });
    expect(counted([stale])).toEqual([undefined, undefined, undefined]);
    expect(counted([])).toEqual([0, 0, 0]);
    expect(counted([stale, reporting("b", served)])).toEqual([0, 1, 0]);
  });

  test("a refused one leaves the sidecars as they are and waits for a change", () => {
    const contract = { ok: false, problem: "There is no ConfigMap images." } as const;
    const outcome = reconcileDemand(storedDemand(), observed({ contract }), nowMs);
    expect(outcome.actions).toEqual([]);
    expect(outcome.requeueAfterMs).toBe(Number.POSITIVE_INFINITY);
    expect(outcome.events).toEqual([
      { type: "Warning", reason: "ContractUnresolved", note: "There is no ConfigMap images." },
    ]);
  });

  test("a paused one is left alone, and says so", () => {
    const shown = observed({ reconcilePaused: true, pods: [reporting("a", served)] });
    const outcome = reconcileDemand(storedDemand(), shown, nowMs);
    expect(outcome.actions).toEqual([]);
    expect(verdict(outcome.status, "Progressing")).toBe("Unknown/Paused");
    const again = storedDemand((it) => {
      it.status = outcome.status;
    });
    expect(reconcileDemand(again, shown, nowMs + 1_000).status).toEqual(outcome.status);
  });

  test("a paused one says nothing of a generation that nobody looked at", () => {
    const before = reconcileDemand(storedDemand(), observed(), nowMs).status;
    const edited = storedDemand((it) => {
      it.status = before;
      it.metadata["generation"] = 2;
    });
    const shown = observed({ reconcilePaused: true });
    const { conditions, observedGeneration } = reconcileDemand(edited, shown, nowMs + 5_000).status;
    expect(observedGeneration).toBe(1);
    const judged = (all: DemandStatus["conditions"]) =>
      all.filter(({ type }) => type !== "Progressing");
    expect(judged(conditions)).toEqual(judged(before.conditions));
  });

  test("work that begins and stops is an event, once", () => {
    const before = reconcileDemand(storedDemand(), observed(), nowMs);
    const known = storedDemand((it) => {
      it.status = before.status;
    });
    const begun = reconcileDemand(known, observed({ pods: [reporting("a", served)] }), nowMs);
    expect(begun.events).toEqual([expect.objectContaining({ type: "Normal", reason: "Serving" })]);
    const running = storedDemand((it) => {
      it.status = begun.status;
    });
    const same = reconcileDemand(running, observed({ pods: [reporting("a", served)] }), nowMs);
    expect(same.events).toEqual([]);
    const stopped = reconcileDemand(running, observed(), nowMs);
    expect(stopped.events).toEqual([
      expect.objectContaining({ type: "Warning", reason: "NoPods" }),
    ]);
  });

  test("its time to be looked at again is when a closed stream counts as gone", () => {
    const pods = [reporting("a", served, { connected: false, receivedAtMs: nowMs - 4_000 })];
    const { requeueAfterMs } = reconcileDemand(storedDemand(), observed({ pods }), nowMs);
    expect(requeueAfterMs).toBe(6_000);
  });
});
