/**
 * A list-watch and a store before an API server that fails in every way it can: answers late,
 * breaks streams, lets them fall silent, sends events twice, lets events of an aborted stream
 * through, forgets its log, asks to wait. The clock of the list-watch may jump ahead.
 */
import { ListWatch, type ListWatchEffect } from "../../../operator/runtime/core/list-watch.ts";
import { ObjectStore } from "../../../operator/runtime/core/object-store.ts";
import type { SeededRandom } from "../../support/seeded-random.ts";
import { Collection, type Thing } from "./collection.ts";
import { Schedule } from "./schedule.ts";

/** An engine that is broken on purpose, to show that the checkers see it. */
export type ListWatchBreak = "keepsDeleted" | "hearsLateStreams" | "waitsForSilence";

interface Stream {
  readonly attempt: number;
  /** The last version that was handed to the wire. */
  sentVersion: number;
  life: "open" | "silent" | "closed";
}

const names = ["a", "b", "c", "d", "e", "f", "g", "h"];

/** See the head of the file. */
export class ListWatchWorld {
  /** What the checkers found. */
  readonly violations: string[] = [];
  readonly collection = new Collection();
  readonly store = new ObjectStore<Thing>();
  readonly schedule = new Schedule();
  readonly #random: SeededRandom;
  readonly #engine: ListWatch<Thing>;
  readonly #brokenBy: ListWatchBreak | undefined;
  /** Highest version that the store was seen with, by name. */
  readonly #seenVersions = new Map<string, number>();
  #stream: Stream | undefined;
  #attempt = 0;
  #snapshot: ReadonlyMap<string, Thing> | undefined;
  #faults = true;
  #skippedMs = 0;
  #syncedCount = 0;
  #requestCount = 0;
  #wakeAtMs = Infinity;

  constructor(random: SeededRandom, brokenBy?: ListWatchBreak) {
    this.#random = random;
    this.#brokenBy = brokenBy;
    const silenceMs = brokenBy === "waitsForSilence" ? 1e12 : 20_000;
    const streamedList = random.chance(0.5);
    this.#engine = new ListWatch<Thing>({ pageSize: 3, silenceMs, streamedList }, random.fork());
  }

  /**
   * Lives through `faultyMs` of faults and changes, then through calm; then everything is checked.
   */
  run(faultyMs: number): void {
    this.#carryOut(this.#engine.handle({ type: "start" }, this.#nowMs()));
    this.#change();
    this.#beat();
    this.schedule.runUntil(faultyMs);
    this.#faults = false;
    this.schedule.runUntil(faultyMs + 120_000);
    this.#checkCalm(faultyMs + 120_000);
    const after = this.#engine.handle({ type: "stop" }, this.#nowMs());
    const late = this.#engine.advance(this.#nowMs() + 1e6);
    if (after.length !== 1 || late.length !== 0) this.#fail("it goes on after its end");
  }

  #nowMs(): number {
    return this.schedule.nowMs + this.#skippedMs;
  }

  #fail(what: string): void {
    this.violations.push(`at ${Math.round(this.schedule.nowMs)} ms: ${what}`);
  }

  /** Changes the collection now and then, until the calm. */
  #change(): void {
    if (!this.#faults) return;
    const random = this.#random;
    for (let count = random.integer(1, 3); count > 0; count--) {
      if (random.chance(0.3)) this.collection.delete(random.pick(names));
      else this.collection.put(random.pick(names), random.integer(0, 99));
    }
    if (random.chance(0.05)) this.collection.compact();
    if (random.chance(0.02)) this.#skippedMs += random.integer(1, 60_000);
    this.schedule.after(random.integer(10, 2_000), () => {
      this.#change();
    });
  }

  /** The stream sends what it has not sent, and a bookmark now and then. */
  #beat(): void {
    const stream = this.#stream;
    if (stream?.life === "open") this.#send(stream);
    this.schedule.after(this.#random.integer(20, 200), () => {
      this.#beat();
    });
  }

  #send(stream: Stream): void {
    const random = this.#random;
    const { attempt } = stream;
    if (this.#faults && random.chance(0.01)) {
      stream.life = "silent";
      this.#releaseLate(stream);
      return;
    }
    if (this.#faults && random.chance(0.02)) {
      stream.life = "closed";
      const graceful = random.chance(0.3);
      this.#later(() => {
        if (graceful) this.#tell({ type: "ended", attempt });
        else this.#tell({ type: "failed", attempt, failure: { code: "UNREACHABLE" } });
      });
      return;
    }
    const changes = this.collection.changesAfter(stream.sentVersion);
    if (changes === undefined) {
      stream.life = "closed";
      this.#later(() => this.#tell({ type: "failed", attempt, failure: { code: "GONE" } }));
      return;
    }
    for (const { type, object } of changes) {
      const times = this.#faults && random.chance(0.1) ? 2 : 1;
      for (let time = 0; time < times; time++) {
        this.#later(() => this.#tell({ type: "event", attempt, event: { type, object } }));
      }
    }
    stream.sentVersion = this.collection.version;
    const resourceVersion = `${stream.sentVersion}`;
    const event = { type: "bookmark", resourceVersion, initialEventsEnd: false } as const;
    if (random.chance(0.1)) this.#later(() => this.#tell({ type: "event", attempt, event }));
  }

  /** A connection that was half-open comes back and brings, drop by drop, what was held up. */
  #releaseLate({ attempt, sentVersion }: Stream): void {
    const random = this.#random;
    this.schedule.after(random.integer(1_000, 40_000), () => {
      let delayMs = 0;
      const held = this.collection.changesAfter(sentVersion);
      if (held === undefined) return;
      for (const { type, object } of held) {
        delayMs += random.integer(1, 500);
        const tell = () => this.#tell({ type: "event", attempt, event: { type, object } });
        this.schedule.after(delayMs, tell);
      }
      const resourceVersion = `${this.collection.version}`;
      const event = { type: "bookmark", resourceVersion, initialEventsEnd: false } as const;
      this.schedule.after(delayMs + 1, () => this.#tell({ type: "event", attempt, event }));
    });
  }

  /** One wire: everything on it takes the same time, so nothing overtakes. */
  #later(deliver: () => void): void {
    this.schedule.after(30, deliver);
  }

  #tell(input: Parameters<ListWatch<Thing>["handle"]>[0]): void {
    const heard =
      this.#brokenBy === "hearsLateStreams" && "attempt" in input
        ? { ...input, attempt: this.#attempt }
        : input;
    this.#carryOut(this.#engine.handle(heard, this.#nowMs()));
  }

  #carryOut(effects: readonly ListWatchEffect<Thing>[]): void {
    for (const effect of effects) this.#carryOutOne(effect);
    this.#arm();
  }

  #arm(): void {
    const atMs = Math.max(this.schedule.nowMs, this.#engine.nextDeadlineMs() - this.#skippedMs);
    if (atMs >= this.#wakeAtMs) return;
    this.#wakeAtMs = atMs;
    this.schedule.at(atMs, () => {
      this.#wakeAtMs = Infinity;
      this.#carryOut(this.#engine.advance(this.#nowMs()));
    });
  }

  #carryOutOne(effect: ListWatchEffect<Thing>): void {
    switch (effect.type) {
      case "list":
        this.#list(effect);
        break;
      case "watch":
        this.#watch(effect);
        break;
      case "abort":
        // What is on the wire still arrives: events of the old attempt.
        if (this.#stream !== undefined) this.#stream.life = "closed";
        break;
      case "beginReplace":
        this.store.beginReplace();
        break;
      case "endReplace":
        if (this.#brokenBy !== "keepsDeleted") this.store.endReplace();
        this.#checkWhole();
        break;
      case "upsert":
        this.#checkUpsert(effect.object, this.store.upsert(effect.object) !== undefined);
        break;
      case "remove":
        this.store.remove(effect.object);
        break;
      case "synced":
        this.#syncedCount += 1;
        break;
      case "trouble":
        break;
    }
  }

  /** @returns whether the request failed, and then told so. */
  #refused(attempt: number): boolean {
    this.#requestCount += 1;
    this.#attempt = attempt;
    const random = this.#random;
    if (!this.#faults || !random.chance(0.2)) return false;
    const code = random.pick(["UNREACHABLE", "SERVER_ERROR", "TOO_MANY_REQUESTS", "GONE"] as const);
    const retryAfterMs = code === "TOO_MANY_REQUESTS" ? 1_000 : undefined;
    this.schedule.after(random.integer(1, 3_000), () => {
      this.#tell({ type: "failed", attempt, failure: { code, retryAfterMs } });
    });
    return true;
  }

  #list({
    attempt,
    limit,
    continueToken,
  }: Extract<ListWatchEffect<Thing>, { type: "list" }>): void {
    if (this.#refused(attempt)) return;
    this.schedule.after(this.#random.integer(1, 500), () => {
      if (continueToken === undefined) this.#snapshot = new Map(this.collection.state);
      const snapshot = [...(this.#snapshot?.values() ?? [])];
      const [version = `${this.collection.version}`, first = "0"] = continueToken?.split("/") ?? [];
      const from = Number(first);
      const to = from + (limit ?? Infinity);
      const next = to < snapshot.length ? `${version}/${to}` : undefined;
      const items = snapshot.slice(from, to);
      this.#tell({ type: "listed", attempt, items, resourceVersion: version, continueToken: next });
    });
  }

  #watch(effect: Extract<ListWatchEffect<Thing>, { type: "watch" }>): void {
    const { attempt, initialEvents, resourceVersion } = effect;
    if (this.#refused(attempt)) return;
    if (!initialEvents) {
      this.#stream = { attempt, sentVersion: Number(resourceVersion), life: "open" };
      return;
    }
    const stream: Stream = { attempt, sentVersion: this.collection.version, life: "open" };
    const version = `${stream.sentVersion}`;
    const snapshot = new Map(this.collection.state);
    this.#stream = stream;
    for (const object of snapshot.values()) {
      this.#later(() =>
        this.#tell({ type: "event", attempt, event: { type: "upserted", object } }),
      );
    }
    const event = { type: "bookmark", resourceVersion: version, initialEventsEnd: true } as const;
    this.#later(() => {
      this.#snapshot = snapshot;
      this.#tell({ type: "event", attempt, event });
    });
  }

  /** No object ever goes back to an older version. */
  #checkUpsert({ metadata }: Thing, changed: boolean): void {
    if (!changed) return;
    const version = Number(metadata.resourceVersion);
    const seen = this.#seenVersions.get(metadata.name) ?? 0;
    if (version <= seen) this.#fail(`${metadata.name} went from ${seen} back to ${version}`);
    this.#seenVersions.set(metadata.name, version);
  }

  /** A copy that is whole is a state that the collection was in. */
  #checkWhole(): void {
    const wrong = this.#difference(this.#snapshot ?? new Map());
    if (wrong !== undefined) this.#fail(`whole, but not as it was listed: ${wrong}`);
  }

  #checkCalm(lastedMs: number): void {
    const wrong = this.#difference(this.collection.state);
    if (wrong !== undefined) this.#fail(`in calm it is not what the collection is: ${wrong}`);
    if (this.#syncedCount !== 1) this.#fail(`synced ${this.#syncedCount} times`);
    const perSecond = this.#requestCount / (lastedMs / 1_000);
    if (perSecond > 5) this.#fail(`${perSecond} requests a second: it storms`);
  }

  #difference(wanted: ReadonlyMap<string, Thing>): string | undefined {
    const text = (things: Iterable<Thing>): string =>
      [...things]
        .map(({ metadata, value }) => `${metadata.name}=${value}`)
        .sort()
        .join(" ");
    const [has, wants] = [text(this.store.values()), text(wanted.values())];
    return has === wants ? undefined : `has ${has}, wanted ${wants}`;
  }
}
