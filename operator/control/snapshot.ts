/**
 * A versioned set: what one sidecar is to hold, as named parts. Two snapshots with one digest are
 * the same set, whoever made them: this is what lets a stream resume at another operator.
 */
import { createHash } from "node:crypto";

/** One member of a set. A value that never changes, and is shared by all sets that hold it. */
export interface Part<T> {
  /** Unique in its set. */
  readonly key: string;
  /** SHA-256 of all that matters of `value`, hex. */
  readonly digest: string;
  readonly value: T;
}

/** A set at one moment. */
export interface Snapshot<T> {
  /** SHA-256 over the parts' keys and digests, hex; of the order of parts it does not depend. */
  readonly digest: string;
  readonly parts: ReadonlyMap<string, Part<T>>;
}

/** What makes one snapshot of another. */
export interface Difference<T> {
  /** New and changed. */
  readonly changed: readonly T[];
  /** Keys. */
  readonly removed: readonly string[];
}

/** @returns SHA-256, hex. */
export function digestOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Makes a snapshot. Of two parts with one key the later counts. Cost: sorts the keys. */
export function snapshotOf<T>(parts: readonly Part<T>[]): Snapshot<T> {
  const byKey = new Map(parts.map((part) => [part.key, part]));
  const hash = createHash("sha256");
  for (const key of [...byKey.keys()].sort()) {
    // Neither a key nor a digest holds a zero byte, so no two sets run together.
    hash.update(`${key}\0${byKey.get(key)?.digest ?? ""}\0`);
  }
  return { digest: hash.digest("hex"), parts: byKey };
}

/** @param from undefined: nothing, so that everything is new. */
export function difference<T>(from: Snapshot<T> | undefined, to: Snapshot<T>): Difference<T> {
  const changed: T[] = [];
  for (const part of to.parts.values()) {
    if (from?.parts.get(part.key)?.digest !== part.digest) changed.push(part.value);
  }
  const removed = [...(from?.parts.keys() ?? [])].filter((key) => !to.parts.has(key));
  return { changed, removed };
}
