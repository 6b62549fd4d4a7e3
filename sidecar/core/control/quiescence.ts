/**
 * Which capabilities are to take nothing new, and what is confirmed of it: the operator lowers a
 * number of replicas only by pods that have said "nothing here, and nothing on its way".
 */
import { create } from "@bufbuild/protobuf";
import {
  type Quiesce,
  type QuiesceConfirmation,
  QuiesceConfirmationSchema,
  type QuiescedCapability,
} from "../../../proto/gen/spillway/control/v1/control_pb.ts";
import { durationMs } from "./duration.ts";
import type { CapabilityStatus, NodeStatus } from "./node-status.ts";

/** Finds a capability's name; undefined when none in force has the uid. */
export type NameOf = (uid: string) => string | undefined;

/** The Quiesce in force. */
export class Quiescence {
  #sequence = 0n;
  #uids: readonly string[] = [];
  #untilMs = Infinity;
  #confirmed = "";

  /** When all take items again. */
  nextDeadlineMs(): number {
    return this.#untilMs;
  }

  /** True while something is to be quiet, or was told to be and is not confirmed yet. */
  get asked(): boolean {
    return this.#uids.length > 0;
  }

  /** Takes a Quiesce over; it replaces the one before. */
  take(quiesce: Quiesce, nowMs: number): void {
    this.#sequence = quiesce.sequence;
    this.#uids = quiesce.capabilityUids;
    const ttlMs = durationMs(quiesce.ttl) ?? 0;
    this.#untilMs = this.#uids.length === 0 ? Infinity : nowMs + ttlMs;
    this.#confirmed = "";
  }

  /** @returns whether the time of the Quiesce is over; all take items again then. */
  expire(nowMs: number): boolean {
    if (nowMs < this.#untilMs) return false;
    this.#uids = [];
    this.#untilMs = Infinity;
    return true;
  }

  /** Names of the capabilities that are to be quiet. */
  names(nameOf: NameOf): ReadonlySet<string> {
    return new Set(this.#uids.map(nameOf).filter((name) => name !== undefined));
  }

  /**
   * What a look at the node confirms.
   * @returns undefined when nothing was asked, or the same was said already.
   */
  confirm(status: NodeStatus, nameOf: NameOf): QuiesceConfirmation | undefined {
    if (!this.asked) return undefined;
    const byName = new Map(status.capabilities.map((each) => [each.name, each]));
    const capabilities = this.#uids.map((uid) => confirmed(uid, byName.get(nameOf(uid) ?? "")));
    const said = JSON.stringify([String(this.#sequence), capabilities.map(({ idle }) => idle)]);
    if (said === this.#confirmed) return undefined;
    this.#confirmed = said;
    return create(QuiesceConfirmationSchema, { sequence: this.#sequence, capabilities });
  }

  /** A new stream has heard nothing yet. */
  streamLost(): void {
    this.#confirmed = "";
  }
}

/** A capability that is not in force does nothing, so it is idle. */
function confirmed(
  uid: string,
  status: CapabilityStatus | undefined,
): Omit<QuiescedCapability, "$typeName" | "$unknown"> {
  const { credit = 0, running = 0, unsettled = 0 } = status ?? {};
  return { uid, credit, running, idle: credit === 0 && running === 0 && unsettled === 0 };
}
