import { describe, expect, it } from "vitest";
import {
  Controller,
  realSurroundings,
  type ReconcileAnswer,
} from "../../../../operator/runtime/index.ts";
import { runtimeRig, seriesOf } from "../../../support/runtime-rig.ts";

function controllerOf(
  reconcile: (key: string, signal: AbortSignal) => Promise<ReconcileAnswer>,
  options: { readonly concurrency?: number; readonly timeoutMs?: number } = {},
) {
  const rig = runtimeRig();
  const controller = new Controller(
    {
      name: "widget",
      reconcile: (key, { signal }) => reconcile(key, signal),
      ...options,
    },
    rig,
  );
  return { ...rig, controller };
}

/** A reconcile that ends when the test says so. */
function held() {
  const running = new Map<string, (answer: ReconcileAnswer) => void>();
  const reconcile = (key: string): Promise<ReconcileAnswer> =>
    new Promise((resolve) => {
      running.set(key, (answer) => {
        running.delete(key);
        resolve(answer);
      });
    });
  return { running, reconcile };
}

describe("a controller", () => {
  it("works on nothing before it is started, then on every key", async () => {
    const seen: string[] = [];
    const { controller, time } = controllerOf(async (key) => {
      seen.push(key);
      return {};
    });
    controller.enqueue("a");
    controller.enqueue("b");
    controller.enqueue("a");
    await time.elapse(1_000);
    expect(seen).toEqual([]);
    controller.start();
    await time.elapse(0);
    expect(seen).toEqual(["a", "b"]);
  });

  it("works on as many keys at once as it has workers", async () => {
    const { running, reconcile } = held();
    const { controller, time } = controllerOf(reconcile, { concurrency: 2 });
    controller.start();
    for (const key of ["a", "b", "c"]) controller.enqueue(key);
    await time.elapse(0);
    expect([...running.keys()]).toEqual(["a", "b"]);
    expect(controller.depth).toBe(1);
    running.get("a")?.({});
    await time.elapse(0);
    expect([...running.keys()]).toEqual(["b", "c"]);
  });

  it("comes again after a failure, later each time", async () => {
    const atMs: number[] = [];
    const { controller, time, metrics } = controllerOf(async () => {
      atMs.push(time.nowMs() - 1_000);
      throw new Error("no luck");
    });
    controller.start();
    controller.enqueue("a");
    await time.elapse(40);
    expect(atMs).toEqual([0, 5, 15, 35]);
    const total = "controller_runtime_reconcile_total";
    expect(await seriesOf(metrics, total, 'result="error"')).toBe(4);
    expect(await seriesOf(metrics, "workqueue_retries_total")).toBe(4);
  });

  it("does not come again after a terminal error before the key is added again", async () => {
    let runs = 0;
    const { controller, time, metrics, lines } = controllerOf(async () => {
      runs += 1;
      return { terminalError: "the spec names no such thing" };
    });
    controller.start();
    controller.enqueue("a");
    await time.elapse(10_000_000);
    expect(runs).toBe(1);
    expect(lines).toEqual(["the spec names no such thing"]);
    const terminal = "controller_runtime_terminal_reconcile_errors_total";
    expect(await seriesOf(metrics, terminal)).toBe(1);
    controller.enqueue("a");
    await time.elapse(0);
    expect(runs).toBe(2);
  });

  it("comes again when a run asked for it", async () => {
    let runs = 0;
    const { controller, time, metrics } = controllerOf(async () => {
      runs += 1;
      return runs === 1 ? { requeueAfterMs: 30_000 } : {};
    });
    controller.start();
    controller.enqueue("a");
    await time.elapse(29_999);
    expect(runs).toBe(1);
    await time.elapse(1);
    expect(runs).toBe(2);
    const total = "controller_runtime_reconcile_total";
    expect(await seriesOf(metrics, total, 'result="requeue_after"')).toBe(1);
    expect(await seriesOf(metrics, total, 'result="success"')).toBe(1);
  });

  it("tells a run to end when it lasts too long", async () => {
    const why: unknown[] = [];
    const { controller, time } = controllerOf(
      (_key, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => {
            why.push(signal.reason);
            reject(new Error("ended"));
          });
        }),
      { timeoutMs: 5_000 },
    );
    controller.start();
    controller.enqueue("a");
    await time.elapse(4_999);
    expect(why).toEqual([]);
    await time.elapse(1);
    expect(why).toMatchObject([{ code: "TIMEOUT" }]);
  });

  it("lets others have a turn among many runs that wait for nothing", async () => {
    const { metrics } = runtimeRig();
    const done = Promise.withResolvers<undefined>();
    let runs = 0;
    let runsAtTurn: number | undefined;
    const reconcile = async (): Promise<ReconcileAnswer> => {
      runs += 1;
      if (runs === 1_000) done.resolve(undefined);
      return {};
    };
    const surroundings = realSurroundings();
    const controller = new Controller({ name: "widget", reconcile }, { surroundings, metrics });
    for (let at = 0; at < 1_000; at++) controller.enqueue(String(at));
    surroundings.timers.after(0, () => (runsAtTurn = runs));
    controller.start();
    await done.promise;
    expect(runsAtTurn).toBeLessThan(200);
    await controller.stop();
  });

  it("stops when what runs has ended, and begins nothing more", async () => {
    const { running, reconcile } = held();
    const { controller, time, metrics } = controllerOf(reconcile);
    controller.start();
    controller.enqueue("a");
    controller.enqueue("b");
    await time.elapse(0);
    let stopped = false;
    const stopping = controller.stop().then(() => (stopped = true));
    await time.elapse(100);
    expect(stopped).toBe(false);
    running.get("a")?.({ requeueAfterMs: 1 });
    await time.elapse(100);
    await stopping;
    controller.enqueue("c");
    await time.elapse(10_000);
    expect(running.size).toBe(0);
    expect(time.timerCount).toBe(0);
    expect(await seriesOf(metrics, "workqueue_depth")).toBeUndefined();
  });

  it("does not wait for ever for a run that hears its signal", async () => {
    const { controller, time } = controllerOf(
      (_key, signal) =>
        new Promise((resolve) => {
          signal.addEventListener("abort", () => {
            resolve({});
          });
        }),
    );
    controller.start();
    controller.enqueue("a");
    await time.elapse(0);
    const stopping = controller.stop(2_000);
    await time.elapse(2_000);
    await stopping;
  });

  it("shows its queue and its workers", async () => {
    const { running, reconcile } = held();
    const { controller, time, metrics } = controllerOf(reconcile);
    controller.start();
    controller.enqueue("a");
    controller.enqueue("b");
    await time.elapse(3_000);
    expect(running.size).toBe(1);
    expect(await seriesOf(metrics, "workqueue_depth", 'name="widget"')).toBe(1);
    expect(await seriesOf(metrics, "workqueue_unfinished_work_seconds")).toBe(3);
    expect(await seriesOf(metrics, "workqueue_longest_running_processor_seconds")).toBe(3);
    expect(await seriesOf(metrics, "controller_runtime_active_workers")).toBe(1);
    expect(await seriesOf(metrics, "controller_runtime_max_concurrent_reconciles")).toBe(1);
  });
});
