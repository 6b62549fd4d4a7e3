import { createHmac } from "node:crypto";
import { create, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  AnnouncementSchema,
  SignedAnnouncementSchema,
} from "../../../../proto/gen/spillway/discovery/v1/announcement_pb.ts";
import { AnnouncementIntake } from "../../../../sidecar/core/discovery/announcement-intake.ts";
import {
  announcementKey,
  openAnnouncement,
  routeHash,
  signAnnouncement,
} from "../../../../sidecar/wire/announcement.ts";
import { announcement, demand } from "../../../support/announcements.ts";

const clusterKey = new Uint8Array(32).fill(1);
const key = announcementKey(clusterKey, "c", "ns");
const packet = signAnnouncement(announcement({ demands: [demand("x")] }), key);

const refused = (reason: string): object => ({ ok: false, reason });

function signedWith(fields: { version?: number; mark?: Uint8Array; inner?: Uint8Array }) {
  const inner = fields.inner ?? toBinary(AnnouncementSchema, announcement());
  const mark = createHmac("sha256", key.key).update(inner).digest().subarray(0, 16);
  return toBinary(
    SignedAnnouncementSchema,
    create(SignedAnnouncementSchema, {
      version: fields.version ?? 1,
      announcement: inner,
      mark: fields.mark ?? mark,
    }),
  );
}

describe("the mark", () => {
  test("is the first 16 bytes of HMAC-SHA256 by the key of the namespace", () => {
    const derived = createHmac("sha256", clusterKey).update("announcement/ns").digest();
    expect(Buffer.from(key.key)).toEqual(derived);
    const opened = openAnnouncement(packet, key);
    expect(opened).toMatchObject({ ok: true, announcement: { nodeId: "b" } });
  });

  test("by another cluster's key, with this cluster's name, is BAD_MARK", () => {
    const other = announcementKey(new Uint8Array(32).fill(2), "c", "ns");
    expect(openAnnouncement(signAnnouncement(announcement(), other), key)).toEqual(
      refused("BAD_MARK"),
    );
  });

  test("by another namespace's key, with this namespace's name, is BAD_MARK", () => {
    const other = announcementKey(clusterKey, "c", "other");
    expect(openAnnouncement(signAnnouncement(announcement(), other), key)).toEqual(
      refused("BAD_MARK"),
    );
  });

  test.each([0, 15, 17, 32])("of %i bytes is BAD_MARK", (length) => {
    const bytes = signedWith({ mark: new Uint8Array(length) });
    expect(openAnnouncement(bytes, key)).toEqual(refused("BAD_MARK"));
  });

  test("is checked over the bytes received: any other announcement is BAD_MARK", () => {
    const mark = createHmac("sha256", key.key)
      .update(toBinary(AnnouncementSchema, announcement()))
      .digest()
      .subarray(0, 16);
    const inner = toBinary(AnnouncementSchema, announcement({ sessionPort: 7001 }));
    expect(openAnnouncement(signedWith({ inner, mark }), key)).toEqual(refused("BAD_MARK"));
  });
});

describe("refused", () => {
  test("1,201 bytes: OVERSIZE, before anything is decoded", () => {
    expect(openAnnouncement(new Uint8Array(1_201), key)).toEqual(refused("OVERSIZE"));
    expect(openAnnouncement(new Uint8Array(1_200), key)).toEqual(refused("MALFORMED"));
  });

  test.each([0, 2, 4_000_000_000])("version %i: UNKNOWN_VERSION", (version) => {
    expect(openAnnouncement(signedWith({ version }), key)).toEqual(refused("UNKNOWN_VERSION"));
  });

  test("another cluster, also with a sound mark: OTHER_CLUSTER", () => {
    const bytes = signAnnouncement(announcement({ clusterId: "d" }), key);
    expect(openAnnouncement(bytes, key)).toEqual(refused("OTHER_CLUSTER"));
  });

  test("another namespace: OTHER_NAMESPACE", () => {
    const other = announcementKey(clusterKey, "c", "other");
    const bytes = signAnnouncement(announcement({ namespace: "other" }), other);
    expect(openAnnouncement(bytes, key)).toEqual(refused("OTHER_NAMESPACE"));
  });

  test.each([
    ["nothing", new Uint8Array(0), "UNKNOWN_VERSION"],
    ["a packet of something else", new TextEncoder().encode("M-SEARCH * HTTP/1.1"), "MALFORMED"],
    ["an inner message that is none", signedWith({ inner: new Uint8Array([0xff]) }), "MALFORMED"],
  ])("%s", (_, bytes, reason) => {
    expect(openAnnouncement(bytes, key)).toEqual(refused(reason));
  });
});

describe("for any bytes", () => {
  const intake = (): AnnouncementIntake =>
    new AnnouncementIntake({ nodeId: "a", incarnation: 1, replayWindowMs: 60_000 });

  test("nothing is thrown, and nothing unmarked is believed", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1_300 }), (bytes) => {
        expect(openAnnouncement(bytes, key).ok).toBe(false);
      }),
      { numRuns: 2_000 },
    );
  });

  test("a sound packet with any byte changed, cut or added is refused or says the same", () => {
    const original = openAnnouncement(packet, key);
    const edit = fc.tuple(fc.constantFrom("set", "cut", "add"), fc.nat(), fc.nat({ max: 255 }));
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
        const bytes = [...packet];
        for (const [kind, at, byte] of edits) {
          const where = at % (bytes.length + 1);
          bytes.splice(where, kind === "add" ? 0 : 1, ...(kind === "cut" ? [] : [byte]));
        }
        const opened = openAnnouncement(new Uint8Array(bytes), key);
        // Unknown fields of the envelope and doubled ones may be added without harm.
        if (opened.ok) expect(opened).toEqual(original);
      }),
      { numRuns: 5_000 },
    );
  });

  test("a marked announcement with any fields is heard or refused, never thrown at", () => {
    const names = fc.string({ maxLength: 80 });
    const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
    const u32 = fc.nat({ max: 0xffff_ffff });
    const fields = fc.record({
      nodeId: names,
      incarnation: u64,
      sequence: u64,
      sentAtMs: u64,
      addresses: fc.array(names, { maxLength: 10 }),
      sessionPort: u32,
      certificateFingerprint: fc.uint8Array({ maxLength: 40 }),
      demands: fc.array(names.map((name) => demand(name))),
      ttlMs: u32,
      goodbye: fc.boolean(),
      packetIndex: u32,
      packetCount: u32,
    });
    fc.assert(
      fc.property(fields, (any) => {
        const opened = openAnnouncement(signAnnouncement(announcement(any), key), key);
        if (!opened.ok) return;
        const received = { announcement: opened.announcement, fromAddress: "10.0.0.2" };
        const result = intake().take({ ...received, receivedAtEpochMs: 1_000_000 }, 0);
        expect(["refused", "heard", "goodbye", "own"]).toContain(result.type);
      }),
      { numRuns: 2_000 },
    );
  });

  test("signing and opening gives the announcement back", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.string(), (sequence, name) => {
        const value = announcement({ sequence, demands: [demand(name)] });
        const opened = openAnnouncement(signAnnouncement(value, key), key);
        expect(opened).toEqual({ ok: true, announcement: value });
      }),
    );
  });
});

describe("a route hash", () => {
  test("is the first 8 bytes of SHA-256 over the names, each ended by a zero byte", () => {
    // printf 'ns\0pkg.Request\0pkg.Response\0' | sha256sum
    expect(routeHash("ns", "pkg.Request", "pkg.Response")).toBe(0x1ae884ec36fb6497n);
  });

  test("differs when the same letters are cut differently", () => {
    expect(routeHash("ab", "c", "d")).not.toBe(routeHash("a", "bc", "d"));
    expect(routeHash("a", "bc", "d")).not.toBe(routeHash("a", "b", "cd"));
  });

  test("goes over the wire as the hash's own bytes", () => {
    const hash = routeHash("ns", "a.B", "c.D");
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, hash, true);
    const whole = Buffer.from(
      signAnnouncement(announcement({ demands: [demand("x", { routeHash: hash })] }), key),
    );
    expect(whole.includes(Buffer.from(bytes))).toBe(true);
  });
});
