import { describe, expect, test } from "vitest";
import {
  createMetrics,
  declareMetrics,
  maxSeriesPerMetric,
} from "../../../../sidecar/runtime/metrics.ts";

const set = declareMetrics("sidecar/test", {
  added: { kind: "counter", name: "spillway_test_added_total", help: "Added.", labels: ["demand"] },
  depth: { kind: "gauge", name: "spillway_test_depth", help: "Depth.", labels: [] },
  wait: {
    kind: "histogram",
    name: "spillway_test_wait_seconds",
    help: "Wait.",
    labels: ["demand"],
    buckets: [0.1, 1],
  },
});

describe("declaring", () => {
  test.each([
    ["counter", "spillway_test_added"],
    ["gauge", "spillway_test_total"],
    ["gauge", "other_depth"],
    ["gauge", "spillway_Depth"],
    ["gauge", "spillway_a__b"],
  ] as const)("refuses a %s named %s", (kind, name) => {
    const declare = (): unknown =>
      declareMetrics("r", { a: { kind, name, help: "h", labels: [] } });
    expect(declare).toThrow(expect.objectContaining({ code: "METRIC_INVALID" }));
  });

  test("refuses a metric without help", () => {
    const declare = (): unknown =>
      declareMetrics("r", { a: { kind: "gauge", name: "spillway_a", help: "", labels: [] } });
    expect(declare).toThrow(expect.objectContaining({ code: "METRIC_INVALID" }));
  });
});

describe("metrics", () => {
  test("are exposed with help, type and labels", async () => {
    const metrics = createMetrics();
    const { added, depth, wait } = metrics.register(set);
    added.inc({ demand: "d" });
    added.inc({ demand: "d" }, 2);
    depth.set({}, 7);
    wait.observe({ demand: "d" }, 0.5);
    const text = await metrics.expose();
    expect(text).toContain("# HELP spillway_test_added_total Added.");
    expect(text).toContain('spillway_test_added_total{demand="d"} 3');
    expect(text).toContain("spillway_test_depth 7");
    expect(text).toContain('spillway_test_wait_seconds_bucket{le="1",demand="d"} 1');
    expect(metrics.contentType).toMatch(/^text\/plain/);
  });

  test("of one registry do not show in another", async () => {
    const first = createMetrics();
    const second = createMetrics();
    first.register(set).depth.set({}, 1);
    second.register(set).depth.set({}, 2);
    expect(await first.expose()).toContain("spillway_test_depth 1");
    expect(await second.expose()).toContain("spillway_test_depth 2");
  });

  test("refuse a name that is taken", () => {
    const metrics = createMetrics();
    metrics.register(set);
    expect(() => metrics.register(set)).toThrow(
      expect.objectContaining({ code: "METRIC_DECLARED_TWICE" }),
    );
  });

  test("collect mirrored gauges when they are read, and forget series that are gone", async () => {
    const metrics = createMetrics();
    const declared = declareMetrics("r", {
      items: { kind: "gauge", name: "spillway_items", help: "h", labels: ["demand"] },
    });
    const { items } = metrics.register(declared);
    let demands = ["a", "b"];
    metrics.onCollect(() => {
      items.reset();
      for (const demand of demands) items.set({ demand }, 1);
    });
    expect(await metrics.expose()).toContain('spillway_items{demand="b"} 1');
    demands = ["a"];
    expect(await metrics.expose()).not.toContain('demand="b"');
  });

  test("hold the number of series whatever the labels are", async () => {
    const metrics = createMetrics();
    const { added } = metrics.register(set);
    for (let n = 0; n < maxSeriesPerMetric + 50; n++) added.inc({ demand: `d${String(n)}` });
    const text = await metrics.expose();
    expect(text.match(/^spillway_test_added_total\{/gm)).toHaveLength(maxSeriesPerMetric + 1);
    expect(text).toContain('spillway_test_added_total{demand="other"} 50');
  });

  test("have the process figures when asked", async () => {
    expect(await createMetrics({ processFigures: true }).expose()).toContain(
      "nodejs_eventloop_lag",
    );
    expect(await createMetrics().expose()).not.toContain("nodejs_");
  });
});
