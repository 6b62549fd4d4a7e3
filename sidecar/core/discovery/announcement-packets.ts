/**
 * Cuts what a node announces into packets. Each is whole: it names the node, its addresses and a
 * part of its demands, so that a lost packet costs only those demands until the next round.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import {
  type Announcement,
  AnnouncementSchema,
  type DemandSummary,
  DemandSummarySchema,
} from "../../../proto/gen/spillway/discovery/v1/announcement_pb.ts";
import { discoveryLimits } from "./discovery-limits.ts";

/** What every packet of a round says. */
export interface AnnouncedNode {
  readonly clusterId: string;
  readonly namespace: string;
  readonly nodeId: string;
  readonly incarnation: number;
  readonly addresses: readonly string[];
  readonly sessionPort: number;
  /** SHA-256 of the leaf certificate, 32 bytes; empty when there is none. */
  readonly fingerprint: Uint8Array;
  readonly ttlMs: number;
}

/** Of SignedAnnouncement: version 2, length of the announcement 3, mark 18 bytes. */
const envelopeBytes = 2 + 3 + 18;
/** Greatest encoding of what is filled in later: sequence, send time, packet index and count. */
const laterBytes = 11 + 11 + 3 + 3;

/**
 * Makes the packets of one round.
 * @param firstSequence of the first packet; the others follow on. `sentAtMs` stays 0: the sender's
 *   date is put in when the packet is marked.
 * @returns 1 … 256 packets; demands beyond the bound are left out, last ones first.
 */
export function makePackets(
  node: AnnouncedNode,
  demands: readonly DemandSummary[],
  firstSequence: number,
): Announcement[] {
  const parts = splitDemands(demands, demandRoomBytes(node));
  return parts.map((part, i) =>
    create(AnnouncementSchema, {
      ...fixedPart(node),
      demands: [...part],
      sequence: BigInt(firstSequence + i),
      packetIndex: i,
      packetCount: parts.length,
    }),
  );
}

/** The packet that says goodbye. */
export function makeGoodbye(node: AnnouncedNode, sequence: number): Announcement {
  return create(AnnouncementSchema, {
    ...fixedPart(node),
    sequence: BigInt(sequence),
    packetCount: 1,
    goodbye: true,
  });
}

function fixedPart(node: AnnouncedNode) {
  return {
    clusterId: node.clusterId,
    namespace: node.namespace,
    nodeId: node.nodeId,
    incarnation: BigInt(node.incarnation),
    addresses: node.addresses.slice(0, discoveryLimits.addressesPerNode),
    sessionPort: node.sessionPort,
    certificateFingerprint: node.fingerprint,
    ttlMs: node.ttlMs,
  };
}

function demandRoomBytes(node: AnnouncedNode): number {
  const fixed = toBinary(AnnouncementSchema, create(AnnouncementSchema, fixedPart(node)));
  return discoveryLimits.packetBytes - envelopeBytes - laterBytes - fixed.length;
}

function splitDemands(demands: readonly DemandSummary[], roomBytes: number): DemandSummary[][] {
  let part: DemandSummary[] = [];
  const parts = [part];
  let leftBytes = roomBytes;
  for (const demand of demands.slice(0, discoveryLimits.demandsPerNode)) {
    const body = toBinary(DemandSummarySchema, demand).length;
    // Tag, length (a summary is shorter than 128 bytes), body.
    const sizeBytes = 1 + (body < 128 ? 1 : 2) + body;
    if (sizeBytes > roomBytes) continue;
    if (sizeBytes > leftBytes) {
      if (parts.length === discoveryLimits.packetsPerRound) break;
      part = [];
      parts.push(part);
      leftBytes = roomBytes;
    }
    part.push(demand);
    leftBytes -= sizeBytes;
  }
  return parts;
}
