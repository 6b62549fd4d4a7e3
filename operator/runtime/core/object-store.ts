/**
 * The objects of a cache, by key and by index. A list that replaces the whole is taken object by
 * object: what it did not name when it ends is removed, so memory never holds the collection twice.
 */
import { keyOf, type ApiObject } from "../resource-type.ts";
import { isNotNewer } from "./resource-version.ts";

/** Values under which an object is found, for each index. */
export type Indexes<T> = Readonly<Record<string, (object: T) => readonly string[]>>;

/** A change that happened to the store. */
export type StoreChange<T> =
  | { readonly type: "upserted"; readonly object: T; readonly previous: T | undefined }
  | { readonly type: "removed"; readonly object: T };

interface Stored<T> {
  readonly object: T;
  /** The last replacement that named it, or came before it. */
  readonly round: number;
}

/** Objects by key, with indexes. */
export class ObjectStore<T extends ApiObject> {
  readonly #objects = new Map<string, Stored<T>>();
  readonly #indexes: Indexes<T>;
  readonly #byIndex = new Map<string, Map<string, Set<string>>>();
  #round = 0;

  constructor(indexes: Indexes<T> = {}) {
    this.#indexes = indexes;
    for (const name of Object.keys(indexes)) this.#byIndex.set(name, new Map());
  }

  /** Objects in it. */
  get size(): number {
    return this.#objects.size;
  }

  /** @returns the object of a key. */
  get(key: string): T | undefined {
    return this.#objects.get(key)?.object;
  }

  /** @returns every object, in no order. */
  *values(): IterableIterator<T> {
    for (const { object } of this.#objects.values()) yield object;
  }

  /**
   * The objects with a value in an index.
   * @throws {RangeError} for an index that was not declared.
   */
  byIndex(name: string, value: string): T[] {
    const index = this.#byIndex.get(name);
    if (index === undefined) {
      throw new RangeError(`no index ${name}; there is: ${[...this.#byIndex.keys()].join(", ")}`);
    }
    const found: T[] = [];
    for (const key of index.get(value) ?? []) {
      const object = this.get(key);
      if (object !== undefined) found.push(object);
    }
    return found;
  }

  /** From here to `endReplace` every object of the collection is named by an upsert. */
  beginReplace(): void {
    this.#round += 1;
  }

  /** @returns a removal for each object that was not named since `beginReplace`. */
  endReplace(): StoreChange<T>[] {
    const changes: StoreChange<T>[] = [];
    for (const [key, { object, round }] of [...this.#objects]) {
      if (round === this.#round) continue;
      this.#take(key, object);
      changes.push({ type: "removed", object });
    }
    return changes;
  }

  /** @returns the change; undefined when the store has this version or a newer one. */
  upsert(object: T): StoreChange<T> | undefined {
    const key = keyOf(object);
    const previous = this.#objects.get(key)?.object;
    const known = previous?.metadata.resourceVersion;
    // A new uid is another object under the old name, whatever its version.
    const same = previous !== undefined && previous.metadata.uid === object.metadata.uid;
    if (same && isNotNewer(object.metadata.resourceVersion, known)) {
      this.#objects.set(key, { object: previous, round: this.#round });
      return undefined;
    }
    this.#objects.set(key, { object, round: this.#round });
    this.#index(key, previous, object);
    return { type: "upserted", object, previous };
  }

  /** @returns the removal with the last state; undefined when it is not there (any more). */
  remove(object: T): StoreChange<T> | undefined {
    const key = keyOf(object);
    const known = this.#objects.get(key)?.object;
    if (known === undefined) return undefined;
    // A late removal of an object whose name was taken again meanwhile.
    const other = known.metadata.uid !== object.metadata.uid;
    if (other && isNotNewer(object.metadata.resourceVersion, known.metadata.resourceVersion)) {
      return undefined;
    }
    this.#take(key, known);
    return { type: "removed", object };
  }

  #take(key: string, object: T): void {
    this.#objects.delete(key);
    this.#index(key, object, undefined);
  }

  /** Most changes leave the values as they are. */
  #index(key: string, before: T | undefined, after: T | undefined): void {
    for (const [name, valuesOf] of Object.entries(this.#indexes)) {
      const old = before === undefined ? [] : valuesOf(before);
      const values = after === undefined ? [] : valuesOf(after);
      if (old.length === values.length && old.every((value, at) => value === values[at])) continue;
      const index = this.#byIndex.get(name);
      if (index === undefined) continue;
      for (const value of old) removeFrom(index, value, key);
      for (const value of values) addTo(index, value, key);
    }
  }
}

function addTo(index: Map<string, Set<string>>, value: string, key: string): void {
  const keys = index.get(value);
  if (keys === undefined) index.set(value, new Set([key]));
  else keys.add(key);
}

function removeFrom(index: Map<string, Set<string>>, value: string, key: string): void {
  const keys = index.get(value);
  keys?.delete(key);
  if (keys?.size === 0) index.delete(value);
}
