/**
 * A small cluster from a seed: queues, workers, a controller that removes pods, and an operator
 * that is at times away or another one. What must hold at every moment, and what in the end.
 */
import { describe, expect, test } from "vitest";
import {
  type QueueReport,
  reconcileCapability,
  type ScaleMemory,
  type SelectedPod,
  type SidecarReport,
  type PoolReport,
  workOfRoute,
} from "../../../../operator/reconcile/index.ts";
import type { CapabilityStatus } from "../../../../operator/schema/index.ts";
import {
  items,
  pod,
  pool,
  queue,
  report,
  startMs,
  storedCapability,
} from "../../../support/reconcile-rig.ts";
import { SeededRandom } from "../../../support/seeded-random.ts";

interface Worker {
  readonly name: string;
  readonly createdAtMs: number;
  startsAtMs: number;
  busyUntilMs: number;
  quiesced: boolean;
  marked: boolean;
  reported: SidecarReport<PoolReport> | undefined;
}

interface Producer {
  readonly name: string;
  waiting: number;
  reported: SidecarReport<QueueReport> | undefined;
}

const stepMs = 500;
const maxReplicas = 6;

class SmallCluster {
  readonly random: SeededRandom;
  nowMs = startMs;
  replicas = 2;
  version = 1;
  workers: Worker[] = [];
  producers: Producer[] = [{ name: "p0", waiting: 0, reported: undefined }];
  leaderSinceMs = startMs;
  awayUntilMs = 0;
  memory: ScaleMemory | undefined;
  status: CapabilityStatus | undefined;
  next = 0;
  /** Pods that the target's controller removed while they worked. */
  lostWork = 0;
  lowered = 0;
  writes = 0;

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
  }

  /** One step; `busy` producers get new items, otherwise the cluster only finishes. */
  step(busy: boolean): void {
    this.nowMs += stepMs;
    this.#work(busy);
    this.#controlReplicas();
    this.#report();
    if (this.nowMs < this.awayUntilMs) return;
    if (busy && this.random.next() < 0.01) this.#replaceOperator();
    else this.#reconcile();
  }

  #work(busy: boolean): void {
    if (busy && this.random.next() < 0.02) {
      const lucky = Math.floor(this.random.next() * this.producers.length);
      const producer = this.producers[lucky];
      if (producer !== undefined) producer.waiting += Math.floor(this.random.next() * 40);
    }
    for (const worker of this.workers) {
      const free = worker.busyUntilMs <= this.nowMs && worker.startsAtMs <= this.nowMs;
      const source = this.producers.find(({ waiting }) => waiting > 0);
      if (!free || worker.quiesced || source === undefined) continue;
      source.waiting -= 1;
      worker.busyUntilMs = this.nowMs + 200 + this.random.next() * 4_000;
    }
    if (busy && this.random.next() < 0.01) {
      this.producers.push({ name: `p${this.next++}`, waiting: 0, reported: undefined });
    }
  }

  /** The Deployment's controller: starts missing pods, removes marked ones first. */
  #controlReplicas(): void {
    while (this.workers.length < this.replicas) {
      this.workers.push({
        name: `w${this.next++}`,
        createdAtMs: this.nowMs,
        startsAtMs: this.nowMs + 1_000,
        busyUntilMs: 0,
        quiesced: false,
        marked: false,
        reported: undefined,
      });
    }
    while (this.workers.length > this.replicas) {
      const order = this.workers.toSorted(
        (a, b) =>
          Number(b.startsAtMs > this.nowMs) - Number(a.startsAtMs > this.nowMs) ||
          Number(b.marked) - Number(a.marked),
      );
      const victim = order[0];
      if (victim === undefined) return;
      if (victim.busyUntilMs > this.nowMs) this.lostWork += 1;
      this.workers = this.workers.filter((it) => it !== victim);
    }
  }

  /** Sidecars report to the leader at once or a few steps late. */
  #report(): void {
    if (this.nowMs < this.awayUntilMs) return;
    for (const producer of this.producers) {
      if (this.random.next() < 0.3) continue;
      producer.reported = report(queue({ items: items({ ready: producer.waiting }) }), {
        receivedAtMs: this.nowMs,
      });
    }
    for (const worker of this.workers) {
      if (this.random.next() < 0.3 || worker.startsAtMs > this.nowMs) continue;
      const running = worker.busyUntilMs > this.nowMs ? 1 : 0;
      worker.reported = report(pool({ running }), {
        receivedAtMs: this.nowMs,
        quiesced: worker.quiesced && running === 0,
      });
    }
  }

  /** Another leader, after a while without: what was remembered and reported is gone. */
  #replaceOperator(): void {
    this.awayUntilMs = this.nowMs + this.random.next() * 60_000;
    this.leaderSinceMs = this.awayUntilMs;
    this.memory = undefined;
    for (const it of [...this.producers, ...this.workers]) it.reported = undefined;
    // Without an operator QUIESCE does not last.
    for (const worker of this.workers) worker.quiesced = false;
  }

  #reconcile(): void {
    const pods = this.workers.map(
      (it): SelectedPod<PoolReport> => ({
        pod: pod(it.name, {
          createdAtMs: it.createdAtMs,
          pending: it.startsAtMs > this.nowMs,
          removedFirst: it.marked,
        }),
        ...(it.reported === undefined ? {} : { report: it.reported }),
      }),
    );
    const queues = this.producers.map(
      (it): SelectedPod<QueueReport> => ({
        pod: pod(it.name),
        ...(it.reported === undefined ? {} : { report: it.reported }),
      }),
    );
    const known = queues.every((it) => it.report !== undefined);
    const read = storedCapability((it) => {
      it.spec.scale = {
        targetRef: { kind: "Deployment", name: "worker" },
        minReplicas: 0,
        maxReplicas,
        itemsPerReplica: 5,
        idleAfter: "10s",
        stabilization: "5s",
      };
      it.status = this.status;
    });
    const podUids = new Set(pods.map((it) => it.pod.uid));
    const outcome = reconcileCapability(
      read,
      {
        pods,
        contract: { ok: true, descriptorSet: "abc" },
        leaderSinceMs: this.leaderSinceMs,
        reconcilePaused: false,
        scaling: {
          work: workOfRoute(queues, this.nowMs),
          target: {
            found: true,
            replicas: this.replicas,
            pods: this.workers.length,
            resourceVersion: String(this.version),
            podUids,
          },
        },
        ...(this.memory === undefined ? {} : { memory: this.memory }),
      },
      this.nowMs,
    );
    this.memory = outcome.memory;
    if (JSON.stringify(this.status) !== JSON.stringify(outcome.status)) this.writes += 1;
    this.status = outcome.status;
    for (const action of outcome.actions) {
      if (action.type === "scale") {
        if (action.replicas < this.replicas) {
          // Unknown is not zero.
          expect(known).toBe(true);
          this.lowered += 1;
        }
        expect(action.replicas).toBeLessThanOrEqual(maxReplicas);
        this.replicas = action.replicas;
        this.version += 1;
        this.writes += 1;
      } else if (action.type === "quiesce") {
        for (const it of this.workers) it.quiesced = action.podUids.includes(`uid-${it.name}`);
      } else if (action.type === "markPod") {
        this.writes += 1;
        const marked = this.workers.find(({ name }) => name === action.podName);
        if (marked !== undefined) marked.marked = action.removedFirst;
      }
    }
  }
}

describe("an operator that scales, is replaced and is away", () => {
  const seeds = Array.from({ length: 20 }, (_, seed) => seed + 1);
  test.each(seeds)("seed %i: removes no pod that works, and comes to rest", (seed) => {
    const cluster = new SmallCluster(seed);
    for (let turn = 0; turn < 2_000; turn += 1) cluster.step(true);
    for (let turn = 0; turn < 1_000; turn += 1) cluster.step(false);
    expect(cluster.lostWork).toBe(0);
    expect(cluster.lowered).toBeGreaterThan(0);
    expect(cluster.replicas).toBe(0);
    expect(cluster.workers).toEqual([]);
    const before = cluster.writes;
    for (let turn = 0; turn < 200; turn += 1) cluster.step(false);
    expect(cluster.writes).toBe(before);
  });
});
