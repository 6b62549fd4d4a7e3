import { create, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  GoodbyeSchema,
  SessionHelloSchema,
} from "../../../../proto/gen/spillway/transport/v1/session_pb.ts";
import {
  decodeGoodbye,
  decodeHello,
  encodeGoodbye,
  encodeHello,
} from "../../../../sidecar/wire/session-messages.ts";

const hello = {
  clusterId: "c",
  namespace: "n",
  nodeId: "node-1",
  incarnation: 2 ** 53 - 1,
  negotiated: [{ name: "framing", value: Uint8Array.of(1, 0, 0, 0) }],
};

describe("HELLO", () => {
  test("comes back as it was", () => {
    expect(decodeHello(encodeHello(hello))).toMatchObject(hello);
  });

  test.each([
    ["an empty node id", { nodeId: "" }],
    ["a node id of 64 characters", { nodeId: "x".repeat(64) }],
    ["a cluster with a line break", { clusterId: "a\nb" }],
    ["a namespace with a slash", { namespace: "a/b" }],
    ["an incarnation above 2^53", { incarnation: 2n ** 60n }],
  ])("%s is refused", (_what, change) => {
    const message = create(SessionHelloSchema, {
      clusterId: "c",
      namespace: "n",
      nodeId: "x",
      incarnation: 1n,
      ...change,
    });
    expect(decodeHello(toBinary(SessionHelloSchema, message))).toBeUndefined();
  });

  test("any bytes: a HELLO or undefined, never a throw", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        decodeHello(bytes);
        decodeGoodbye(bytes);
      }),
    );
  });
});

describe("GOODBYE", () => {
  test("comes back as it was; a long reason is cut, control characters are gone", () => {
    expect(decodeGoodbye(encodeGoodbye("IDLE", "nothing to do"))).toEqual({
      code: "IDLE",
      reason: "nothing to do",
    });
    expect(decodeGoodbye(encodeGoodbye("IDLE", "x".repeat(10_000)))?.reason).toHaveLength(500);
    expect(decodeGoodbye(encodeGoodbye("IDLE", "a\nb\u0000c\ud800"))?.reason).toBe("a b c\ufffd");
  });

  test("a code outside the list is refused", () => {
    const bytes = toBinary(GoodbyeSchema, create(GoodbyeSchema, { code: "TIRED", reason: "" }));
    expect(decodeGoodbye(bytes)).toBeUndefined();
  });
});
