import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { NodeConfigSchema } from "../../../../proto/gen/spillway/control/v1/node_config_pb.ts";
import { maxDescriptorSetBytes } from "../../../../sidecar/wire/contract-descriptors.ts";
import { resolveContract } from "../../../../sidecar/wire/contract.ts";
import { descriptorSetOf } from "../../../../sidecar/wire/message-codec.ts";

const names = {
  request: "spillway.control.v1.Contract",
  response: "spillway.control.v1.DescriptorSet",
};
const set = descriptorSetOf([NodeConfigSchema]);

function codeOf(bytes: Uint8Array, of = names): string {
  const result = resolveContract(of, bytes);
  return result.ok ? "ok" : `${result.failure.code}: ${result.failure.message}`;
}

function withoutImports(): Uint8Array {
  const { file } = fromBinary(FileDescriptorSetSchema, set);
  const own = file.filter((each) => !each.name.startsWith("google/"));
  return toBinary(FileDescriptorSetSchema, create(FileDescriptorSetSchema, { file: own }));
}

describe("resolveContract", () => {
  test("finds both messages and hashes them", () => {
    const result = resolveContract(names, set);
    expect(result.ok && result.contract.request.typeName).toBe(names.request);
    expect(result.ok && result.contract.response.typeName).toBe(names.response);
    expect(result.ok && result.contract.hash.length).toBe(32);
  });

  test("refuses a set beyond the bound, naming both sizes", () => {
    expect(codeOf(new Uint8Array(maxDescriptorSetBytes + 1))).toBe(
      "DESCRIPTOR_SET_TOO_LARGE: 262145 bytes; at most 262144",
    );
  });

  test("refuses bytes that are no descriptor set", () => {
    expect(codeOf(new Uint8Array([0x0a, 0xff, 1, 2, 3]))).toMatch(/^DESCRIPTOR_SET_MALFORMED: /);
  });

  test("refuses a set without its imports and says how to build it", () => {
    expect(codeOf(withoutImports())).toMatch(
      /^IMPORT_MISSING: .* imports google\/protobuf\/duration\.proto.*--include_imports/,
    );
  });

  test("refuses imports in a circle instead of looping", () => {
    const file = ["a", "b", "c"].map((name, index, all) => ({
      name,
      dependency: [all[(index + 1) % 3] ?? ""],
      syntax: "proto3",
    }));
    const circle = create(FileDescriptorSetSchema, { file });
    expect(codeOf(toBinary(FileDescriptorSetSchema, circle))).toMatch(/^IMPORT_CYCLE/);
  });

  test("takes a chain of imports that is longer than a call stack would be happy with", () => {
    const file = Array.from({ length: 9_000 }, (_, index) => ({
      name: `f${String(index)}`,
      dependency: index === 8_999 ? [] : [`f${String(index + 1)}`],
      syntax: "proto3",
    }));
    const chain = create(FileDescriptorSetSchema, { file });
    expect(codeOf(toBinary(FileDescriptorSetSchema, chain))).toMatch(/^TYPE_UNKNOWN/);
  });

  test("names the message that is missing, and those that are there", () => {
    expect(codeOf(set, { ...names, response: "shop.Nothing" })).toMatch(
      /^TYPE_UNKNOWN: no message shop\.Nothing in the descriptor set; it has: spillway\./,
    );
  });

  test("refuses the name of an enum", () => {
    expect(codeOf(set, { ...names, request: "spillway.control.v1.Overflow" })).toMatch(
      /^TYPE_UNKNOWN/,
    );
  });
});
