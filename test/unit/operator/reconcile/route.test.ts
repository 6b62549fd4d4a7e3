import { describe, expect, test } from "vitest";
import {
  type QueuePod,
  routeOf,
  scaledAlreadyBy,
  selectedPods,
  workOfRoute,
} from "../../../../operator/reconcile/index.ts";
import type { StoredCapability } from "../../../../operator/schema/index.ts";
import type { Json } from "../../../support/manifests.ts";
import {
  items,
  pod,
  queue,
  readable,
  reporting,
  startMs,
  storedCapability,
  storedDemand,
} from "../../../support/reconcile-rig.ts";

function scaling(name: string, change: (it: Json) => void = () => {}): StoredCapability {
  const read = storedCapability((it) => {
    it.metadata.name = name;
    it.metadata.uid = `uid-${name}`;
    it.spec.scale = { targetRef: { kind: "Deployment", name: "worker" }, maxReplicas: 3 };
    change(it);
  });
  return readable(read);
}

describe("who scales a route", () => {
  test("a Demand and a Capability of the same messages and namespace share a route", () => {
    expect(routeOf(readable(storedDemand()))).toBe(routeOf(readable(storedCapability())));
  });

  test("the oldest one does, of two of the same second the one with the lower uid", () => {
    const [a, b] = [scaling("a"), scaling("b")];
    const older = scaling("z", (it) => {
      it.metadata.creationTimestamp = "2025-01-01T00:00:00Z";
    });
    expect(scaledAlreadyBy(a, [a, b])).toBeUndefined();
    expect(scaledAlreadyBy(b, [a, b])).toBe("a");
    expect(scaledAlreadyBy(a, [a, b, older])).toBe("z");
  });

  test("one of another route and target, or without scale, is no rival", () => {
    const own = scaling("b");
    const otherRoute = scaling("a", (it) => {
      it.spec.contract.request = "images.v1.Other";
      it.spec.scale.targetRef.name = "other";
    });
    const unscaled = scaling("a", (it) => {
      delete it.spec.scale;
    });
    const elsewhere = scaling("a", (it) => {
      it.metadata.namespace = "other";
    });
    expect(scaledAlreadyBy(own, [otherRoute, unscaled, elsewhere])).toBeUndefined();
  });

  test("one of another route with the same target is a rival", () => {
    const sameTarget = scaling("a", (it) => {
      it.spec.contract.request = "images.v1.Other";
    });
    expect(scaledAlreadyBy(scaling("b"), [sameTarget])).toBe("a");
  });
});

describe("the work of a route", () => {
  const busy = reporting(
    "a",
    queue({ items: items({ ready: 3, leased: 2, delayed: 9, dead: 1 }) }),
  );
  const nowMs = startMs + 100_000;

  test("is what is ready or leased", () => {
    const work = workOfRoute([busy], nowMs);
    expect(work).toEqual({ items: 5, unreported: [], changesAfterMs: Number.POSITIVE_INFINITY });
  });

  test("of a sidecar that went silent is what it said last", () => {
    const away = reporting("a", queue({ items: items({ ready: 3 }) }), { connected: false });
    expect(workOfRoute([away], nowMs).items).toBe(3);
  });

  test("of a pod that is gone after it reported is nothing", () => {
    expect(workOfRoute([{ ...busy, goneAtMs: nowMs }], nowMs)).toMatchObject({
      items: 0,
      unreported: [],
    });
  });

  const table: { readonly what: string; readonly it: QueuePod; readonly unknown: boolean }[] = [
    { what: "that never reported", it: { pod: pod("b") }, unknown: true },
    {
      what: "that reported, but not of this Demand",
      it: { pod: pod("b"), report: { receivedAtMs: nowMs, connected: true, quiesced: false } },
      unknown: true,
    },
    {
      what: "that never reported and is gone for 59 s",
      it: { pod: pod("b"), goneAtMs: nowMs - 59_999 },
      unknown: true,
    },
    {
      what: "that never reported and is gone for 60 s",
      it: { pod: pod("b"), goneAtMs: nowMs - 60_000 },
      unknown: false,
    },
    { what: "without a sidecar", it: { pod: pod("b", { injected: false }) }, unknown: false },
    { what: "that never ran", it: { pod: pod("b", { pending: true }) }, unknown: false },
    { what: "that ended", it: { pod: pod("b", { ended: true }) }, unknown: false },
  ];
  test.each(table)("of a pod $what is unknown: $unknown", ({ it, unknown }) => {
    expect(workOfRoute([it, busy], nowMs).unreported).toEqual(unknown ? ["b"] : []);
  });

  test("says when a pod that is gone stops being unknown", () => {
    const gone = { pod: pod("b"), goneAtMs: nowMs - 20_000 };
    expect(workOfRoute([gone], nowMs).changesAfterMs).toBe(40_000);
  });
});

test("a selector selects by labels, whatever the state of the pod", () => {
  const pods = [
    { pod: pod("a", { deleted: true }) },
    { pod: pod("b", { labels: { app: "worker" } }) },
  ];
  expect(selectedPods({ matchLabels: { app: "web" } }, pods)).toEqual([pods[0]]);
});
