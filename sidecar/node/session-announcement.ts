/**
 * What a node says of its demands over an open session: the same Announcement as over multicast,
 * unmarked, since the session has proven who speaks.
 */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  type Announcement,
  AnnouncementSchema,
  type DemandSummary,
} from "../../proto/gen/spillway/discovery/v1/announcement_pb.ts";
import type { PeerIdentity, SessionCloseCode } from "../transport/ports.ts";

/** Demands that one node may announce; docs/limits.md names it. */
export const maxAnnouncedDemands = 1_000;

/** Who announces. */
export interface AnnouncingNode {
  readonly clusterId: string;
  readonly namespace: string;
  readonly nodeId: string;
  readonly incarnation: number;
}

/** An announcement that may be believed, or how the session is to be closed. */
export type SessionAnnouncement =
  | { readonly ok: true; readonly announcement: Announcement }
  | { readonly ok: false; readonly code: SessionCloseCode; readonly reason: string };

/** @returns the bytes that every peer gets. */
export function writeSessionAnnouncement(
  self: AnnouncingNode,
  demands: readonly DemandSummary[],
): Uint8Array {
  return toBinary(
    AnnouncementSchema,
    create(AnnouncementSchema, {
      ...self,
      incarnation: BigInt(self.incarnation),
      demands: [...demands],
      packetCount: 1,
    }),
  );
}

/** @param bytes may be a view that ends with the turn. */
export function readSessionAnnouncement(
  bytes: Uint8Array,
  peer: PeerIdentity,
): SessionAnnouncement {
  let announcement: Announcement;
  try {
    announcement = fromBinary(AnnouncementSchema, bytes.slice());
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { ok: false, code: "MALFORMED", reason: `no announcement: ${reason}` };
  }
  const same =
    announcement.nodeId === peer.nodeId &&
    announcement.clusterId === peer.clusterId &&
    announcement.namespace === peer.namespace &&
    announcement.incarnation === BigInt(peer.incarnation);
  if (!same) {
    const reason = `node ${peer.nodeId} announced itself as ${announcement.nodeId.slice(0, 100)}`;
    return { ok: false, code: "IDENTITY_MISMATCH", reason };
  }
  const count = announcement.demands.length;
  if (count > maxAnnouncedDemands) {
    const reason = `${String(count)} demands; at most ${String(maxAnnouncedDemands)}`;
    return { ok: false, code: "LIMIT_EXCEEDED", reason };
  }
  return { ok: true, announcement };
}
