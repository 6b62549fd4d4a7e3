/**
 * A collection as an API server keeps it: a log of changes with rising versions, the state at each,
 * and a point before which the log is forgotten.
 */
import type { ApiObject } from "../../../operator/runtime/index.ts";

/** An object of the simulation. */
export interface Thing extends ApiObject {
  readonly value: number;
}

/** One change. */
export interface Change {
  readonly version: number;
  readonly type: "upserted" | "removed";
  readonly object: Thing;
}

/** See the head of the file. */
export class Collection {
  readonly #things = new Map<string, Thing>();
  readonly #log: Change[] = [];
  #version = 1;
  #compactedVersion = 0;
  #uids = 0;

  /** Version of the last change. */
  get version(): number {
    return this.#version;
  }

  /** @returns what is in it, by name. */
  get state(): ReadonlyMap<string, Thing> {
    return this.#things;
  }

  /** Creates or changes a thing. */
  put(name: string, value: number): void {
    const uid = this.#things.get(name)?.metadata.uid ?? `uid-${++this.#uids}`;
    this.#version += 1;
    const object = { metadata: { name, uid, resourceVersion: `${this.#version}` }, value };
    this.#things.set(name, object);
    this.#log.push({ version: this.#version, type: "upserted", object });
  }

  /** Deletes a thing, if it is there. */
  delete(name: string): void {
    const thing = this.#things.get(name);
    if (thing === undefined) return;
    this.#version += 1;
    this.#things.delete(name);
    const metadata = { ...thing.metadata, resourceVersion: `${this.#version}` };
    this.#log.push({ version: this.#version, type: "removed", object: { ...thing, metadata } });
  }

  /** Forgets the log up to now. */
  compact(): void {
    this.#compactedVersion = this.#version;
  }

  /** @returns the changes after a version; undefined when they are forgotten. */
  changesAfter(version: number): Change[] | undefined {
    if (version < this.#compactedVersion) return undefined;
    return this.#log.filter((change) => change.version > version);
  }
}
