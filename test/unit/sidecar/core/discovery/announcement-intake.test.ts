import type { MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import type { AnnouncementSchema } from "../../../../../proto/gen/spillway/discovery/v1/announcement_pb.ts";
import {
  AnnouncementIntake,
  type IntakeResult,
} from "../../../../../sidecar/core/discovery/announcement-intake.ts";
import { announcement, demand } from "../../../../support/announcements.ts";

type Fields = MessageInitShape<typeof AnnouncementSchema>;

function intake(): (fields?: Fields, nowMs?: number, epochMs?: number) => IntakeResult {
  const taker = new AnnouncementIntake({ nodeId: "a", incarnation: 5, replayWindowMs: 60_000 });
  return (fields = {}, nowMs = 0, receivedAtEpochMs = 1_000_000) =>
    taker.take(
      { announcement: announcement(fields), fromAddress: "10.0.0.2", receivedAtEpochMs },
      nowMs,
    );
}

const refused = (reason: string): object => ({ type: "refused", reason });
const demandsOf = (result: IntakeResult): string[] | undefined =>
  result.type === "heard" ? result.sighting.demands?.map((d) => d.name).toSorted() : undefined;

describe("an announcement", () => {
  test("of an unknown node is heard as new, with endpoints and demands", () => {
    const result = intake()({
      demands: [demand("thumbs")],
      certificateFingerprint: new Uint8Array(32).fill(0x0f),
    });
    expect(result).toMatchObject({
      type: "heard",
      isNew: true,
      sighting: {
        nodeId: "b",
        incarnation: 1,
        endpoints: [{ host: "10.0.0.2", port: 7000 }],
        fingerprint: "0f".repeat(32),
        demands: [{ name: "thumbs" }],
        ttlMs: 25_000,
      },
    });
  });

  test("of a known node is heard, not as new", () => {
    const take = intake();
    take();
    expect(take({ sequence: 2n })).toMatchObject({ type: "heard", isNew: false });
  });

  test("of a node that was silent for longer than its ttl is new", () => {
    const take = intake();
    take({}, 0);
    expect(take({ sequence: 2n }, 25_000)).toMatchObject({ isNew: false });
    expect(take({ sequence: 3n }, 50_001)).toMatchObject({ isNew: true });
  });

  test("of a newer incarnation is new, and starts its sequence again", () => {
    const take = intake();
    take({ sequence: 900n });
    expect(take({ incarnation: 2n, sequence: 1n })).toMatchObject({ type: "heard", isNew: true });
  });

  test("of our own is looped back, not refused", () => {
    expect(intake()({ nodeId: "a", incarnation: 5n })).toEqual({ type: "own" });
  });
});

describe("refused", () => {
  test("our node id in another incarnation: OWN_NODE_ID", () => {
    expect(intake()({ nodeId: "a", incarnation: 6n })).toEqual(refused("OWN_NODE_ID"));
  });

  test("an older incarnation: OLD_INCARNATION", () => {
    const take = intake();
    take({ incarnation: 2n });
    expect(take({ incarnation: 1n, sequence: 99n })).toEqual(refused("OLD_INCARNATION"));
  });

  test("the first packet of a start, outside the clock's window: TIME_WINDOW", () => {
    expect(intake()({}, 0, 1_060_001)).toEqual(refused("TIME_WINDOW"));
    expect(intake()({}, 0, 939_999)).toEqual(refused("TIME_WINDOW"));
    expect(intake()({}, 0, 1_060_000)).toMatchObject({ type: "heard" });
  });

  test("a refused first packet leaves the known incarnation as it was", () => {
    const take = intake();
    take({ sequence: 1n });
    expect(take({ incarnation: 2n }, 0, 9_000_000)).toEqual(refused("TIME_WINDOW"));
    expect(take({ sequence: 2n })).toMatchObject({ type: "heard", isNew: false });
  });

  test("a known sender's clock does not matter: its sequence does", () => {
    const take = intake();
    take();
    expect(take({ sequence: 2n, sentAtMs: 1n })).toMatchObject({ type: "heard" });
  });

  test("the same packet again: DUPLICATE", () => {
    const take = intake();
    take({ sequence: 4n });
    expect(take({ sequence: 4n })).toEqual(refused("DUPLICATE"));
  });

  test("a packet far behind: REPLAYED", () => {
    const take = intake();
    take({ sequence: 1000n });
    expect(take({ sequence: 700n })).toEqual(refused("REPLAYED"));
  });

  test("packets from before a goodbye: nobody comes back by a replay", () => {
    const take = intake();
    take({ sequence: 1n });
    expect(take({ sequence: 2n, goodbye: true })).toEqual({
      type: "goodbye",
      nodeId: "b",
      incarnation: 1,
    });
    expect(take({ sequence: 1n })).toEqual(refused("DUPLICATE"));
    expect(take({ sequence: 3n })).toMatchObject({ type: "heard", isNew: true });
  });

  test("the 4,097th node, until another was forgotten: TOO_MANY_NODES", () => {
    const take = intake();
    for (let i = 0; i < 4_096; i++) take({ nodeId: `n${i}` });
    expect(take({ nodeId: "late" })).toEqual(refused("TOO_MANY_NODES"));
    expect(take({ nodeId: "n7", sequence: 2n })).toMatchObject({ type: "heard" });
    expect(take({ nodeId: "late" }, 200_000)).toMatchObject({ type: "heard" });
  });

  test.each([
    ["no node id", { nodeId: "" }],
    ["a long node id", { nodeId: "n".repeat(64) }],
    ["a node id with a space", { nodeId: "a b" }],
    ["an incarnation beyond 2^53", { incarnation: 2n ** 53n }],
    ["sequence 0", { sequence: 0n }],
    ["a sequence beyond 2^53", { sequence: 2n ** 53n }],
    ["port 0", { sessionPort: 0 }],
    ["port 65,536", { sessionPort: 65_536 }],
    ["ttl 0", { ttlMs: 0 }],
    ["a ttl over 10 minutes", { ttlMs: 600_001 }],
    ["packet count 0", { packetCount: 0 }],
    ["packet count 257", { packetCount: 257 }],
    ["a packet index outside the count", { packetIndex: 1 }],
    ["a fingerprint of 31 bytes", { certificateFingerprint: new Uint8Array(31) }],
    ["9 addresses", { addresses: Array.from({ length: 9 }, (_, i) => `10.0.0.${i}`) }],
    ["an empty address", { addresses: [""] }],
    ["an address with a slash", { addresses: ["10.0.0.1/x"] }],
    ["a long address", { addresses: ["a".repeat(65)] }],
    ["a demand without a name", { demands: [demand("")] }],
    ["a demand with a long name", { demands: [demand("d".repeat(64))] }],
  ] satisfies [string, Fields][])("MALFORMED: %s", (_, fields) => {
    expect(intake()(fields)).toEqual(refused("MALFORMED"));
  });

  test("a goodbye may come without a port", () => {
    expect(intake()({ goodbye: true, sessionPort: 0 })).toMatchObject({ type: "goodbye" });
  });
});

describe("endpoints", () => {
  test("the address it was heard from comes first when the announcement names it", () => {
    const result = intake()({ addresses: ["192.168.0.9", "10.0.0.2"] });
    expect(result).toMatchObject({
      sighting: { endpoints: [{ host: "10.0.0.2" }, { host: "192.168.0.9" }] },
    });
  });

  test("the source address is not believed when the announcement names others", () => {
    const result = intake()({ addresses: ["192.168.0.9"] });
    expect(result).toMatchObject({ sighting: { endpoints: [{ host: "192.168.0.9" }] } });
  });

  test("the source address is taken when the announcement names none", () => {
    expect(intake()({ addresses: [] })).toMatchObject({
      sighting: { endpoints: [{ host: "10.0.0.2", port: 7000 }] },
    });
  });
});

describe("a round of several packets", () => {
  const packet = (first: number, index: number, names: string[]): Fields => ({
    sequence: BigInt(first + index),
    packetIndex: index,
    packetCount: 2,
    demands: names.map((n) => demand(n)),
  });

  test("adds its demands packet by packet", () => {
    const take = intake();
    expect(demandsOf(take(packet(1, 0, ["x"])))).toEqual(["x"]);
    expect(demandsOf(take(packet(1, 1, ["y"])))).toEqual(["x", "y"]);
  });

  test("drops a demand only when it came in whole without it", () => {
    const take = intake();
    take(packet(1, 0, ["x"]));
    take(packet(1, 1, ["y"]));
    expect(demandsOf(take(packet(3, 0, ["x"])))).toEqual(["x", "y"]);
    // Packet 1 of the round of 3 is lost.
    expect(demandsOf(take(packet(5, 0, ["x"])))).toEqual(["x", "y"]);
    expect(demandsOf(take(packet(5, 1, [])))).toEqual(["x"]);
  });

  test("is whole in any order", () => {
    const take = intake();
    take({ sequence: 1n, demands: [demand("old")] });
    take(packet(2, 1, ["y"]));
    expect(demandsOf(take(packet(2, 0, ["x"])))).toEqual(["x", "y"]);
  });

  test("that is late changes nothing that a newer one said", () => {
    const take = intake();
    take(packet(1, 0, ["x"]));
    take({ sequence: 3n, demands: [] });
    expect(demandsOf(take(packet(1, 1, ["y"])))).toEqual([]);
  });
});
