/**
 * A copy of a collection that is kept true, with indexes and change handlers. What to ask next is
 * decided by core/list-watch.ts, what is in it by core/object-store.ts; here are the requests.
 */
import type { ApiClient, Selection } from "./api-client.ts";
import { ApiError } from "./api-error.ts";
import {
  ListWatch,
  type ListWatchEffect,
  type ListWatchInput,
  type ListWatchOptions,
} from "./core/list-watch.ts";
import { ObjectStore, type Indexes, type StoreChange } from "./core/object-store.ts";
import type { RuntimeMetrics } from "./metrics.ts";
import type { Surroundings } from "./ports.ts";
import { Pump } from "./pump.ts";
import { type ApiObject, keyOf, type ObjectMeta, type ResourceType } from "./resource-type.ts";

/** Settings of a cache. */
export interface ResourceCacheOptions<T extends ApiObject> extends Selection, ListWatchOptions {
  readonly resource: ResourceType<T>;
  /** Name in metrics and lines. @default the resource's plural */
  readonly name?: string;
  /**
   * What is kept of an object. Drop what is not read: it is memory for each object. `known` is what
   * is kept of the version before, whose parts may be shared.
   * @default everything but `managedFields` and the copy that `kubectl apply` leaves
   */
  readonly transform?: (object: T, known: T | undefined) => T;
  /** Values under which objects are found with `byIndex`. @default none */
  readonly indexes?: Indexes<T>;
}

/** What a cache works with. */
export interface ResourceCacheComponents {
  readonly client: ApiClient;
  readonly surroundings: Surroundings;
  readonly metrics: RuntimeMetrics;
}

/** Told of each change after it is in the cache, in order. What it throws is logged, no more. */
export type ChangeHandler<T extends ApiObject> = (change: StoreChange<T>) => void;

/** The server ends a watch after 5 to 10 minutes, so that load spreads over its replicas. */
const watchSeconds = { least: 300, most: 600 } as const;

const lastAppliedAnnotation = "kubectl.kubernetes.io/last-applied-configuration";

/** @returns the object without what no controller reads. */
export function dropBookkeeping<T extends ApiObject>(object: T): T {
  return { ...object, metadata: keptMetadata(object.metadata) };
}

/**
 * Built anew instead of deleted from: `delete` makes objects that take several times the memory.
 */
function keptMetadata(metadata: ObjectMeta): object {
  const kept: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(metadata)) {
    if (name === "managedFields") continue;
    kept[name] = name === "annotations" ? keptAnnotations(metadata.annotations) : value;
  }
  return kept;
}

function keptAnnotations(annotations: ObjectMeta["annotations"]): ObjectMeta["annotations"] {
  if (annotations?.[lastAppliedAnnotation] === undefined) return annotations;
  const kept = Object.entries(annotations).filter(([name]) => name !== lastAppliedAnnotation);
  return Object.fromEntries(kept);
}

/** A live copy of a collection. */
export class ResourceCache<T extends ApiObject> {
  readonly #options: ResourceCacheOptions<T>;
  readonly #components: ResourceCacheComponents;
  readonly #name: string;
  readonly #transform: (object: T, known: T | undefined) => T;
  readonly #listWatch: ListWatch<T>;
  readonly #store: ObjectStore<T>;
  readonly #pump: Pump;
  readonly #handlers: ChangeHandler<T>[] = [];
  readonly #synced = Promise.withResolvers<undefined>();
  #request = new AbortController();
  #running: Promise<void> = Promise.resolve();
  /** For the log. */
  #lastError: unknown;
  #stopped = false;

  /** @throws {RangeError} for options outside their bounds. */
  constructor(options: ResourceCacheOptions<T>, components: ResourceCacheComponents) {
    this.#options = options;
    this.#components = components;
    this.#name = options.name ?? options.resource.plural;
    this.#transform = options.transform ?? dropBookkeeping;
    const { random, clock, timers } = components.surroundings;
    this.#listWatch = new ListWatch(options, random);
    this.#store = new ObjectStore(options.indexes);
    this.#pump = new Pump({
      clock,
      timers,
      nextDeadlineMs: () => this.#listWatch.nextDeadlineMs(),
      onDeadline: (nowMs) => {
        this.#carryOut(this.#listWatch.advance(nowMs));
      },
    });
    // Nobody has to wait for it.
    this.#synced.promise.catch(() => undefined);
  }

  /** Objects in it. */
  get size(): number {
    return this.#store.size;
  }

  /** Whether it was whole once. */
  get hasSynced(): boolean {
    return this.#listWatch.synced;
  }

  /**
   * Waits until it is whole.
   * @throws {ApiError} `ABORTED` when it is stopped before.
   */
  async synced(): Promise<void> {
    await this.#synced.promise;
  }

  /** @returns the object of a key (`namespace/name`, or `name`). Not to be changed. */
  get(key: string): T | undefined {
    return this.#store.get(key);
  }

  /** @returns every object, in no order. Not to be changed. */
  list(): T[] {
    return [...this.#store.values()];
  }

  /**
   * @returns the objects with a value in an index, in no order. Not to be changed.
   * @throws {RangeError} for an index that was not declared.
   */
  byIndex(name: string, value: string): T[] {
    return this.#store.byIndex(name, value);
  }

  /** Adds a handler; it is told of every object that is there already, as if it had just come. */
  onChange(handler: ChangeHandler<T>): void {
    for (const object of this.list()) {
      this.#call(handler, { type: "upserted", object, previous: undefined });
    }
    this.#handlers.push(handler);
  }

  /** Begins to list and watch. Extra calls are harmless. */
  start(): void {
    this.#tell({ type: "start" });
  }

  /** Ends its request; no handler is called once it was called. Final. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#tell({ type: "stop" });
    this.#pump.close();
    this.#synced.reject(new ApiError("ABORTED", `cache of ${this.#name}: stopped`));
    await this.#running;
  }

  #tell(input: ListWatchInput<T>): void {
    const nowMs = this.#components.surroundings.clock.nowMs();
    this.#carryOut(this.#listWatch.handle(input, nowMs));
  }

  #carryOut(effects: readonly ListWatchEffect<T>[]): void {
    for (const effect of effects) this.#carryOutOne(effect);
    this.#pump.arm();
  }

  #carryOutOne(effect: ListWatchEffect<T>): void {
    switch (effect.type) {
      case "list":
      case "watch":
        this.#ask(effect);
        break;
      case "abort":
        this.#request.abort();
        break;
      case "beginReplace":
        this.#store.beginReplace();
        break;
      case "endReplace":
        for (const change of this.#store.endReplace()) this.#changed(change);
        break;
      case "upsert":
        this.#changed(this.#store.upsert(this.#kept(effect.object)));
        break;
      case "remove":
        this.#changed(this.#store.remove(this.#kept(effect.object)));
        break;
      case "synced":
        this.#synced.resolve(undefined);
        break;
      case "trouble":
        this.#report(effect);
        break;
      default: {
        const unknown: never = effect;
        throw new Error(`unreachable: ${JSON.stringify(unknown)}`);
      }
    }
  }

  #kept(object: T): T {
    return this.#transform(object, this.#store.get(keyOf(object)));
  }

  #ask(effect: Extract<ListWatchEffect<T>, { type: "list" | "watch" }>): void {
    const before = this.#running;
    this.#request = new AbortController();
    const { signal } = this.#request;
    const answered =
      effect.type === "list" ? this.#list(effect, signal) : this.#watch(effect, signal);
    const { attempt } = effect;
    const told = answered.catch((error: unknown) => {
      if (signal.aborted) return;
      const known = error instanceof ApiError ? error : undefined;
      this.#lastError = error;
      const failure = { code: known?.code ?? "UNREACHABLE", retryAfterMs: known?.retryAfterMs };
      this.#tell({ type: "failed", attempt, failure });
    });
    this.#running = Promise.all([before, told]).then(() => undefined);
  }

  async #list(
    effect: Extract<ListWatchEffect<T>, { type: "list" }>,
    signal: AbortSignal,
  ): Promise<void> {
    const { client, metrics } = this.#components;
    const { attempt, limit, continueToken } = effect;
    if (continueToken === undefined) metrics.reflector.lists.inc({ name: this.#name });
    const query = { ...this.#selection(), limit, continueToken };
    const page = await client.list(this.#options.resource, query, { signal });
    this.#tell({ type: "listed", attempt, ...page });
  }

  async #watch(
    effect: Extract<ListWatchEffect<T>, { type: "watch" }>,
    signal: AbortSignal,
  ): Promise<void> {
    const { client, metrics, surroundings } = this.#components;
    const { attempt, resourceVersion, initialEvents } = effect;
    metrics.reflector.watches.inc({ name: this.#name });
    if (initialEvents) metrics.reflector.lists.inc({ name: this.#name });
    const { least, most } = watchSeconds;
    const timeoutSeconds = Math.round(least + (most - least) * surroundings.random.next());
    const query = { ...this.#selection(), resourceVersion, initialEvents, timeoutSeconds };
    await client.watch(this.#options.resource, query, {
      signal,
      onEvent: (event) => {
        this.#tell({ type: "event", attempt, event });
      },
    });
    this.#tell({ type: "ended", attempt });
  }

  #selection(): Selection {
    const { namespace, labelSelector, fieldSelector } = this.#options;
    return { namespace, labelSelector, fieldSelector };
  }

  #changed(change: StoreChange<T> | undefined): void {
    if (change === undefined) return;
    this.#components.metrics.reflector.items.set({ name: this.#name }, this.#store.size);
    for (const handler of this.#handlers) this.#call(handler, change);
  }

  #call(handler: ChangeHandler<T>, change: StoreChange<T>): void {
    if (this.#stopped) return;
    try {
      handler(change);
    } catch (error) {
      const { metrics, surroundings } = this.#components;
      metrics.reflector.handlerErrors.inc({ name: this.#name });
      const { name, namespace } = change.object.metadata;
      const fields = { cache: this.#name, object: name, namespace, error };
      surroundings.log.error(fields, "a change handler threw; the cache goes on");
    }
  }

  #report(effect: Extract<ListWatchEffect<T>, { type: "trouble" }>): void {
    const { metrics, surroundings } = this.#components;
    const { what, code, retryInMs } = effect;
    if (what === "failed") metrics.reflector.failures.inc({ name: this.#name });
    if (what === "silent") metrics.reflector.silences.inc({ name: this.#name });
    const sentences = {
      failed: "list or watch failed; tried again",
      silent: "the watch brought nothing for too long; its connection is given up",
      gone: "the version is too old; listed again",
      notStreamed: "the server does not stream lists; read in pages",
    } as const;
    const error = what === "silent" ? undefined : this.#lastError;
    const fields = { cache: this.#name, code, retryInMs: Math.round(retryInMs), error };
    surroundings.log.warn(fields, sentences[what]);
  }
}
