/**
 * Metrics: each room declares its few in a file `metrics.ts` as data, so that docs/metrics.md is
 * made from the declarations, and registers them where the process is wired. Declaring has no
 * effect; there is no global registry. Source: https://github.com/siimon/prom-client (15).
 */
import {
  Counter as PromCounter,
  Gauge as PromGauge,
  Histogram as PromHistogram,
  Registry,
  collectDefaultMetrics,
} from "prom-client";
import { RuntimeError } from "./runtime-error.ts";

/** One metric. */
export interface MetricDeclaration {
  readonly kind: "counter" | "gauge" | "histogram";
  /** `spillway_ROOM_NOUN[_UNIT][_total]`; counters end in `_total`, units are base units. */
  readonly name: string;
  /** One sentence: what is counted. */
  readonly help: string;
  /** Label names; each value comes from a small closed set or a configured name. */
  readonly labels: readonly string[];
  /** Upper bounds of a histogram's buckets, rising. @default prom-client's, 5 ms … 10 s */
  readonly buckets?: readonly number[];
}

/** The declarations of a room, by the name its code uses. */
export interface MetricSet<D extends Readonly<Record<string, MetricDeclaration>>> {
  /** Room, for the docs: `sidecar/api`. */
  readonly room: string;
  readonly declarations: D;
}

/** Values of the declared labels. */
export type Labels<D extends MetricDeclaration> = Readonly<Record<D["labels"][number], string>>;

/** Only grows. */
export interface Counter<D extends MetricDeclaration> {
  /** @param by 0 or more. @default 1 */
  inc(labels: Labels<D>, by?: number): void;
}

/** Goes up and down. */
export interface Gauge<D extends MetricDeclaration> {
  set(labels: Labels<D>, value: number): void;
  /** Forgets every series; used before a collection sets those that still exist. */
  reset(): void;
}

/** Counts observations in buckets; about 1 µs each. */
export interface Histogram<D extends MetricDeclaration> {
  observe(labels: Labels<D>, value: number): void;
}

/** What registering a declaration gives. */
export type Handle<D extends MetricDeclaration> = D["kind"] extends "counter"
  ? Counter<D>
  : D["kind"] extends "gauge"
    ? Gauge<D>
    : Histogram<D>;

/** What registering a set gives. */
export type Handles<D extends Readonly<Record<string, MetricDeclaration>>> = {
  readonly [K in keyof D]: Handle<D[K]>;
};

/** Series of one metric at most; further label values are counted as one series `other`. */
export const maxSeriesPerMetric = 1_000;

const namePattern = /^spillway_[a-z0-9]+(_[a-z0-9]+)*$/;

/**
 * Declares a room's metrics; pure.
 * @throws {RuntimeError} `METRIC_INVALID` for a name outside the pattern or a counter without
 *   `_total`.
 */
export function declareMetrics<const D extends Readonly<Record<string, MetricDeclaration>>>(
  room: string,
  declarations: D,
): MetricSet<D> {
  for (const { kind, name, help } of Object.values(declarations)) {
    if (!namePattern.test(name) || (kind === "counter") !== name.endsWith("_total")) {
      throw new RuntimeError("METRIC_INVALID", `metric name ${name} does not fit its kind ${kind}`);
    }
    if (help.length === 0) throw new RuntimeError("METRIC_INVALID", `metric ${name} has no help`);
  }
  return { room, declarations };
}

/** The metrics of one process or one embedded node. */
export interface Metrics {
  /** @throws {RuntimeError} `METRIC_DECLARED_TWICE` when a name is taken. */
  register<D extends Readonly<Record<string, MetricDeclaration>>>(set: MetricSet<D>): Handles<D>;
  /** Calls back before each exposition: for gauges that mirror state. */
  onCollect(collect: () => void): void;
  /** @returns the Prometheus text form. */
  expose(): Promise<string>;
  /** Media type of `expose`. */
  readonly contentType: string;
}

/** Settings of `createMetrics`. */
export interface MetricsOptions {
  /** Adds prom-client's process figures (memory, CPU, event-loop lag). @default false */
  readonly processFigures?: boolean;
}

type AnyLabels = Readonly<Record<string, string>>;

/** Keeps a metric's series within the bound, whatever its callers pass. */
function boundSeries(labelNames: readonly string[]): (labels: AnyLabels) => AnyLabels {
  const known = new Set<string>();
  const other = Object.fromEntries(labelNames.map((name) => [name, "other"]));
  return (labels) => {
    if (labelNames.length === 0) return labels;
    const key = labelNames.map((name) => labels[name] ?? "").join("\u0000");
    if (known.has(key)) return labels;
    if (known.size >= maxSeriesPerMetric) return other;
    known.add(key);
    return labels;
  };
}

interface AnyHandle {
  inc(labels: AnyLabels, by?: number): void;
  set(labels: AnyLabels, value: number): void;
  reset(): void;
  observe(labels: AnyLabels, value: number): void;
}

/** A handle of every kind in one; the declared kind decides at compile time what is callable. */
function createHandle(registry: Registry, declaration: MetricDeclaration): AnyHandle {
  const { kind, name, help } = declaration;
  const labelNames = [...declaration.labels];
  const within = boundSeries(labelNames);
  const settings = { name, help, labelNames, registers: [registry] };
  const wrong = (): never => {
    throw new RuntimeError("METRIC_INVALID", `metric ${name} is a ${kind}`);
  };
  const refused: AnyHandle = { inc: wrong, set: wrong, reset: wrong, observe: wrong };
  switch (kind) {
    case "counter": {
      const counter = new PromCounter(settings);
      return { ...refused, inc: (labels, by = 1) => counter.inc(within(labels), by) };
    }
    case "gauge": {
      const gauge = new PromGauge(settings);
      return {
        ...refused,
        set: (labels, value) => gauge.set(within(labels), value),
        reset: () => gauge.reset(),
      };
    }
    case "histogram": {
      const buckets = declaration.buckets;
      const histogram = new PromHistogram({
        ...settings,
        ...(buckets === undefined ? {} : { buckets: [...buckets] }),
      });
      return { ...refused, observe: (labels, value) => histogram.observe(within(labels), value) };
    }
    default: {
      const never: never = kind;
      throw new RuntimeError("METRIC_INVALID", `unknown kind ${String(never)}`);
    }
  }
}

/** Makes an empty set of metrics; once per process, or per embedded node. */
export function createMetrics(options: MetricsOptions = {}): Metrics {
  const registry = new Registry();
  const collectors: (() => void)[] = [];
  if (options.processFigures === true) collectDefaultMetrics({ register: registry });

  // The overload is the typed face: which verbs a handle has follows from its declared kind.
  function register<D extends Readonly<Record<string, MetricDeclaration>>>(
    set: MetricSet<D>,
  ): Handles<D>;
  function register(set: MetricSet<Readonly<Record<string, MetricDeclaration>>>): unknown {
    const handles: Record<string, AnyHandle> = {};
    for (const [key, declaration] of Object.entries(set.declarations)) {
      if (registry.getSingleMetric(declaration.name) !== undefined) {
        const message = `metric ${declaration.name} of ${set.room} is registered already`;
        throw new RuntimeError("METRIC_DECLARED_TWICE", message);
      }
      handles[key] = createHandle(registry, declaration);
    }
    return handles;
  }

  return {
    register,
    onCollect: (collect) => {
      collectors.push(collect);
    },
    expose: async () => {
      for (const collect of collectors) collect();
      return registry.metrics();
    },
    contentType: registry.contentType,
  };
}
