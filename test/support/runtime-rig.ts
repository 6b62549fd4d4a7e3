/**
 * What tests of operator/runtime are built from: surroundings with fake time, a client, resources.
 */
import {
  ApiClient,
  type ApiObject,
  type LogLine,
  resourceType,
  RuntimeMetrics,
  type Surroundings,
} from "../../operator/runtime/index.ts";
import type { FakeApiServer } from "./fake-api-server.ts";
import { FakeTime } from "./fake-time.ts";
import { SeededRandom } from "./seeded-random.ts";

/** A namespaced resource of tests. */
export interface Widget extends ApiObject {
  readonly spec?: { readonly size: number };
}

/** Where Widgets live. */
export const widgets = resourceType<Widget>({
  group: "example.com",
  version: "v1",
  plural: "widgets",
  kind: "Widget",
  namespaced: true,
});

/** Path of the Widgets of namespace `default`. */
export const widgetsPath = "/apis/example.com/v1/namespaces/default/widgets";

/** A Widget of namespace `default`. */
export function widget(name: string, size = 1): Widget {
  return { metadata: { namespace: "default", name }, spec: { size } };
}

/** Surroundings of a test. */
export interface RuntimeRig {
  readonly time: FakeTime;
  /** The wall clock; a test may set it. */
  readonly wall: { epochMs: number };
  readonly surroundings: Surroundings;
  readonly metrics: RuntimeMetrics;
  /** Sentences that were logged. */
  readonly lines: string[];
  /** A client of a fake server. */
  client(server: FakeApiServer): ApiClient;
}

/** Builds surroundings: time passes only when the test says so; chance comes from one seed. */
export function runtimeRig(seed = 1): RuntimeRig {
  const time = new FakeTime();
  const wall = { epochMs: Date.parse("2026-01-01T00:00:00Z") };
  const lines: string[] = [];
  const metrics = new RuntimeMetrics();
  const line: LogLine = (_fields, message) => lines.push(message);
  const surroundings: Surroundings = {
    clock: time,
    // Runs with the fake time; `epochMs` is where it began.
    wallClock: { nowEpochMs: () => wall.epochMs + time.nowMs() },
    random: new SeededRandom(seed),
    timers: time,
    log: { info: line, warn: line, error: line },
  };
  const client = (server: FakeApiServer): ApiClient =>
    ApiClient.connect(server.credentials(), { surroundings, metrics });
  return { time, wall, surroundings, metrics, lines, client };
}

/** @returns the value of one series in the Prometheus text; undefined if it is not there. */
export async function seriesOf(
  metrics: RuntimeMetrics,
  name: string,
  ...labels: readonly string[]
): Promise<number | undefined> {
  const lines = (await metrics.expose()).split("\n");
  const line = lines.find(
    (text) =>
      (text.startsWith(`${name}{`) || text.startsWith(`${name} `)) &&
      labels.every((label) => text.includes(label)),
  );
  return line === undefined ? undefined : Number(line.slice(line.lastIndexOf(" ") + 1));
}
