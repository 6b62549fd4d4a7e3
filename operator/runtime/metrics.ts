/**
 * Metrics under the names of controller-runtime and client-go, so that dashboards made for those
 * work. Source: https://book.kubebuilder.io/reference/metrics-reference
 */
import { Counter, Gauge, Histogram, Registry } from "prom-client";

/** controller-runtime's buckets of `controller_runtime_reconcile_time_seconds`, s. */
const reconcileBuckets = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1,
  1.25, 1.5, 1.75, 2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9, 10, 15, 20, 25, 30, 40, 50, 60,
];

/** controller-runtime's buckets of `workqueue_*_seconds`: 10 ns … 1,000 s, tenfold. */
const queueBuckets = [1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 0.001, 0.01, 0.1, 1, 10, 100, 1_000];

/** What a queue says about itself when metrics are collected. */
export interface QueueFigures {
  /** Keys that wait for a worker. */
  readonly depth: number;
  /** How long each run has lasted, ms. */
  readonly runningForMs: readonly number[];
}

/** How a reconcile ended, as controller-runtime labels it. */
export type ReconcileResult = "success" | "error" | "requeue_after";

function reconcileMetrics(registers: Registry[]) {
  const labelNames = ["controller"];
  return {
    total: new Counter({
      name: "controller_runtime_reconcile_total",
      help: "Reconciliations, by result.",
      labelNames: ["controller", "result"],
      registers,
    }),
    errors: new Counter({
      name: "controller_runtime_reconcile_errors_total",
      help: "Reconciliations that failed.",
      labelNames,
      registers,
    }),
    terminal: new Counter({
      name: "controller_runtime_terminal_reconcile_errors_total",
      help: "Reconciliations that failed in a way that is not retried.",
      labelNames,
      registers,
    }),
    seconds: new Histogram({
      name: "controller_runtime_reconcile_time_seconds",
      help: "Length of a reconciliation.",
      labelNames,
      buckets: reconcileBuckets,
      registers,
    }),
    maxConcurrent: new Gauge({
      name: "controller_runtime_max_concurrent_reconciles",
      help: "Workers of the controller.",
      labelNames,
      registers,
    }),
    activeWorkers: new Gauge({
      name: "controller_runtime_active_workers",
      help: "Workers that are busy.",
      labelNames,
      registers,
    }),
  };
}

function queueMetrics(registers: Registry[], collect: () => void) {
  const labelNames = ["name", "controller"];
  const gauge = (name: string, help: string): Gauge =>
    new Gauge({ name, help, labelNames, registers });
  return {
    // The gauges below mirror state; the first of them to be collected sets them all.
    depth: new Gauge({
      name: "workqueue_depth",
      help: "Keys that wait for a worker.",
      labelNames,
      registers,
      collect,
    }),
    unfinished: gauge(
      "workqueue_unfinished_work_seconds",
      "Sum of how long the running work has lasted.",
    ),
    longest: gauge(
      "workqueue_longest_running_processor_seconds",
      "How long the longest running work has lasted.",
    ),
    adds: new Counter({
      name: "workqueue_adds_total",
      help: "Keys added.",
      labelNames,
      registers,
    }),
    retries: new Counter({
      name: "workqueue_retries_total",
      help: "Keys that came back after a failure.",
      labelNames,
      registers,
    }),
    waitSeconds: new Histogram({
      name: "workqueue_queue_duration_seconds",
      help: "How long a key waited for a worker.",
      labelNames,
      buckets: queueBuckets,
      registers,
    }),
    workSeconds: new Histogram({
      name: "workqueue_work_duration_seconds",
      help: "How long a worker had a key.",
      labelNames,
      buckets: queueBuckets,
      registers,
    }),
  };
}

function reflectorMetrics(registers: Registry[]) {
  const labelNames = ["name"];
  const counter = (name: string, help: string): Counter =>
    new Counter({ name, help, labelNames, registers });
  return {
    lists: counter("reflector_lists_total", "Lists begun, streamed ones included."),
    watches: counter("reflector_watches_total", "Watches begun."),
    failures: counter("reflector_failures_total", "Lists and watches that failed."),
    silences: counter("reflector_silences_total", "Watches given up because nothing came."),
    handlerErrors: counter("reflector_handler_errors_total", "Change handlers that threw."),
    items: new Gauge({
      name: "reflector_items",
      help: "Objects in the cache.",
      labelNames,
      registers,
    }),
  };
}

/** Every metric of the runtime, in one registry. One object per process; parts share it. */
export class RuntimeMetrics {
  /** Where they are registered; add more of the program's own. */
  readonly registry: Registry;
  /** Metrics of controllers. */
  readonly reconcile: ReturnType<typeof reconcileMetrics>;
  /** Metrics of work queues. */
  readonly queue: ReturnType<typeof queueMetrics>;
  /** Metrics of caches. */
  readonly reflector: ReturnType<typeof reflectorMetrics>;
  /** Requests to the API server, by status, method and host. */
  readonly requests: Counter;
  /** 1 for the leader, 0 for the others. */
  readonly leader: Gauge;
  /** Events that could not be written or were above their rate. */
  readonly eventsDropped: Counter;
  readonly #queues = new Map<string, () => QueueFigures>();

  /** @param registry where to register. @default a new one */
  constructor(registry: Registry = new Registry()) {
    this.registry = registry;
    const registers = [registry];
    this.reconcile = reconcileMetrics(registers);
    this.queue = queueMetrics(registers, () => {
      this.#collectQueues();
    });
    this.reflector = reflectorMetrics(registers);
    this.requests = new Counter({
      name: "rest_client_requests_total",
      help: "Requests to the API server, by status, method and host.",
      labelNames: ["code", "method", "host"],
      registers,
    });
    this.leader = new Gauge({
      name: "leader_election_master_status",
      help: "Whether this process leads.",
      labelNames: ["name"],
      registers,
    });
    this.eventsDropped = new Counter({
      name: "events_dropped_total",
      help: "Events that were not written, by reason.",
      labelNames: ["reason"],
      registers,
    });
  }

  /** Asks a queue for its figures at each collection, until it is told to forget it. */
  watchQueue(name: string, figures: () => QueueFigures): () => void {
    this.#queues.set(name, figures);
    return () => {
      this.#queues.delete(name);
      const labels = { name, controller: name };
      this.queue.depth.remove(labels);
      this.queue.unfinished.remove(labels);
      this.queue.longest.remove(labels);
    };
  }

  /** @returns the Prometheus text form. */
  expose(): Promise<string> {
    return this.registry.metrics();
  }

  /** Media type of `expose`. */
  get contentType(): string {
    return this.registry.contentType;
  }

  #collectQueues(): void {
    for (const [name, figures] of this.#queues) {
      const { depth, runningForMs } = figures();
      const labels = { name, controller: name };
      this.queue.depth.set(labels, depth);
      const sumMs = runningForMs.reduce((sum, lastedMs) => sum + lastedMs, 0);
      this.queue.unfinished.set(labels, sumMs / 1_000);
      this.queue.longest.set(labels, Math.max(0, ...runningForMs) / 1_000);
    }
  }
}
