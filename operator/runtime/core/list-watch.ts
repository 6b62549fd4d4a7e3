/**
 * Keeps a copy of a collection true: lists it, then watches it from there; a watch that ends is
 * taken up where it was, one that is too old begins with a list. It only decides what to ask next;
 * who asks tells it what came.
 *
 * States:
 * - idle: before `start`.
 * - listing: pages come. Left when the last has come (watching), or on failure (waiting).
 * - streaming: a watch that sends what exists first (a streamed list). Left by the bookmark that
 *   ends it (watching), by a server that does not know how (listing), or on failure (waiting).
 * - watching: changes come. Left when the stream ends (watching again at once, or waiting if it was
 *   short), by `GONE` (a list), by silence or failure (waiting).
 * - waiting: for the end of a backoff. Left when it comes.
 * - stopped: final.
 *
 * Each list and watch has a number. What is told under another number than the last is late and is
 * ignored: an aborted stream may still have had events on their way.
 *
 * Source: k8s.io/client-go `tools/cache/reflector.go`; KEP-3157 (watch-list).
 */
import type { ApiErrorCode } from "../api-error.ts";
import type { Random } from "../ports.ts";
import type { ApiObject } from "../resource-type.ts";
import type { WatchEvent } from "../watch-event.ts";
import { JitteredBackoff, type BackoffOptions } from "./backoff.ts";
import { isNotNewer } from "./resource-version.ts";

/** Bounds of a list-watch. */
export interface ListWatchOptions {
  /** Objects in a page of a list. @default 500 */
  readonly pageSize?: number;
  /**
   * A watch that is silent for this long is given up, ms: its connection may be half-open. The API
   * server sends a bookmark about every minute. @default 100,000
   */
  readonly silenceMs?: number;
  /** Waits after failures. @default 200 ms … 10 s */
  readonly backoff?: BackoffOptions;
  /** Whether to try a streamed list first. @default true */
  readonly streamedList?: boolean;
}

/** Why a list or a watch ended badly. */
export interface ListWatchFailure {
  readonly code: ApiErrorCode;
  /** What the server asked to wait, ms. */
  readonly retryAfterMs?: number | undefined;
}

/** Everything it may be told. `attempt` is the number of the effect that it answers. */
export type ListWatchInput<T extends ApiObject> =
  | { readonly type: "start" }
  | {
      readonly type: "listed";
      readonly attempt: number;
      readonly items: readonly T[];
      readonly resourceVersion: string;
      readonly continueToken: string | undefined;
    }
  | { readonly type: "event"; readonly attempt: number; readonly event: WatchEvent<T> }
  /** The server ended the watch in good order. */
  | { readonly type: "ended"; readonly attempt: number }
  | { readonly type: "failed"; readonly attempt: number; readonly failure: ListWatchFailure }
  | { readonly type: "stop" };

/** Everything it asks for. */
export type ListWatchEffect<T extends ApiObject> =
  | {
      readonly type: "list";
      readonly attempt: number;
      readonly limit: number | undefined;
      readonly continueToken: string | undefined;
    }
  | {
      readonly type: "watch";
      readonly attempt: number;
      readonly resourceVersion: string;
      readonly initialEvents: boolean;
    }
  /** Ends the running list or watch; what it still tells is ignored. */
  | { readonly type: "abort" }
  /** From here to `endReplace` every object of the collection is upserted. */
  | { readonly type: "beginReplace" }
  | { readonly type: "endReplace" }
  | { readonly type: "upsert"; readonly object: T }
  | { readonly type: "remove"; readonly object: T }
  /** The copy is whole for the first time. Once. */
  | { readonly type: "synced" }
  /** For the log. */
  | {
      readonly type: "trouble";
      readonly what: "failed" | "silent" | "gone" | "notStreamed";
      readonly code: ApiErrorCode | undefined;
      readonly retryInMs: number;
    };

type State =
  | { readonly type: "idle" }
  | { readonly type: "listing"; readonly paged: boolean }
  | { readonly type: "streaming" }
  | { readonly type: "watching"; readonly sinceMs: number; eventCount: number }
  | { readonly type: "waiting"; readonly untilMs: number; readonly next: "list" | "watch" }
  | { readonly type: "stopped" };

const defaultPolicy = { pageSize: 500, silenceMs: 100_000, streamedList: true } as const;
const defaultBackoff: BackoffOptions = { baseMs: 200, maxMs: 10_000 };

/** Longest wait that a server may ask for, ms. */
const longestRetryAfterMs = 60_000;

/** A watch that ends sooner and brought nothing is no watch: asking at once would be a storm. */
const shortWatchMs = 1_000;

/** Decides what to list and watch next. */
export class ListWatch<T extends ApiObject> {
  readonly #pageSize: number;
  readonly #silenceMs: number;
  readonly #backoff: JitteredBackoff;
  #streamedList: boolean;
  #state: State = { type: "idle" };
  #attempt = 0;
  /** Everything up to here was seen; "" before the first list. */
  #resourceVersion = "";
  #lastSignMs = -Infinity;
  #synced = false;

  constructor(options: ListWatchOptions, random: Random) {
    const { pageSize, silenceMs, streamedList } = { ...defaultPolicy, ...options };
    if (!Number.isInteger(pageSize) || pageSize < 1 || !(silenceMs > 0)) {
      throw new RangeError(
        `list-watch: pageSize ${pageSize} is an integer ≥ 1, silenceMs ${silenceMs} > 0`,
      );
    }
    this.#pageSize = pageSize;
    this.#silenceMs = silenceMs;
    this.#streamedList = streamedList;
    this.#backoff = new JitteredBackoff(options.backoff ?? defaultBackoff, random);
  }

  /** Whether the copy was whole once. It stays true: an old copy is better than none. */
  get synced(): boolean {
    return this.#synced;
  }

  /** Name of the state, for people. */
  get stateName(): State["type"] {
    return this.#state.type;
  }

  /** Takes one input. Input that does not fit (late, twice, after the end) changes nothing. */
  handle(input: ListWatchInput<T>, nowMs: number): ListWatchEffect<T>[] {
    if (this.#state.type === "stopped") return [];
    if (input.type === "start") return this.#state.type === "idle" ? this.#list(nowMs) : [];
    if (input.type === "stop") return this.#stop();
    if (input.attempt !== this.#attempt || this.#state.type === "waiting") return [];
    this.#lastSignMs = nowMs;
    switch (input.type) {
      case "listed":
        return this.#state.type === "listing" ? this.#listed(input, nowMs) : [];
      case "event":
        return this.#event(input.event, nowMs);
      case "ended":
        return this.#ended(nowMs);
      case "failed":
        return this.#failed(input.failure, nowMs);
      default: {
        const unknown: never = input;
        throw new Error(`unreachable: ${JSON.stringify(unknown)}`);
      }
    }
  }

  /** @returns when it wants to be asked again, ms; Infinity = only when something comes. */
  nextDeadlineMs(): number {
    switch (this.#state.type) {
      case "waiting":
        return this.#state.untilMs;
      case "streaming":
      case "watching":
        return this.#lastSignMs + this.#silenceMs;
      default:
        // A list has the bound of its request.
        return Infinity;
    }
  }

  /** Lets time pass. */
  advance(nowMs: number): ListWatchEffect<T>[] {
    if (nowMs < this.nextDeadlineMs()) return [];
    if (this.#state.type === "waiting") {
      return this.#state.next === "list" ? this.#list(nowMs) : this.#watch(nowMs);
    }
    const next = this.#state.type === "streaming" ? "list" : "watch";
    return [{ type: "abort" }, ...this.#wait("silent", { next, nowMs })];
  }

  #list(nowMs: number): ListWatchEffect<T>[] {
    this.#attempt += 1;
    this.#lastSignMs = nowMs;
    const attempt = this.#attempt;
    if (this.#streamedList) {
      this.#state = { type: "streaming" };
      return [
        { type: "beginReplace" },
        { type: "watch", attempt, resourceVersion: "", initialEvents: true },
      ];
    }
    return this.#pages(true);
  }

  /** @param paged false asks for everything at once: the token of a page became too old. */
  #pages(paged: boolean): ListWatchEffect<T>[] {
    this.#state = { type: "listing", paged };
    const limit = paged ? this.#pageSize : undefined;
    return [
      { type: "beginReplace" },
      { type: "list", attempt: this.#attempt, limit, continueToken: undefined },
    ];
  }

  #watch(nowMs: number): ListWatchEffect<T>[] {
    this.#attempt += 1;
    this.#lastSignMs = nowMs;
    this.#state = { type: "watching", sinceMs: nowMs, eventCount: 0 };
    const resourceVersion = this.#resourceVersion;
    return [{ type: "watch", attempt: this.#attempt, resourceVersion, initialEvents: false }];
  }

  #listed(
    { items, resourceVersion, continueToken }: Extract<ListWatchInput<T>, { type: "listed" }>,
    nowMs: number,
  ): ListWatchEffect<T>[] {
    const upserts = items.map((object): ListWatchEffect<T> => ({ type: "upsert", object }));
    if (continueToken !== undefined) {
      const limit = this.#pageSize;
      return [...upserts, { type: "list", attempt: this.#attempt, limit, continueToken }];
    }
    return [...upserts, ...this.#whole(resourceVersion), ...this.#watch(nowMs)];
  }

  /** The copy is whole as of a version. */
  #whole(resourceVersion: string): ListWatchEffect<T>[] {
    this.#resourceVersion = resourceVersion;
    this.#backoff.reset();
    if (this.#synced) return [{ type: "endReplace" }];
    this.#synced = true;
    return [{ type: "endReplace" }, { type: "synced" }];
  }

  #event(event: WatchEvent<T>, nowMs: number): ListWatchEffect<T>[] {
    if (this.#state.type === "streaming") return this.#initialEvent(event, nowMs);
    if (this.#state.type !== "watching") return [];
    this.#state.eventCount += 1;
    this.#backoff.reset();
    if (event.type === "bookmark") {
      this.#resourceVersion = event.resourceVersion;
      return [];
    }
    const version = event.object.metadata.resourceVersion;
    // Versions rise along a watch: one that does not was sent twice.
    if (isNotNewer(version, this.#resourceVersion)) return [];
    this.#resourceVersion = version ?? this.#resourceVersion;
    return [toStore(event)];
  }

  /** Before the bookmark that ends a streamed list, events come in the order of names. */
  #initialEvent(event: WatchEvent<T>, nowMs: number): ListWatchEffect<T>[] {
    if (event.type !== "bookmark") return [toStore(event)];
    if (!event.initialEventsEnd) return [];
    this.#state = { type: "watching", sinceMs: nowMs, eventCount: 1 };
    return this.#whole(event.resourceVersion);
  }

  #ended(nowMs: number): ListWatchEffect<T>[] {
    if (this.#state.type === "streaming") return this.#wait("failed", { next: "list", nowMs });
    if (this.#state.type !== "watching") return [];
    const { sinceMs, eventCount } = this.#state;
    if (eventCount > 0 || nowMs - sinceMs >= shortWatchMs) return this.#watch(nowMs);
    return this.#wait("failed", { next: "watch", nowMs });
  }

  #failed(failure: ListWatchFailure, nowMs: number): ListWatchEffect<T>[] {
    const state = this.#state;
    if (state.type === "streaming" && isUnknownToServer(failure.code)) {
      this.#streamedList = false;
      return [trouble("notStreamed", failure.code, 0), ...this.#list(nowMs)];
    }
    if (failure.code !== "GONE") {
      const next = state.type === "watching" ? "watch" : "list";
      return this.#wait("failed", { next, nowMs, failure });
    }
    // The token of a page is too old: the rest comes in one piece.
    if (state.type === "listing" && state.paged) {
      this.#attempt += 1;
      return [trouble("gone", "GONE", 0), ...this.#pages(false)];
    }
    // A watch that did work for a while lists at once; one that never did, not in a circle.
    const worked = state.type === "watching" && nowMs - state.sinceMs >= shortWatchMs;
    if (worked) return [trouble("gone", "GONE", 0), ...this.#list(nowMs)];
    return this.#wait("gone", { next: "list", nowMs, failure });
  }

  #wait(
    what: "failed" | "silent" | "gone",
    after: {
      readonly next: "list" | "watch";
      readonly nowMs: number;
      readonly failure?: ListWatchFailure;
    },
  ): ListWatchEffect<T>[] {
    const { next, nowMs, failure } = after;
    const askedMs = Math.min(failure?.retryAfterMs ?? 0, longestRetryAfterMs);
    const retryInMs = Math.max(this.#backoff.nextMs(), askedMs);
    this.#state = { type: "waiting", untilMs: nowMs + retryInMs, next };
    return [trouble(what, failure?.code, retryInMs)];
  }

  #stop(): ListWatchEffect<T>[] {
    this.#state = { type: "stopped" };
    return [{ type: "abort" }];
  }
}

/** A server without streamed lists refuses their query. */
function isUnknownToServer(code: ApiErrorCode): boolean {
  return code === "BAD_REQUEST" || code === "INVALID";
}

function toStore<T extends ApiObject>(
  event: Exclude<WatchEvent<T>, { type: "bookmark" }>,
): ListWatchEffect<T> {
  return { type: event.type === "upserted" ? "upsert" : "remove", object: event.object };
}

function trouble(
  what: "failed" | "silent" | "gone" | "notStreamed",
  code: ApiErrorCode | undefined,
  retryInMs: number,
) {
  return { type: "trouble", what, code, retryInMs } as const;
}
