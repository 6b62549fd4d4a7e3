import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { beforeAll, describe, expect, test } from "vitest";
import { NodeConfigSchema } from "../../../../proto/gen/spillway/control/v1/node_config_pb.ts";
import { resolveContract } from "../../../../sidecar/wire/contract.ts";
import { descriptorSetOf } from "../../../../sidecar/wire/message-codec.ts";
import { compileProto } from "../../../support/compile-proto.ts";
import { readFileSync } from "node:fs";

const names = { request: "shop.Order", response: "shop.Receipt" };

const order = `syntax = "proto3";
package shop;
import "part.proto";
message Order { string id = 1; repeated Part parts = 2; Kind kind = 3; optional int32 gift = 4; }
enum Kind { KIND_UNSPECIFIED = 0; KIND_EXPRESS = 1; }
message Receipt {
  bool ok = 1; map<string, int64> totals = 2; oneof how { string card = 3; bool cash = 4; } }
`;
const part = `syntax = "proto3";
package shop;
message Part { string sku = 1; repeated int32 sizes = 2; }
`;

function hashOf(files: Record<string, string>): string {
  return hashOfSet(compileProto(files));
}

function hashOfSet(set: Uint8Array, of = names): string {
  const result = resolveContract(of, set);
  if (!result.ok) throw new Error(result.failure.message);
  return Buffer.from(result.contract.hash).toString("hex");
}

let base = "";
beforeAll(() => {
  base = hashOf({ "order.proto": order, "part.proto": part });
});

describe("the hash of a contract stays the same", () => {
  test("for comments, options, and declarations in another order", () => {
    const commented = order
      .replace(
        "message Order",
        '// What the customer wants.\noption java_package = "x";\nmessage Order',
      )
      .replace("string id = 1;", "// The id.\nstring id = 1 [deprecated = true];");
    expect(hashOf({ "order.proto": commented, "part.proto": part })).toBe(base);
    const packed = part.replace("sizes = 2", "sizes = 2 [packed = false]");
    expect(hashOf({ "order.proto": order, "part.proto": packed })).toBe(base);
    const turned = part.replace(
      "string sku = 1; repeated int32 sizes = 2;",
      "repeated int32 sizes = 2; string sku = 1;",
    );
    expect(hashOf({ "order.proto": order, "part.proto": turned })).toBe(base);
  });

  test("for other file names, one file instead of two, and types that are not reachable", () => {
    const moved = order.replace("part.proto", "deep/other.proto");
    expect(hashOf({ "a.proto": moved, "deep/other.proto": part })).toBe(base);
    const whole = order.replace('import "part.proto";', "") + part.split("\n").slice(2).join("\n");
    expect(hashOf({ "whole.proto": whole })).toBe(base);
    const more = `${order}message Unrelated { Order order = 1; }`;
    expect(hashOf({ "order.proto": more, "part.proto": part })).toBe(base);
  });

  test("for files of the set in another order and without source info", () => {
    const set = fromBinary(
      FileDescriptorSetSchema,
      compileProto({ "order.proto": order, "part.proto": part }),
    );
    for (const file of set.file) delete file.sourceCodeInfo;
    const turned = create(FileDescriptorSetSchema, { file: [...set.file].reverse() });
    expect(hashOfSet(toBinary(FileDescriptorSetSchema, turned))).toBe(base);
  });

  test("for the same meaning written in editions", () => {
    const editions = part.replace(
      'syntax = "proto3";',
      'edition = "2023";\noption features.field_presence = IMPLICIT;',
    );
    expect(hashOf({ "order.proto": order, "part.proto": editions })).toBe(base);
  });

  test("for generated code and for the compiler's descriptor set", () => {
    const of = { request: NodeConfigSchema.typeName, response: NodeConfigSchema.typeName };
    const path = "spillway/control/v1/node_config.proto";
    const compiled = compileProto({ [path]: readFileSync(`proto/${path}`, "utf8") });
    const generated = descriptorSetOf([NodeConfigSchema]);
    expect(hashOfSet(generated, of)).toBe(hashOfSet(compiled, of));
  });
});

describe("the hash of a contract changes", () => {
  const changes: Record<string, (text: string) => string> = {
    "with a field's number": (text) => text.replace("string id = 1", "string id = 9"),
    "with a field's type": (text) => text.replace("string id", "bytes id"),
    "with a field's name": (text) => text.replace("string id", "string code"),
    "with a field's JSON name": (text) => text.replace("id = 1", 'id = 1 [json_name = "Id"]'),
    "with a new field": (text) => text.replace("string id = 1;", "string id = 1; bool new = 7;"),
    "with a removed field": (text) => text.replace("optional int32 gift = 4;", ""),
    "with presence": (text) => text.replace("optional int32 gift", "int32 gift"),
    "with cardinality": (text) => text.replace("string id", "repeated string id"),
    "with membership of a oneof": (text) => text.replace("bool cash = 4; }", "} bool cash = 4;"),
    "with a map's key": (text) => text.replace("map<string, int64>", "map<int32, int64>"),
    "with an enum's value": (text) => text.replace("KIND_EXPRESS = 1", "KIND_EXPRESS = 2"),
    "with an enum's new name": (text) => text.replace("KIND_EXPRESS", "KIND_FAST"),
  };
  test.each(Object.entries(changes))("%s", (_name, change) => {
    const changed = change(order);
    expect(changed).not.toBe(order);
    expect(hashOf({ "order.proto": changed, "part.proto": part })).not.toBe(base);
  });

  test("with a field of a type that is only reachable", () => {
    const changed = part.replace("string sku = 1", "string sku = 3");
    expect(hashOf({ "order.proto": order, "part.proto": changed })).not.toBe(base);
  });

  test("when request and response change places", () => {
    const set = compileProto({ "order.proto": order, "part.proto": part });
    expect(hashOfSet(set, { request: names.response, response: names.request })).not.toBe(base);
  });

  test("with a default of proto2, which is what an absent field means", () => {
    const proto2 = (value: number): string =>
      `syntax = "proto2"; package shop; message Receipt {}
      message Order { optional int32 n = 1 [default = ${String(value)}]; }`;
    expect(hashOf({ "a.proto": proto2(1) })).not.toBe(hashOf({ "a.proto": proto2(2) }));
  });
});
