/**
 * Events of `events.k8s.io/v1`: what `kubectl describe` shows under an object. Recording never
 * fails and never waits: an event that cannot be written is counted and dropped.
 */
import type { ApiClient } from "./api-client.ts";
import { EventSeries, type EventWrite } from "./core/event-series.ts";
import type { RuntimeMetrics } from "./metrics.ts";
import type { Surroundings } from "./ports.ts";
import { Pump } from "./pump.ts";
import { resourceType, type ApiObject } from "./resource-type.ts";

/** A reference to an object. */
export interface ObjectReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace?: string | undefined;
  readonly name: string;
  readonly uid?: string | undefined;
}

/** An Event. Source: Kubernetes API, `events.k8s.io/v1`. */
export interface Event extends ApiObject {
  readonly eventTime: string;
  readonly reportingController: string;
  readonly reportingInstance: string;
  readonly regarding: ObjectReference;
  readonly related?: ObjectReference;
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly action: string;
  readonly note: string;
  readonly series?: { readonly count: number; readonly lastObservedTime: string };
}

/** Where Events live. */
export const events = resourceType<Event>({
  group: "events.k8s.io",
  version: "v1",
  plural: "events",
  kind: "Event",
  namespaced: true,
});

/** What happened. */
export interface RecordedEvent {
  /** What it happened to. */
  readonly regarding: ObjectReference;
  /** A second object that takes part. */
  readonly related?: ObjectReference;
  readonly type: "Normal" | "Warning";
  /** Why, one word in CamelCase; cut at 128 characters. */
  readonly reason: string;
  /** What was done, one word in CamelCase; cut at 128 characters. */
  readonly action: string;
  /** A sentence; cut at 1,024 bytes. */
  readonly note: string;
}

/** Settings of a recorder. */
export interface EventRecorderOptions {
  /** Name of the controller, for example `example.com/controller`; at most 128 characters. */
  readonly reportingController: string;
  /** This process, for example the pod's name; at most 128 characters. */
  readonly reportingInstance: string;
}

/** What a recorder works with. */
export interface EventRecorderComponents {
  /** Guarded, so that who does not lead says nothing. */
  readonly client: ApiClient;
  readonly surroundings: Surroundings;
  readonly metrics: RuntimeMetrics;
}

/** The API's bounds of texts. */
const bounds = { wordCharacters: 128, noteBytes: 1_024 } as const;

/** Writes at once; more wait in line. */
const maxWaiting = 256;

interface Written {
  readonly namespace: string;
  /** Resolves to the event's name when it is written; undefined if that failed. */
  readonly name: Promise<string | undefined>;
}

/** Writes events in the background, one after the other. */
export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #components: EventRecorderComponents;
  readonly #series = new EventSeries();
  readonly #written = new Map<number, Written>();
  readonly #pump: Pump;
  #line: Promise<void> = Promise.resolve();
  #waitingCount = 0;
  #stopped = false;

  constructor(options: EventRecorderOptions, components: EventRecorderComponents) {
    this.#options = options;
    this.#components = components;
    const { clock, timers } = components.surroundings;
    this.#pump = new Pump({
      clock,
      timers,
      nextDeadlineMs: () => this.#series.nextDeadlineMs(),
      onDeadline: (nowMs) => {
        for (const write of this.#series.advance(nowMs)) this.#count(write);
      },
    });
  }

  /** Records an event; returns at once and never throws. */
  record(event: RecordedEvent): void {
    if (this.#stopped) return;
    const { regarding, type, reason, action, note } = event;
    const subject =
      regarding.uid ?? [regarding.kind, regarding.namespace, regarding.name].join("/");
    const statement = { regarding: subject, type, reason, action, note };
    const write = this.#series.say(statement, this.#components.surroundings.clock.nowMs());
    if (write.type === "create") this.#create(event, write.series);
    else this.#count(write);
    this.#pump.arm();
  }

  /** Nothing is recorded any more; waits for what is in line. Final. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#pump.close();
    await this.#line;
  }

  #create(recorded: RecordedEvent, series: number): void {
    const event = this.#eventOf(recorded);
    const { namespace = "default" } = event.metadata;
    const name = this.#inLine(async () => {
      const created = await this.#components.client.create(events, event);
      return created.metadata.name;
    });
    this.#written.set(series, { namespace, name });
    // Series are remembered as long as core/event-series.ts does, at most.
    const oldest = this.#written.keys().next();
    if (this.#written.size > 4_096 && oldest.done !== true) this.#written.delete(oldest.value);
  }

  #count(write: EventWrite): void {
    if (write.type === "dropped") this.#components.metrics.eventsDropped.inc({ reason: write.why });
    if (write.type !== "count") return;
    const written = this.#written.get(write.series);
    if (written === undefined) return;
    const { namespace } = written;
    const series = { count: write.count, lastObservedTime: this.#now() };
    void this.#inLine(async () => {
      const name = await written.name;
      if (name === undefined) return undefined;
      const patch = { series };
      await this.#components.client.patch(events, { namespace, name }, { type: "merge", patch });
      return name;
    });
  }

  #inLine(write: () => Promise<string | undefined>): Promise<string | undefined> {
    const { metrics, surroundings } = this.#components;
    if (this.#waitingCount >= maxWaiting) {
      metrics.eventsDropped.inc({ reason: "line" });
      return Promise.resolve(undefined);
    }
    this.#waitingCount += 1;
    const done = this.#line.then(write).catch((error: unknown) => {
      metrics.eventsDropped.inc({ reason: "failed" });
      surroundings.log.warn({ error }, "an event could not be written");
      return undefined;
    });
    this.#line = done.then(() => {
      this.#waitingCount -= 1;
    });
    return done;
  }

  #eventOf(recorded: RecordedEvent): Event {
    const { regarding, related, type, reason, action, note } = recorded;
    const { reportingController, reportingInstance } = this.#options;
    // Events of objects without a namespace live in the default one.
    const namespace = regarding.namespace ?? "default";
    return {
      metadata: { namespace, name: `${regarding.name.slice(0, 200)}.${this.#suffix()}` },
      eventTime: this.#now(),
      reportingController: cutWord(reportingController),
      reportingInstance: cutWord(reportingInstance),
      regarding,
      ...(related === undefined ? {} : { related }),
      type,
      reason: cutWord(reason),
      action: cutWord(action),
      note: cutBytes(note, bounds.noteBytes),
    };
  }

  #now(): string {
    const nowEpochMs = this.#components.surroundings.wallClock.nowEpochMs();
    return new Date(nowEpochMs).toISOString().replace(/Z$/, "000Z");
  }

  /** 16 hex digits: names are unique however many there are in a moment. */
  #suffix(): string {
    const { random, wallClock } = this.#components.surroundings;
    const time = Math.floor(wallClock.nowEpochMs()).toString(16).slice(-8).padStart(8, "0");
    const chance = Math.floor(random.next() * 2 ** 32);
    return time + chance.toString(16).padStart(8, "0");
  }
}

function cutWord(text: string): string {
  return text.slice(0, bounds.wordCharacters);
}

/** Cuts at a whole character. */
function cutBytes(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= maxBytes) return text;
  const mark = "…";
  const kept = bytes.subarray(0, maxBytes - Buffer.byteLength(mark)).toString("utf8");
  // A character that was cut in two decodes to the replacement character.
  return `${kept.replace(/\uFFFD+$/, "")}${mark}`;
}
