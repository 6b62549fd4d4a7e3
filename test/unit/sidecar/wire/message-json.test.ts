import {
  create,
  createFileRegistry,
  type DescMessage,
  fromBinary,
  fromJson,
  type JsonValue,
  toJson,
} from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { beforeAll, describe, expect, test } from "vitest";
import { consumeToJson } from "../../../../sidecar/wire/message-json.ts";
import { compileProto } from "../../../support/compile-proto.ts";

const proto = `syntax = "proto3";
package t;
import "google/protobuf/wrappers.proto";
message All {
  bytes one = 1; optional bytes maybe = 2; repeated bytes list = 3; map<string, bytes> by_name = 4;
  All child = 5; repeated All children = 6; map<int32, All> by_number = 7;
  oneof either { bytes left = 8; string right = 9; }
  google.protobuf.BytesValue wrapped = 10; string text = 11;
}
`;
let schema: DescMessage;

beforeAll(() => {
  const set = fromBinary(FileDescriptorSetSchema, compileProto({ "t.proto": proto }));
  const found = createFileRegistry(set).getMessage("t.All");
  if (found === undefined) throw new Error("no t.All");
  schema = found;
});

const long = Buffer.alloc(3_000, 0xa7).toString("base64");
const short = "AAE=";

describe("consumeToJson", () => {
  test("writes what toJson writes, wherever long bytes stand", () => {
    const inner: JsonValue = {
      one: long,
      list: [short, long, ""],
      byName: { "a b": long, c: short },
    };
    const json: JsonValue = {
      ...inner,
      maybe: long,
      left: long,
      wrapped: long,
      text: "t",
      child: inner,
      children: [inner, {}, { left: long }],
      byNumber: { "-5": inner },
    };
    const message = fromJson(schema, json);
    const expected = toJson(schema, message);
    expect(expected).toEqual(json);
    expect(consumeToJson(schema, message, {})).toEqual(expected);
  });

  test("leaves an empty message empty", () => {
    expect(consumeToJson(schema, create(schema), {})).toEqual({});
  });

  test("does 8 MiB in far less time than byte by byte", () => {
    const message = fromJson(schema, { one: Buffer.alloc(8 * 2 ** 20).toString("base64") });
    const begunAtMs = performance.now();
    consumeToJson(schema, message, {});
    expect(performance.now() - begunAtMs).toBeLessThan(500);
  });
});
