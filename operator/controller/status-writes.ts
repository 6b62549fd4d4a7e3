/** Writes statuses when `StatusSchedule` says so: the one place that does. */
import { sameValue, StatusSchedule, statusRates, type WritableStatus } from "../reconcile/index.ts";
import {
  type ApiClient,
  ApiError,
  type ApiObject,
  type ResourceType,
  type Surroundings,
} from "../runtime/index.ts";
import type { StoredMetadata } from "../schema/index.ts";
import type { Packed } from "./packed.ts";
import type { RefusalLog } from "./refusal-log.ts";
import { isTerminal } from "./refused-slowly.ts";

/** Whose statuses are written, and by whom. */
export interface StatusWritesOptions {
  /** Whose statuses. */
  readonly resource: ResourceType<ApiObject>;
  /** Who owns the written fields, at most 128 characters. */
  readonly fieldManager: string;
}

/** What the writes work with. */
export interface StatusWritesComponents {
  /** Guarded: who does not lead writes nothing. */
  readonly client: ApiClient;
  readonly surroundings: Surroundings;
  /** Where failed writes are told. */
  readonly refusals: RefusalLog;
}

/**
 * Statuses of a kind on their way at once: enough to keep an API server of two cores busy. More of
 * them wait longer, each with a connection and a request in memory, and add nothing to the rate.
 */
const concurrency = 4;

/** The API's subresource. */
const subresource = "status";

/** Two kinds share the bound of writes that change counts only: half for each. */
const rates = { countsPerSecond: statusRates.countsPerSecond / 2 };

/** An object whose status waits, is being written, or has not come back yet. */
interface Target<Status> {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** Of the spec that the wanted status is about. */
  generation: number;
  /** A status of this generation was refused for good: none is written until there is another. */
  refusedGeneration: number | undefined;
  /** Version that the last write of ours made. */
  ownVersion: string | undefined;
  /** What the cache showed since that write. */
  shown: { readonly version: string; readonly status: Packed<Status> | undefined } | undefined;
}

/** An object whose status stands: what is wanted is what the cache shows. */
interface Rest<Status> {
  /** The cache's own: nothing is kept twice. */
  readonly status: Packed<Status>;
  readonly writtenAtMs: number | undefined;
}

/** Writes statuses in the background, between `start` and `stop`. */
export class StatusWrites<Status extends WritableStatus> {
  readonly #options: StatusWritesOptions;
  readonly #components: StatusWritesComponents;
  readonly #schedule = new StatusSchedule<Status>(rates);
  readonly #targets = new Map<string, Target<Status>>();
  /** By uid. */
  readonly #resting = new Map<string, Rest<Status>>();
  #running = 0;
  #cancel: (() => void) | undefined;
  #open = false;
  #idle = Promise.withResolvers<undefined>();

  constructor(options: StatusWritesOptions, components: StatusWritesComponents) {
    this.#options = options;
    this.#components = components;
  }

  /** Objects whose status waits to be written. */
  get dirtyCount(): number {
    return this.#schedule.dirtyCount;
  }

  /** Begins to write. */
  start(): void {
    this.#open = true;
    this.#pump();
  }

  /** Writes nothing more; waits for what is on its way. */
  async stop(): Promise<void> {
    this.#open = false;
    this.#cancel?.();
    if (this.#running > 0) await this.#idle.promise;
  }

  /** What should stand. @param shown what the cache shows. */
  want(metadata: StoredMetadata, wanted: Status, shown: Packed<Status> | undefined): void {
    const { uid, generation } = metadata;
    const key = keyOf(metadata);
    this.#forgetRefusal(metadata);
    const target = this.#targetOf(metadata);
    if (target !== undefined) {
      target.generation = generation;
      this.#schedule.want(key, wanted, { nowMs: this.#nowMs() });
      this.#restIfDone(key, target);
      this.#pump();
      return;
    }
    const rest = this.#resting.get(uid);
    const stands = rest?.status ?? shown;
    const stored = stands?.read();
    if (stands !== undefined && sameValue(stored, wanted)) {
      this.#resting.set(uid, rest ?? { status: stands, writtenAtMs: undefined });
      return;
    }
    this.#wake(metadata, wanted, stored);
    this.#pump();
  }

  /** What was wanted last of an object; undefined when nothing was. */
  wanted(metadata: StoredMetadata): Status | undefined {
    return this.#targetOf(metadata) === undefined
      ? this.#resting.get(metadata.uid)?.status.read()
      : this.#schedule.wanted(keyOf(metadata));
  }

  /** The cache shows an object: what somebody else wrote over ours is written again. */
  observe(metadata: StoredMetadata, shown: Packed<Status> | undefined): void {
    const { uid, resourceVersion: version } = metadata;
    const target = this.#targetOf(metadata);
    if (target !== undefined) {
      target.shown = { version, status: shown };
      this.#observe(keyOf(metadata), target);
    } else {
      const rest = this.#resting.get(uid);
      if (rest === undefined || rest.status === shown) return;
      this.#wake(metadata, rest.status.read(), shown?.read());
    }
    this.#pump();
  }

  /** The object is gone. */
  forget(metadata: Pick<StoredMetadata, "namespace" | "name" | "uid">): void {
    this.#resting.delete(metadata.uid);
    if (this.#targetOf(metadata) === undefined) return;
    const key = keyOf(metadata);
    this.#targets.delete(key);
    this.#schedule.forget(key);
  }

  /** What was refused of one generation says nothing of the next. */
  #forgetRefusal(metadata: StoredMetadata): void {
    const refused = this.#targetOf(metadata)?.refusedGeneration;
    if (refused !== undefined && refused !== metadata.generation) this.forget(metadata);
  }

  /** An object that was made anew under the name of another is none yet. */
  #targetOf(metadata: Pick<StoredMetadata, "namespace" | "name" | "uid">) {
    const target = this.#targets.get(keyOf(metadata));
    return target?.uid === metadata.uid ? target : undefined;
  }

  /** Something other than what stands is wanted. */
  #wake(
    { namespace, name, uid, generation }: StoredMetadata,
    wanted: Status,
    stored: Status | undefined,
  ): void {
    const key = keyOf({ namespace, name });
    // Whoever had the name before is gone.
    this.#schedule.forget(key);
    const writtenAtMs = this.#resting.get(uid)?.writtenAtMs;
    this.#resting.delete(uid);
    this.#targets.set(key, {
      namespace,
      name,
      uid,
      generation,
      refusedGeneration: undefined,
      ownVersion: undefined,
      shown: undefined,
    });
    this.#schedule.want(key, wanted, { stored, writtenAtMs, nowMs: this.#nowMs() });
  }

  /** What is shown while a write is under way counts once its answer tells which is newer. */
  #observe(key: string, target: Target<Status>): void {
    const { shown, ownVersion } = target;
    if (shown === undefined) return;
    if (isNewer(shown.version, ownVersion)) {
      this.#schedule.observe(key, shown.status?.read(), this.#nowMs());
    }
    this.#restIfDone(key, target);
  }

  /** Once the cache shows what is wanted, that is all there is to be kept. */
  #restIfDone(key: string, { uid, shown, ownVersion }: Target<Status>): void {
    if (shown?.status === undefined) return;
    if (ownVersion !== undefined && isNewer(ownVersion, shown.version)) return;
    if (!this.#schedule.isSettled(key)) return;
    if (!sameValue(shown.status.read(), this.#schedule.wanted(key))) return;
    const writtenAtMs = this.#schedule.settle(key);
    this.#targets.delete(key);
    this.#resting.set(uid, { status: shown.status, writtenAtMs });
  }

  #pump(): void {
    if (!this.#open) return;
    this.#cancel?.();
    this.#cancel = undefined;
    const nowMs = this.#nowMs();
    for (const { key, status } of this.#schedule.takeDue(nowMs, concurrency - this.#running)) {
      const target = this.#targets.get(key);
      if (target === undefined) continue;
      if (this.#running === 0) this.#idle = Promise.withResolvers<undefined>();
      this.#running += 1;
      void this.#write(key, target, status);
    }
    if (this.#running >= concurrency) return;
    const delayMs = this.#schedule.nextDueMs(nowMs) - nowMs;
    if (!Number.isFinite(delayMs)) return;
    const { timers } = this.#components.surroundings;
    this.#cancel = timers.after(Math.max(delayMs, 1), () => {
      this.#pump();
    });
  }

  /** Never rejects. */
  async #write(key: string, target: Target<Status>, status: Status): Promise<void> {
    const { generation } = target;
    try {
      target.ownVersion = await this.#apply(target, status);
      if (this.#isCurrent(key, target)) this.#schedule.done(key, status, this.#nowMs());
    } catch (error) {
      if (this.#isCurrent(key, target)) this.#failed(target, { generation, error });
    } finally {
      if (this.#isCurrent(key, target)) this.#observe(key, target);
      this.#running -= 1;
      if (this.#running === 0) this.#idle.resolve(undefined);
      this.#pump();
    }
  }

  /** An object that went meanwhile may have a successor under its name. */
  #isCurrent(key: string, target: Target<Status>): boolean {
    return this.#targets.get(key) === target;
  }

  #apply({ namespace, name, uid }: Target<Status>, status: Status): Promise<string> {
    const { resource, fieldManager } = this.#options;
    // The uid makes it fail for an object that was made anew under the same name.
    const object = { metadata: { namespace, name, uid }, status };
    const options = { fieldManager, subresource, fieldValidation: "Ignore" } as const;
    return this.#components.client.applyForVersion(resource, object, options);
  }

  /** @param failure.generation of the status that was written. */
  #failed(
    target: Target<Status>,
    { generation, error }: { readonly generation: number; readonly error: unknown },
  ): void {
    const code = error instanceof ApiError ? error.code : "UNKNOWN";
    if (code === "NOT_FOUND") {
      this.forget(target);
      return;
    }
    const isForGood = isTerminal(error) && generation === target.generation;
    if (isForGood) {
      target.refusedGeneration = generation;
      this.#schedule.refused(keyOf(target), this.#nowMs());
    } else {
      this.#schedule.failed(keyOf(target), this.#nowMs());
    }
    const { namespace, name } = target;
    this.#components.refusals.note({
      level: "warn",
      kind: this.#options.resource.kind,
      code,
      fields: { namespace, name, error },
      sentence: isForGood
        ? "a status was refused for good; not tried again until the spec changes"
        : "a status could not be written; tried again",
    });
  }

  #nowMs(): number {
    return this.#components.surroundings.clock.nowMs();
  }
}

function keyOf(object: { readonly namespace: string; readonly name: string }): string {
  return `${object.namespace}/${object.name}`;
}

/** Versions of one object are numbers that rise. Source: Kubernetes, KEP-5504. */
function isNewer(version: string, than: string | undefined): boolean {
  if (than === undefined) return true;
  const [left, right] = [Number(version), Number(than)];
  return Number.isNaN(left) || Number.isNaN(right) ? version !== than : left > right;
}

/** Whether two versions of an object differ in anything but their status. */
export function differsBesidesStatus(
  before: StoredMetadata | undefined,
  after: StoredMetadata,
): boolean {
  if (before === undefined) return true;
  const seen = ({ uid, generation, annotations, deletionTimestamp }: StoredMetadata): object => ({
    uid,
    generation,
    annotations,
    deletionTimestamp,
  });
  return !sameValue(seen(before), seen(after));
}
