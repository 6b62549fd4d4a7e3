import { create } from "@bufbuild/protobuf";
import { type Version, VersionSchema } from "../../proto/gen/spillway/control/v1/control_pb.ts";
import type { Difference, Snapshot } from "./snapshot.ts";
import type { SnapshotHistory } from "./snapshot-history.ts";

/** The next delta of one follower. */
export interface Step<T> extends Difference<T> {
  /** What it changes; undefined: nothing, it is the whole set. */
  readonly base: Version | undefined;
  /** What it makes. */
  readonly version: Version;
}

/**
 * What one sidecar holds of a set, and the delta that brings it to the latest. Deltas are made when
 * the sidecar can take one, not when something changes: a slow reader gets fewer, larger ones, and
 * nothing waits for it in memory.
 *
 * Invariant: the number rises with each step, from whatever the sidecar named, so that late and
 * repeated deltas are told apart from new ones.
 */
export class Follower<T> {
  #number: bigint;
  #digest: string | undefined;
  /** Undefined while what it holds is not known part by part. */
  #holds: Snapshot<T> | undefined;

  /** @param held what the sidecar says it holds. */
  constructor(held: Version | undefined) {
    this.#number = held?.number ?? 0n;
    this.#digest = held === undefined ? undefined : Buffer.from(held.digest).toString("hex");
  }

  /** Whether the sidecar said that it holds something that is not in this history. */
  holdsUnknown(history: SnapshotHistory<T>): boolean {
    if (this.#digest === undefined || this.#holds !== undefined) return false;
    return history.find(this.#digest) === undefined;
  }

  /** Whether there is nothing to tell. */
  isCurrent(history: SnapshotHistory<T>): boolean {
    return this.#digest === history.latest.digest;
  }

  /** What is new to the sidecar; empty when nothing is. Changes nothing. */
  pending(history: SnapshotHistory<T>): Difference<T> {
    if (this.isCurrent(history)) return { changed: [], removed: [] };
    return history.toLatest(this.#known(history));
  }

  /** @returns the next delta, which counts as held from now on; undefined when it is current. */
  next(history: SnapshotHistory<T>): Step<T> | undefined {
    if (this.isCurrent(history)) {
      // A stream that resumed: from here on it is known part by part.
      this.#holds = history.latest;
      return undefined;
    }
    const from = this.#known(history);
    const made = history.toLatest(from);
    const base = from === undefined ? undefined : versionOf(this.#number, from.digest);
    this.#number += 1n;
    this.#holds = history.latest;
    this.#digest = history.latest.digest;
    return { ...made, base, version: versionOf(this.#number, this.#digest) };
  }

  #known(history: SnapshotHistory<T>): Snapshot<T> | undefined {
    if (this.#holds !== undefined || this.#digest === undefined) return this.#holds;
    return history.find(this.#digest);
  }
}

function versionOf(number: bigint, digest: string): Version {
  return create(VersionSchema, { number, digest: Buffer.from(digest, "hex") });
}
