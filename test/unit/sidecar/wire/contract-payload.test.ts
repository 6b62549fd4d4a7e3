import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { nestedDeeperThan, type PayloadCodec } from "../../../../sidecar/wire/contract-payload.ts";
import { resolveContract } from "../../../../sidecar/wire/contract.ts";
import { compileProto } from "../../../support/compile-proto.ts";

const proto3 = `syntax = "proto3";
package t;
import "google/protobuf/any.proto";
import "google/protobuf/timestamp.proto";
message Plain {
  string name = 1; repeated Plain children = 2; map<string, Plain> by_key = 3; int64 big = 4;
  bytes blob = 5; int32 width = 6;
}
message Wrapped { google.protobuf.Timestamp at = 1; google.protobuf.Any any = 2; }
`;
const proto2 = `syntax = "proto2";
package old;
message Old {
  required int32 id = 1; optional Old child = 2; repeated Old list = 3; map<string, Old> map = 4; }
`;

let plain: PayloadCodec;
let wrapped: PayloadCodec;
let old: PayloadCodec;

function codecOf(set: Uint8Array, typeName: string): PayloadCodec {
  const result = resolveContract({ request: typeName, response: typeName }, set);
  if (!result.ok) throw new Error(result.failure.message);
  return result.contract.request;
}

beforeAll(() => {
  const set = compileProto({ "t.proto": proto3, "old.proto": proto2 });
  plain = codecOf(set, "t.Plain");
  wrapped = codecOf(set, "t.Wrapped");
  old = codecOf(set, "old.Old");
});

const text = (json: string): Uint8Array => new TextEncoder().encode(json);

function binaryOf(codec: PayloadCodec, json: unknown): Uint8Array {
  const result = codec.encodeJson(json);
  if (!result.ok) throw new Error(JSON.stringify(result.failure));
  return result.value;
}

describe("JSON and binary", () => {
  test("JSON comes back as it was, 64-bit numbers as strings", () => {
    const json = { name: "a", big: "9007199254740993", children: [{ name: "b" }], blob: "AAE=" };
    expect(plain.decodeToJson(binaryOf(plain, json))).toEqual({ ok: true, value: json });
  });

  test("an Any of a type of the same descriptor set is resolved", () => {
    const json = { any: { "@type": "type.googleapis.com/t.Plain", name: "inside" } };
    expect(wrapped.decodeToJson(binaryOf(wrapped, json))).toEqual({ ok: true, value: json });
  });

  test("every JSON value is either taken or refused with a rule, never thrown at", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (json) => {
        for (const codec of [plain, wrapped, old]) {
          const result = codec.encodeJson(json);
          if (result.ok) expect(codec.check(result.value)).toBeUndefined();
          else expect(result.failure.rule).not.toBe("");
        }
      }),
    );
  });

  test("what is accepted as binary always has a JSON form", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        for (const codec of [plain, wrapped, old]) {
          if (codec.check(bytes) === undefined) expect(codec.decodeToJson(bytes).ok).toBe(true);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("a refusal names type, field and rule", () => {
  test("of JSON", () => {
    expect(plain.encodeJson({ children: [{}, { width: "wide" }] })).toMatchObject({
      ok: false,
      failure: { typeName: "t.Plain", fieldPath: "children[1].width" },
    });
    expect(plain.encodeJson({ colour: 1 })).toMatchObject({
      failure: { fieldPath: "colour", rule: "t.Plain has no such field" },
    });
    expect(plain.encodeJsonText(text("{"))).toMatchObject({
      failure: { fieldPath: "", rule: expect.stringMatching(/^is no JSON/) },
    });
    expect(plain.encodeJsonText(new Uint8Array([0x22, 0xff, 0x22]))).toMatchObject({ ok: false });
    expect(plain.encodeJson(undefined).ok).toBe(false);
  });

  test("of binary", () => {
    expect(plain.check(new Uint8Array([0x0a, 0x05, 0x61]))).toMatchObject({
      typeName: "t.Plain",
      rule: expect.stringMatching(/^cannot be decoded/),
    });
    expect(plain.check(new Uint8Array())).toBeUndefined();
  });

  test("of a missing required part, wherever it is", () => {
    expect(old.encodeJson({})).toMatchObject({
      failure: { fieldPath: "id", rule: "is required and missing" },
    });
    expect(old.encodeJson({ id: 1, child: {} })).toMatchObject({
      failure: { fieldPath: "child.id" },
    });
    expect(old.encodeJson({ id: 1, list: [{ id: 2 }, {}] })).toMatchObject({
      failure: { fieldPath: "list[1].id" },
    });
    expect(old.encodeJson({ id: 1, map: { "a b": {} } })).toMatchObject({
      failure: { fieldPath: 'map["a b"].id' },
    });
    expect(old.check(new Uint8Array())).toMatchObject({ fieldPath: "id" });
    expect(old.check(binaryOf(old, { id: 1, child: { id: 2 } }))).toBeUndefined();
  });

  test("of a binary value that JSON cannot say", () => {
    // A Timestamp far beyond the year 9999.
    const seconds = [0x0a, 0x0a, 0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
    expect(wrapped.check(new Uint8Array([...seconds, 0x00]))).toBeDefined();
    const unknownAny = [0x12, 0x05, 0x0a, 0x03, 0x2f, 0x6e, 0x6f];
    expect(wrapped.check(new Uint8Array(unknownAny))).toMatchObject({
      rule: expect.stringMatching(/^has no JSON form/),
    });
  });
});

describe("depth", () => {
  test("a JSON text nested beyond the bound is refused before anything recursive sees it", () => {
    const deep = '{"children":['.repeat(200_000);
    expect(plain.encodeJsonText(text(deep))).toMatchObject({
      failure: { rule: "is nested deeper than 100 levels" },
    });
  });

  test("a binary payload nested beyond the decoder's bound is refused", () => {
    let bytes: number[] = [];
    for (let level = 0; level < 110; level++) {
      const length =
        bytes.length < 128 ? [bytes.length] : [(bytes.length & 127) | 128, bytes.length >> 7];
      bytes = [0x12, ...length, ...bytes];
    }
    expect(plain.check(new Uint8Array(bytes))?.rule).toMatch(/recursion/);
  });

  test("brackets in strings do not count, escapes do not end strings", () => {
    expect(nestedDeeperThan(text('{"a":"[[[[\\"[[[["}'), 1)).toBe(false);
    expect(nestedDeeperThan(text("[[]]"), 1)).toBe(true);
    expect(nestedDeeperThan(text("[],[],[]"), 1)).toBe(false);
  });
});
