/**
 * When this node announces itself, and what it makes of the announcements of others.
 *
 * A round (one packet, or several when the demands do not fit) goes out at start, once more after
 * 50–150 ms (others may have been about to listen), and then every period, jittered. Beyond that at
 * once when a new node is heard, when the addresses change, and when the demands change materially.
 * Such extra rounds keep 20 ms from the round before, so that a node that starts among many answers
 * all their answers with one, and share a bucket of 5, refilled by 5 a second; what comes too soon
 * is one round later. 1,000 nodes that start together cannot answer each other into a storm.
 */
import type {
  Announcement,
  DemandSummary,
} from "../../../proto/gen/spillway/discovery/v1/announcement_pb.ts";
import { assertNever, type Incarnation, type NodeId, type Random } from "../ports.ts";
import { AnnouncementIntake, type ReceivedAnnouncement } from "./announcement-intake.ts";
import { type AnnouncedNode, makeGoodbye, makePackets } from "./announcement-packets.ts";
import { DiscoveryError } from "./discovery-error.ts";
import { discoveryLimits } from "./discovery-limits.ts";
import type { AnnouncementRefusal } from "./refusal.ts";
import { demandKey, type Sighting } from "./sighting.ts";

/** Who announces. */
export interface AnnouncerOptions extends Omit<AnnouncedNode, "ttlMs"> {
  /** Time between rounds. @default 5,000 */
  readonly periodMs?: number;
  /** Greatest difference of two nodes' dates. @default 60,000 */
  readonly replayWindowMs?: number;
}

/** Everything the announcer may be told. */
export type AnnouncerInput =
  | { readonly type: "start" }
  /** The interfaces in use changed; announced at once, also when the addresses stayed. */
  | { readonly type: "pathsChanged"; readonly addresses: readonly string[] }
  | { readonly type: "demandsChanged"; readonly demands: readonly DemandSummary[] }
  /** The certificate was renewed; told with the next round. */
  | { readonly type: "certificateChanged"; readonly fingerprint: Uint8Array }
  | ({ readonly type: "received" } & ReceivedAnnouncement)
  /** Says goodbye; nothing is sent after it. */
  | { readonly type: "stop" };

/** Everything it asks the outside to do. */
export type AnnouncerEffect =
  /** Date it, mark it, send it on every interface. */
  | { readonly type: "send"; readonly announcement: Announcement }
  | {
      readonly type: "heard";
      readonly sighting: Sighting & { readonly incarnation: Incarnation };
    }
  | { readonly type: "left"; readonly nodeId: NodeId; readonly incarnation: Incarnation }
  | { readonly type: "refused"; readonly reason: AnnouncementRefusal };

const bucketSize = 5;
const refillMs = 200;
const extraGapMs = 20;
/** ttl in periods: four announcements may be lost in a row. */
const ttlPeriods = 5;

/** Announces one node. */
export class Announcer {
  readonly #random: Random;
  readonly #periodMs: number;
  readonly #intake: AnnouncementIntake;
  #node: AnnouncedNode;
  #demands: readonly DemandSummary[] = [];
  #sequence = 0;
  #running = false;
  /** The next of the period; the repetition after start; an extra round that the bucket delayed. */
  #periodDueMs = Infinity;
  #repeatDueMs = Infinity;
  #extraDueMs = Infinity;
  #bucket = bucketSize;
  #bucketAtMs = 0;
  #roundAtMs = -Infinity;

  /** @throws {DiscoveryError} `INVALID_PERIOD` outside 10 ms … 2 min. */
  constructor(options: AnnouncerOptions, random: Random) {
    const { periodMs = 5_000, replayWindowMs = 60_000, ...node } = options;
    const ttlMs = ttlPeriods * periodMs;
    if (!(periodMs >= 10) || ttlMs > discoveryLimits.ttlMs) {
      const bound = `10 to ${discoveryLimits.ttlMs / ttlPeriods}`;
      throw new DiscoveryError("INVALID_PERIOD", `period of ${periodMs} ms: must be ${bound}`);
    }
    this.#periodMs = periodMs;
    this.#random = random;
    this.#node = { ...node, ttlMs: Math.round(ttlMs) };
    this.#intake = new AnnouncementIntake({
      nodeId: node.nodeId,
      incarnation: node.incarnation,
      replayWindowMs,
    });
  }

  /** Takes one input. */
  handle(input: AnnouncerInput, nowMs: number): AnnouncerEffect[] {
    switch (input.type) {
      case "start":
        return this.#start(nowMs);
      case "pathsChanged":
        this.#node = { ...this.#node, addresses: input.addresses };
        return this.#announceSoon(nowMs);
      case "demandsChanged": {
        const material = isMaterialChange(this.#demands, input.demands);
        this.#demands = input.demands;
        return material ? this.#announceSoon(nowMs) : [];
      }
      case "certificateChanged":
        this.#node = { ...this.#node, fingerprint: input.fingerprint };
        return [];
      case "received":
        return this.#receive(input, nowMs);
      case "stop":
        return this.#stop();
      default:
        return assertNever(input);
    }
  }

  /** When the next round is due; Infinity before start and after stop. */
  nextDeadlineMs(): number {
    return Math.min(this.#periodDueMs, this.#repeatDueMs, this.#extraDueMs);
  }

  /** Sends the round that is due; extra calls are harmless. */
  advance(nowMs: number): AnnouncerEffect[] {
    return nowMs < this.nextDeadlineMs() ? [] : this.#round(nowMs);
  }

  #start(nowMs: number): AnnouncerEffect[] {
    if (this.#running) return [];
    this.#running = true;
    this.#bucketAtMs = nowMs;
    this.#repeatDueMs = nowMs + 50 + 100 * this.#random.next();
    return this.#round(nowMs);
  }

  #stop(): AnnouncerEffect[] {
    if (!this.#running) return [];
    this.#running = false;
    this.#periodDueMs = this.#repeatDueMs = this.#extraDueMs = Infinity;
    this.#sequence += 1;
    return [{ type: "send", announcement: makeGoodbye(this.#node, this.#sequence) }];
  }

  #receive(input: ReceivedAnnouncement, nowMs: number): AnnouncerEffect[] {
    const result = this.#intake.take(input, nowMs);
    switch (result.type) {
      case "refused":
        return [result];
      case "own":
        return [];
      case "goodbye":
        return [{ type: "left", nodeId: result.nodeId, incarnation: result.incarnation }];
      case "heard": {
        const heard = { type: "heard", sighting: result.sighting } as const;
        return result.isNew ? [heard, ...this.#announceSoon(nowMs)] : [heard];
      }
      default:
        return assertNever(result);
    }
  }

  /** At once when the last round is far enough and the bucket not empty, else when both are so. */
  #announceSoon(nowMs: number): AnnouncerEffect[] {
    if (!this.#running || this.#extraDueMs !== Infinity) return [];
    this.#bucket = Math.min(bucketSize, this.#bucket + (nowMs - this.#bucketAtMs) / refillMs);
    this.#bucketAtMs = nowMs;
    this.#bucket -= 1;
    const refilledAtMs = nowMs + Math.max(0, -this.#bucket) * refillMs;
    const dueMs = Math.max(refilledAtMs, this.#roundAtMs + extraGapMs);
    if (dueMs <= nowMs) return this.#round(nowMs);
    this.#extraDueMs = dueMs;
    return [];
  }

  #round(nowMs: number): AnnouncerEffect[] {
    // ±20 %, so that nodes that started together drift apart.
    this.#periodDueMs = nowMs + this.#periodMs * (0.8 + 0.4 * this.#random.next());
    this.#extraDueMs = Infinity;
    this.#roundAtMs = nowMs;
    if (nowMs >= this.#repeatDueMs) this.#repeatDueMs = Infinity;
    this.#intake.sweep(nowMs);
    const packets = makePackets(this.#node, this.#demands, this.#sequence + 1);
    this.#sequence += packets.length;
    return packets.map((announcement) => ({ type: "send", announcement }));
  }
}

/**
 * What providers choose by has changed: a demand came or went, its bounds changed, or it went from
 * one group (below desired, below max, full) to another. Other counts wait for the next period.
 */
function isMaterialChange(
  before: readonly DemandSummary[],
  after: readonly DemandSummary[],
): boolean {
  if (before.length !== after.length) return true;
  const old = new Map(before.map((demand) => [demandKey(demand), demand]));
  return after.some((demand) => {
    const other = old.get(demandKey(demand));
    return (
      other === undefined ||
      other.desiredProviders !== demand.desiredProviders ||
      other.maxProviders !== demand.maxProviders ||
      group(other) !== group(demand)
    );
  });
}

function group(demand: DemandSummary): "below desired" | "below max" | "full" {
  if (demand.connectedProviders < demand.desiredProviders) return "below desired";
  return demand.connectedProviders < demand.maxProviders ? "below max" : "full";
}
