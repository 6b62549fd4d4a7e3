/**
 * The items of a queue against a dumb model: a list, scanned for everything. One provider that is
 * always there; any order of adds, credit, verbs, cancels and time.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Lease } from "../../../../../proto/gen/spillway/work/v1/work_pb.ts";
import { DemandRig } from "../../../../support/demand-rig.ts";

const durationMs = 5_000;
const maxRuntimeMs = 9_000;
const backoffMs = 300;
const maxAttempts = 3;
const maxItems = 6;

interface ModelItem {
  readonly sequence: number;
  readonly priority: number;
  readonly deadlineMs: number;
  state: string;
  failed: number;
  acquired: number;
  /** When it first became ready, which is its place; Infinity before. */
  readyMs: number;
  order: number;
  untilMs: number;
  runtimeMs: number;
  started: boolean;
}

/** The model: everything by scanning. */
class Model {
  readonly items: ModelItem[] = [];
  credit = 0;
  #order = 0;

  pending(): number {
    return this.items.filter(({ state }) => ["ready", "leased", "delayed"].includes(state)).length;
  }

  add(fields: { priority: number; delayMs: number; deadlineMs: number }, nowMs: number): void {
    const item: ModelItem = {
      sequence: this.items.length + 1,
      priority: fields.priority,
      deadlineMs: nowMs + fields.deadlineMs,
      state: "delayed",
      failed: 0,
      acquired: 0,
      readyMs: Infinity,
      order: 0,
      untilMs: nowMs + fields.delayMs,
      runtimeMs: Infinity,
      started: false,
    };
    this.items.push(item);
    this.#wake(item, nowMs);
  }

  /** What time does by itself up to now, one moment after the other. */
  pass(nowMs: number): void {
    for (;;) {
      const next = Math.min(...this.items.map((item) => this.#due(item)));
      if (next > nowMs) return;
      const due = this.items.filter((item) => this.#due(item) === next);
      for (const item of due) this.#happen(item, next);
      this.grant(next);
    }
  }

  grant(nowMs: number): void {
    while (this.credit > 0) {
      const rank = (item: ModelItem): number =>
        item.priority + Math.floor((nowMs - item.readyMs) / 30_000);
      const [best] = this.items
        .filter(({ state }) => state === "ready")
        .sort((left, right) => rank(right) - rank(left) || left.order - right.order);
      if (best === undefined) return;
      this.credit -= 1;
      best.state = "leased";
      best.acquired += 1;
      best.untilMs = nowMs + durationMs;
      best.runtimeMs = Infinity;
      best.started = false;
    }
  }

  fail(item: ModelItem, nowMs: number): void {
    item.failed += 1;
    if (item.failed >= maxAttempts) {
      item.state = "dead";
      return;
    }
    item.state = "delayed";
    item.untilMs = nowMs + backoffMs;
  }

  #due(item: ModelItem): number {
    if (item.state === "ready") return item.deadlineMs;
    if (item.state === "delayed") return Math.min(item.deadlineMs, item.untilMs);
    if (item.state !== "leased") return Infinity;
    return Math.min(item.deadlineMs, item.untilMs, item.runtimeMs);
  }

  #happen(item: ModelItem, nowMs: number): void {
    if (item.deadlineMs <= nowMs) item.state = "expired";
    else if (item.state === "delayed") this.#wake(item, nowMs);
    else if (item.started) this.fail(item, nowMs);
    else item.state = "ready";
  }

  #wake(item: ModelItem, nowMs: number): void {
    if (item.untilMs > nowMs) return;
    item.state = "ready";
    if (item.order > 0) return;
    this.#order += 1;
    item.order = this.#order;
    item.readyMs = nowMs;
  }
}

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("add" as const),
      priority: fc.integer({ min: 3, max: 5 }),
      delayMs: fc.constantFrom(0, 0, 0, 700),
      deadlineMs: fc.constantFrom(Infinity, Infinity, 4_321),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("credit" as const),
      by: fc.integer({ min: 1, max: 3 }),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constantFrom("start", "complete", "fail", "reject", "release", "renew", "cancel"),
      which: fc.nat(7),
    }),
  },
  // Odd lengths: two timers of the model never fall on one moment by accident of the numbers.
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("pass" as const),
      ms: fc.constantFrom(1, 113, 997, 5_003, 31_013),
    }),
  },
);

test("any history gives the states that scanning a list gives", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const rig = new DemandRig(
        {
          lease: { durationMs, maxRuntimeMs },
          retry: { maxAttempts, backoff: { initialMs: 600, maxMs: 600, factor: 1 } },
          queue: { maxItems },
        },
        { random: 0.5 },
      );
      const worker = rig.provider("worker-0");
      const model = new Model();
      for (const action of steps) {
        // Every step at a moment of its own.
        rig.pass(7);
        model.pass(rig.nowMs);
        switch (action.kind) {
          case "add": {
            const { priority, delayMs, deadlineMs } = action;
            const room = model.pending() < maxItems;
            const reply = rig.tryAdd({
              priority,
              delayMs,
              ...(deadlineMs !== Infinity && { deadlineMs }),
            });
            expect(reply?.kind).toBe(room ? "added" : "refused");
            if (room) model.add({ priority, delayMs, deadlineMs }, rig.nowMs);
            break;
          }
          case "credit":
            worker.credit(action.by);
            model.credit += action.by;
            break;
          case "pass":
            rig.pass(action.ms);
            model.pass(rig.nowMs);
            break;
          default:
            act(rig, worker, model, action);
        }
        model.grant(rig.nowMs);
        for (const item of model.items) {
          const { state, failed, acquired } = rig.item(item.sequence);
          expect({ sequence: item.sequence, state, failed, acquired }).toEqual({
            sequence: item.sequence,
            state: item.state,
            failed: item.failed,
            acquired: item.acquired,
          });
        }
      }
    }),
    { numRuns: 300 },
  );
});

function act(
  rig: DemandRig,
  worker: ReturnType<DemandRig["provider"]>,
  model: Model,
  action: { readonly kind: string; readonly which: number },
): void {
  const item = model.items[action.which];
  if (item === undefined) return;
  const live = item.state === "leased";
  const lease = leaseOf(worker, item.sequence);
  if (action.kind === "cancel") {
    rig.cancel(item.sequence);
    if (["ready", "leased", "delayed"].includes(item.state)) item.state = "cancelled";
    return;
  }
  // Verbs on what is not held are other tests' business.
  if (lease === undefined || !live) return;
  switch (action.kind) {
    case "start":
      worker.started(lease);
      if (!item.started) item.runtimeMs = rig.nowMs + maxRuntimeMs;
      item.started = true;
      return;
    case "renew":
      worker.renew([lease]);
      item.untilMs = rig.nowMs + durationMs;
      return;
    case "complete":
      worker.complete(lease);
      item.state = "done";
      return;
    case "fail":
      worker.fail(lease);
      model.fail(item, rig.nowMs);
      return;
    case "reject":
      worker.reject(lease);
      item.failed += 1;
      item.state = "dead";
      return;
    case "release":
      worker.release(lease);
      item.state = "ready";
      return;
    default:
      throw new Error(action.kind);
  }
}

function leaseOf(worker: ReturnType<DemandRig["provider"]>, sequence: number): Lease | undefined {
  return worker
    .deliveries()
    .map(({ lease }) => lease)
    .findLast((lease) => lease?.sequence === BigInt(sequence));
}
