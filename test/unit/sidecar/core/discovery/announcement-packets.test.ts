import { toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AnnouncementSchema } from "../../../../../proto/gen/spillway/discovery/v1/announcement_pb.ts";
import {
  makeGoodbye,
  makePackets,
} from "../../../../../sidecar/core/discovery/announcement-packets.ts";
import { announcementKey, signAnnouncement } from "../../../../../sidecar/wire/announcement.ts";
import { announcedNode, demand } from "../../../../support/announcements.ts";

const key = announcementKey(new Uint8Array(32), "c", "ns");

/** The greatest node that configuration admits. */
const greatest = announcedNode({
  clusterId: "c".repeat(63),
  namespace: "n".repeat(63),
  nodeId: "i".repeat(63),
  incarnation: Number.MAX_SAFE_INTEGER,
  addresses: Array.from({ length: 8 }, (_, i) => `2001:db8:1111:2222:3333:4444:5555:666${i}`),
  sessionPort: 65_535,
  ttlMs: 600_000,
});
const greatestDemand = (i: number) =>
  demand(`${i}`.padEnd(63, "d"), {
    routeHash: 0xffff_ffff_ffff_ffffn,
    desiredProviders: 0xffff_ffff,
    maxProviders: 0xffff_ffff,
    connectedProviders: 0xffff_ffff,
  });

describe("the packets of a round", () => {
  test("are one without demands", () => {
    const packets = makePackets(announcedNode(), [], 5);
    expect(packets).toHaveLength(1);
    expect(packets[0]).toMatchObject({ sequence: 5n, packetIndex: 0, packetCount: 1, demands: [] });
  });

  test("are each whole: node, addresses, ttl, numbered", () => {
    const demands = Array.from({ length: 60 }, (_, i) => demand(`demand-${i}`));
    const packets = makePackets(announcedNode(), demands, 10);
    expect(packets.length).toBeGreaterThan(1);
    for (const [i, packet] of packets.entries()) {
      expect(packet).toMatchObject({
        nodeId: "a",
        addresses: ["10.0.0.1"],
        sessionPort: 7000,
        ttlMs: 25_000,
        sequence: BigInt(10 + i),
        packetIndex: i,
        packetCount: packets.length,
      });
    }
    expect(packets.flatMap((p) => p.demands)).toEqual(demands);
  });

  test("of the greatest node with 1,000 of the longest demands fit their bounds", () => {
    const demands = Array.from({ length: 1_000 }, (_, i) => greatestDemand(i));
    const packets = makePackets(greatest, demands, Number.MAX_SAFE_INTEGER - 1_000);
    expect(packets.length).toBeLessThanOrEqual(256);
    expect(packets.flatMap((p) => p.demands)).toHaveLength(1_000);
    for (const packet of packets) {
      packet.sentAtMs = 0xffff_ffff_ffffn;
      expect(signAnnouncement(packet, key).length).toBeLessThanOrEqual(1_200);
    }
  });

  test("hold at most 1,000 demands: the last ones are left out", () => {
    const demands = Array.from({ length: 1_001 }, (_, i) => demand(`d${i}`));
    const sent = makePackets(announcedNode(), demands, 1).flatMap((p) => p.demands);
    expect(sent).toEqual(demands.slice(0, 1_000));
  });

  test("name at most 8 addresses", () => {
    const addresses = Array.from({ length: 20 }, (_, i) => `10.0.0.${i}`);
    expect(makePackets(announcedNode({ addresses }), [], 1)[0]?.addresses).toHaveLength(8);
  });

  test("for any demands: within 1,200 bytes signed, nothing lost, well filled", () => {
    const name = fc.stringMatching(/^[a-z][-a-z0-9]{0,62}$/);
    const any = fc.array(fc.tuple(name, fc.nat({ max: 0xffff_ffff })), { maxLength: 120 });
    fc.assert(
      fc.property(any, (list) => {
        const demands = list.map(([n, count]) => demand(n, { connectedProviders: count }));
        const packets = makePackets(greatest, demands, 1);
        expect(packets.flatMap((p) => p.demands)).toEqual(demands);
        for (const [i, packet] of packets.entries()) {
          packet.sentAtMs = 0xffff_ffff_ffffn;
          const sizeBytes = signAnnouncement(packet, key).length;
          expect(sizeBytes).toBeLessThanOrEqual(1_200);
          if (i < packets.length - 1) expect(sizeBytes).toBeGreaterThan(1_000);
        }
      }),
      { numRuns: 50 },
    );
  });
});

test("a goodbye is one packet without demands", () => {
  const packet = makeGoodbye(announcedNode(), 9);
  expect(packet).toMatchObject({ goodbye: true, sequence: 9n, packetCount: 1, demands: [] });
  expect(toBinary(AnnouncementSchema, packet).length).toBeLessThan(200);
});
