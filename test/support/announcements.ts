/** Builders of demands and announcements. */
import { create } from "@bufbuild/protobuf";
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type Announcement,
  AnnouncementSchema,
  type DemandSummary,
  DemandSummarySchema,
} from "../../proto/gen/spillway/discovery/v1/announcement_pb.ts";
import type { AnnouncedNode } from "../../sidecar/core/discovery/announcement-packets.ts";

/** A demand with sound counts. */
export function demand(
  name: string,
  fields: Partial<Omit<DemandSummary, "$typeName">> = {},
): DemandSummary {
  return create(DemandSummarySchema, {
    routeHash: 7n,
    name,
    desiredProviders: 2,
    maxProviders: 4,
    connectedProviders: 0,
    ...fields,
  });
}

/** An announcement of node `b` with sound fields, sent at 1,000,000 ms. */
export function announcement(
  fields: MessageInitShape<typeof AnnouncementSchema> = {},
): Announcement {
  return create(AnnouncementSchema, {
    clusterId: "c",
    namespace: "ns",
    nodeId: "b",
    incarnation: 1n,
    sequence: 1n,
    sentAtMs: 1_000_000n,
    addresses: ["10.0.0.2"],
    sessionPort: 7000,
    ttlMs: 25_000,
    packetCount: 1,
    ...fields,
  });
}

/** What a node says of itself, without demands. */
export function announcedNode(fields: Partial<AnnouncedNode> = {}): AnnouncedNode {
  return {
    clusterId: "c",
    namespace: "ns",
    nodeId: "a",
    incarnation: 1,
    addresses: ["10.0.0.1"],
    sessionPort: 7000,
    fingerprint: new Uint8Array(32).fill(0xab),
    ttlMs: 25_000,
    ...fields,
  };
}
