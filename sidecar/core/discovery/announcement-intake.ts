/**
 * Decides which announcements are believed and puts the packets of a round together. What arrives
 * here has the right size, version, cluster, namespace and mark (`sidecar/wire/announcement.ts`).
 *
 * Believed once: each (node, incarnation) has a window of sequences. The first packet heard of a
 * start is held against the clock instead, since a recorded one would pass an empty window.
 */
import type {
  Announcement,
  DemandSummary,
} from "../../../proto/gen/spillway/discovery/v1/announcement_pb.ts";
import type { Incarnation, NodeId } from "../ports.ts";
import { discoveryLimits } from "./discovery-limits.ts";
import type { AnnouncementRefusal } from "./refusal.ts";
import { ReplayWindow } from "./replay-window.ts";
import { demandKey, type Endpoint, type Sighting } from "./sighting.ts";

/** What became of an announcement. */
export type IntakeResult =
  | { readonly type: "refused"; readonly reason: AnnouncementRefusal }
  /** Our own packet, looped back. */
  | { readonly type: "own" }
  | { readonly type: "goodbye"; readonly nodeId: NodeId; readonly incarnation: Incarnation }
  | {
      readonly type: "heard";
      readonly sighting: Sighting & { readonly incarnation: Incarnation };
      /** True for a node, or a start of it, that was unknown or silent for longer than its ttl. */
      readonly isNew: boolean;
    };

/** A packet as it arrived. */
export interface ReceivedAnnouncement {
  readonly announcement: Announcement;
  /** Source address of the packet; an IPv6 link-local one with its zone. Unproven. */
  readonly fromAddress: string;
  /** This node's date when it arrived, ms since 1970. */
  readonly receivedAtEpochMs: number;
}

/** What is remembered of a sender. */
interface Sender {
  readonly incarnation: Incarnation;
  readonly window: ReplayWindow;
  /** Sequence of the first packet of the newest round. */
  roundFirst: number;
  /** Packets of that round so far, by index, each with the keys of its demands. */
  roundParts: Map<number, readonly string[]>;
  demands: Map<string, DemandSummary>;
  heardAtMs: number;
  ttlMs: number;
}

/** Believes each announcement once. */
export class AnnouncementIntake {
  readonly #nodeId: NodeId;
  readonly #incarnation: Incarnation;
  readonly #replayWindowMs: number;
  readonly #senders = new Map<NodeId, Sender>();

  /** @param own.replayWindowMs greatest difference of clocks for the first packet of a start. */
  constructor(own: { nodeId: NodeId; incarnation: Incarnation; replayWindowMs: number }) {
    this.#nodeId = own.nodeId;
    this.#incarnation = own.incarnation;
    this.#replayWindowMs = own.replayWindowMs;
  }

  /** Judges one packet; the checks come in the order of `announcementRefusals`. */
  take(received: ReceivedAnnouncement, nowMs: number): IntakeResult {
    const { announcement } = received;
    if (!isWithinBounds(announcement)) return refused("MALFORMED");
    const incarnation = Number(announcement.incarnation);
    if (announcement.nodeId === this.#nodeId) {
      return incarnation === this.#incarnation ? { type: "own" } : refused("OWN_NODE_ID");
    }
    const known = this.#senders.get(announcement.nodeId);
    if (known !== undefined && incarnation < known.incarnation) return refused("OLD_INCARNATION");
    const isNew =
      known === undefined ||
      incarnation > known.incarnation ||
      nowMs - known.heardAtMs > known.ttlMs;
    let sender = known;
    if (sender === undefined || incarnation > sender.incarnation) {
      const admitted = this.#admit(received, incarnation, nowMs);
      if (typeof admitted === "string") return refused(admitted);
      sender = admitted;
    }
    const seen = sender.window.take(Number(announcement.sequence));
    if (seen !== "new") return refused(seen === "duplicate" ? "DUPLICATE" : "REPLAYED");
    this.#senders.set(announcement.nodeId, sender);
    sender.heardAtMs = nowMs;
    sender.ttlMs = announcement.ttlMs;
    if (announcement.goodbye) {
      sender.demands.clear();
      // Silent from now on: whatever it says next is news.
      sender.heardAtMs = -Infinity;
      return { type: "goodbye", nodeId: announcement.nodeId, incarnation };
    }
    mergeRound(sender, announcement);
    return { type: "heard", isNew, sighting: sightingOf(received, incarnation, sender) };
  }

  /** Forgets senders whose packets would be refused by the time window anyway. */
  sweep(nowMs: number): void {
    for (const [nodeId, sender] of this.#senders) {
      const keptMs = 2 * this.#replayWindowMs + sender.ttlMs;
      if (sender.heardAtMs === -Infinity) sender.heardAtMs = nowMs - sender.ttlMs - 1;
      if (nowMs - sender.heardAtMs > keptMs) this.#senders.delete(nodeId);
    }
  }

  #admit(
    received: ReceivedAnnouncement,
    incarnation: Incarnation,
    nowMs: number,
  ): Sender | AnnouncementRefusal {
    const { announcement, receivedAtEpochMs } = received;
    const skewMs = Math.abs(Number(announcement.sentAtMs) - receivedAtEpochMs);
    if (skewMs > this.#replayWindowMs) return "TIME_WINDOW";
    if (!this.#senders.has(announcement.nodeId) && this.#senders.size >= discoveryLimits.nodes) {
      this.sweep(nowMs);
      if (this.#senders.size >= discoveryLimits.nodes) return "TOO_MANY_NODES";
    }
    return {
      incarnation,
      window: new ReplayWindow(),
      roundFirst: -1,
      roundParts: new Map(),
      demands: new Map(),
      heardAtMs: nowMs,
      ttlMs: announcement.ttlMs,
    };
  }
}

function refused(reason: AnnouncementRefusal): IntakeResult {
  return { type: "refused", reason };
}

/**
 * Demands of a packet count at once. A demand that is gone is dropped when a round has come in
 * whole: until then it could stand in the packet that is missing.
 */
function mergeRound(sender: Sender, announcement: Announcement): void {
  const first = Number(announcement.sequence) - announcement.packetIndex;
  // A late packet of an older round would bring back counts, or demands, that have changed since.
  if (first < sender.roundFirst) return;
  if (first > sender.roundFirst) {
    sender.roundFirst = first;
    sender.roundParts = new Map();
  }
  for (const demand of announcement.demands) {
    const key = demandKey(demand);
    const room = sender.demands.size < discoveryLimits.demandsPerNode;
    if (room || sender.demands.has(key)) sender.demands.set(key, demand);
  }
  sender.roundParts.set(announcement.packetIndex, announcement.demands.map(demandKey));
  if (sender.roundParts.size !== announcement.packetCount) return;
  const whole = new Set([...sender.roundParts.values()].flat());
  for (const key of sender.demands.keys()) if (!whole.has(key)) sender.demands.delete(key);
}

function sightingOf(received: ReceivedAnnouncement, incarnation: Incarnation, sender: Sender) {
  const { announcement, fromAddress } = received;
  const fingerprint = hex(announcement.certificateFingerprint);
  return {
    nodeId: announcement.nodeId,
    incarnation,
    endpoints: endpointsOf(announcement, fromAddress),
    ...(fingerprint === "" ? {} : { fingerprint }),
    demands: [...sender.demands.values()],
    ttlMs: announcement.ttlMs,
  };
}

/**
 * The source address is where the packet got through, so it comes first; but it is unproven, so it
 * counts only when the marked announcement names it too, or names none at all.
 */
function endpointsOf(announcement: Announcement, fromAddress: string): Endpoint[] {
  const { addresses, sessionPort: port } = announcement;
  if (addresses.length === 0) return [{ host: fromAddress, port }];
  const heardFirst = addresses.toSorted(
    (a, b) => Number(b === fromAddress) - Number(a === fromAddress),
  );
  return [...new Set(heardFirst)].map((host) => ({ host, port }));
}

const addressPattern = /^[-A-Za-z0-9.:%_]+$/;
const namePattern = /^[-A-Za-z0-9.]+$/;

/** The mark proves who wrote it, not that it is sound: an older version may have other bounds. */
function isWithinBounds(a: Announcement): boolean {
  const limits = discoveryLimits;
  const portOk = a.sessionPort <= 65_535 && (a.goodbye || a.sessionPort > 0);
  return (
    isName(a.nodeId) &&
    a.incarnation <= BigInt(Number.MAX_SAFE_INTEGER) &&
    a.sequence >= 1n &&
    a.sequence <= BigInt(Number.MAX_SAFE_INTEGER) &&
    portOk &&
    a.ttlMs >= 1 &&
    a.ttlMs <= limits.ttlMs &&
    a.packetCount >= 1 &&
    a.packetCount <= limits.packetsPerRound &&
    a.packetIndex < a.packetCount &&
    (a.certificateFingerprint.length === 0 || a.certificateFingerprint.length === 32) &&
    a.addresses.length <= limits.addressesPerNode &&
    a.addresses.every((x) => x.length <= limits.addressLength && addressPattern.test(x)) &&
    a.demands.every((d) => isName(d.name))
  );
}

function isName(name: string): boolean {
  return name.length <= discoveryLimits.nameLength && namePattern.test(name);
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
