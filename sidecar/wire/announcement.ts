/**
 * SignedAnnouncement ↔ bytes. The mark is HMAC-SHA256 cut to 16 bytes (RFC 2104 §5: at least half
 * of the hash), made with a key that is derived per namespace, so that a namespace's key, should a
 * pod ever be given only that, marks nothing in another.
 */
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  type Announcement,
  AnnouncementSchema,
  type SignedAnnouncement,
  SignedAnnouncementSchema,
} from "../../proto/gen/spillway/discovery/v1/announcement_pb.ts";
import { type AnnouncementRefusal, discoveryLimits } from "../core/discovery/index.ts";

/** Layout of SignedAnnouncement that is written and understood. */
export const announcementVersion = 1;

/** Bytes of a mark. */
const markBytes = 16;

/** What announcements of one namespace are marked and checked with. */
export interface AnnouncementKey {
  readonly clusterId: string;
  readonly namespace: string;
  /** HMAC-SHA256(clusterKey, "announcement/" + namespace), 32 bytes; a secret. */
  readonly key: Uint8Array;
}

/** An announcement that may be judged further, or why not. */
export type OpenedAnnouncement =
  | { readonly ok: true; readonly announcement: Announcement }
  | { readonly ok: false; readonly reason: AnnouncementRefusal };

/** Derives a namespace's key. @param clusterKey secret of the cluster, 32 bytes. */
export function announcementKey(
  clusterKey: Uint8Array,
  clusterId: string,
  namespace: string,
): AnnouncementKey {
  const key = createHmac("sha256", clusterKey).update(`announcement/${namespace}`).digest();
  return { clusterId, namespace, key };
}

/**
 * Encodes and marks an announcement.
 * @returns one packet. `makePackets` keeps it within 1,200 bytes.
 */
export function signAnnouncement(announcement: Announcement, key: AnnouncementKey): Uint8Array {
  const bytes = toBinary(AnnouncementSchema, announcement);
  return toBinary(
    SignedAnnouncementSchema,
    create(SignedAnnouncementSchema, {
      version: announcementVersion,
      announcement: bytes,
      mark: markOf(bytes, key),
    }),
  );
}

/**
 * Decodes and checks a packet: size, bytes, version, cluster, namespace, mark, in this order.
 * Cluster and namespace are read before the mark is checked, because the packet of another cluster
 * has another mark and would otherwise always look like a forgery; it is refused either way.
 * @param bytes from anybody.
 * @returns never throws.
 */
export function openAnnouncement(bytes: Uint8Array, key: AnnouncementKey): OpenedAnnouncement {
  if (bytes.length > discoveryLimits.packetBytes) return refused("OVERSIZE");
  const signed = decodeSigned(bytes);
  if (signed === undefined) return refused("MALFORMED");
  if (signed.version !== announcementVersion) return refused("UNKNOWN_VERSION");
  const announcement = decodeAnnouncement(signed.announcement);
  if (announcement === undefined) return refused("MALFORMED");
  if (announcement.clusterId !== key.clusterId) return refused("OTHER_CLUSTER");
  if (announcement.namespace !== key.namespace) return refused("OTHER_NAMESPACE");
  const isMarked =
    signed.mark.length === markBytes &&
    timingSafeEqual(signed.mark, markOf(signed.announcement, key));
  return isMarked ? { ok: true, announcement } : refused("BAD_MARK");
}

/**
 * What a route is found by: the first 8 bytes of SHA-256 over the three names, each ended by a zero
 * byte (no name holds one, so no two routes run together).
 * @returns read little-endian, so that the bytes on the wire (fixed64) are the hash's own.
 */
export function routeHash(namespace: string, request: string, response: string): bigint {
  const hash = createHash("sha256");
  for (const name of [namespace, request, response]) hash.update(`${name}\0`);
  return hash.digest().readBigUInt64LE(0);
}

function markOf(bytes: Uint8Array, key: AnnouncementKey): Uint8Array {
  return createHmac("sha256", key.key).update(bytes).digest().subarray(0, markBytes);
}

function decodeSigned(bytes: Uint8Array): SignedAnnouncement | undefined {
  try {
    return fromBinary(SignedAnnouncementSchema, bytes);
  } catch {
    // Whatever the decoder dislikes, the answer is the same.
    return undefined;
  }
}

function decodeAnnouncement(bytes: Uint8Array): Announcement | undefined {
  try {
    // Unknown fields of a newer version within this layout are dropped: nobody forwards them.
    return fromBinary(AnnouncementSchema, bytes, { readUnknownFields: false });
  } catch {
    return undefined;
  }
}

function refused(reason: AnnouncementRefusal): OpenedAnnouncement {
  return { ok: false, reason };
}
