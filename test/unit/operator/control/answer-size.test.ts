import { create, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { answerBytes, answerKind } from "../../../../operator/control/answer-size.ts";
import type { Answer } from "../../../../operator/control/session.ts";
import {
  AttachResponseSchema,
  CapabilityEntrySchema,
  ConfigDeltaSchema,
  DemandEntrySchema,
  PeersDeltaSchema,
  PeerSchema,
  RefusalCode,
  VersionSchema,
} from "../../../../proto/gen/spillway/control/v1/control_pb.ts";
import { DescriptorSetSchema } from "../../../../proto/gen/spillway/control/v1/node_config_pb.ts";
import { refusal } from "../../../../operator/control/refusal.ts";

function encoded(kind: Answer): number {
  return toBinary(AttachResponseSchema, create(AttachResponseSchema, { kind })).byteLength;
}

const uids = fc.array(fc.string({ maxLength: 300 }), { maxLength: 20 });
const demands = uids.map((all) =>
  all.map((uid) => create(DemandEntrySchema, { resource: { uid, generation: 7n } })),
);
const capabilities = uids.map((all) =>
  all.map((uid) => create(CapabilityEntrySchema, { resource: { uid } })),
);
const peers = uids.map((all) =>
  all.map((nodeId) => create(PeerSchema, { nodeId, incarnation: 3n, demands: [{}] })),
);
const version = create(VersionSchema, { number: 3n, digest: new Uint8Array(32) });
const key = fc.uint8Array({ maxLength: 40 });

describe("the size of a message", () => {
  test("of configuration is that of its encoding, however often its entries were measured", () => {
    fc.assert(
      fc.property(demands, capabilities, uids, key, (demand, capability, removed, announced) => {
        const value = create(ConfigDeltaSchema, {
          version,
          demands: demand,
          capabilities: capability,
          removed,
          announcementKey: announced,
        });
        const kind = { case: "configDelta", value } as const;
        expect(answerBytes(kind)).toBe(encoded(kind));
        expect(answerBytes(kind)).toBe(encoded(kind));
      }),
    );
  });

  test("of peers is that of its encoding", () => {
    fc.assert(
      fc.property(peers, uids, (all, removed) => {
        const value = create(PeersDeltaSchema, { base: version, version, peers: all, removed });
        const kind = { case: "peersDelta", value } as const;
        expect(answerBytes(kind)).toBe(encoded(kind));
      }),
    );
  });

  test.each([
    { case: "refusal", value: refusal(RefusalCode.SILENT, "Nothing came.") },
    {
      case: "descriptorSet",
      value: create(DescriptorSetSchema, { hash: "x", content: new Uint8Array(70_000) }),
    },
  ] as const)("of any other is that of its encoding", (kind) => {
    expect(answerBytes(kind)).toBe(encoded(kind));
  });
});

test("a delta without a base is a snapshot", () => {
  const kindOf = (base: typeof version | undefined) => [
    answerKind({
      case: "configDelta",
      value: create(ConfigDeltaSchema, base === undefined ? {} : { base }),
    }),
    answerKind({
      case: "peersDelta",
      value: create(PeersDeltaSchema, base === undefined ? {} : { base }),
    }),
  ];
  expect(kindOf(undefined)).toEqual(["configSnapshot", "peersSnapshot"]);
  expect(kindOf(version)).toEqual(["configDelta", "peersDelta"]);
});
