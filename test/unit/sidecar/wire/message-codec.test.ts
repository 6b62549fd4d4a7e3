import { fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema, StringValueSchema as Text } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { NodeConfigSchema } from "../../../../proto/gen/spillway/control/v1/node_config_pb.ts";
import { descriptorSetOf, messageCodec } from "../../../../sidecar/wire/message-codec.ts";

describe("messageCodec", () => {
  const codec = messageCodec(NodeConfigSchema);

  test("completes a plain object and gives it back from bytes", () => {
    const message = codec.create({ nodeId: "a" });
    expect(message.clusterId).toBe("");
    expect(codec.fromBinary(codec.toBinary(message))).toEqual(message);
  });

  test("takes a message as it is", () => {
    const message = codec.create({ nodeId: "a" });
    expect(codec.create(message)).toBe(message);
  });

  test("leaves out JSON fields that it does not know", () => {
    expect(codec.fromJson({ nodeId: "a", newer: 1 })).toEqual(codec.create({ nodeId: "a" }));
  });

  test("throws at what is no such message", () => {
    expect(() => codec.fromJson({ nodeId: 1 })).toThrow(/node_id/);
    expect(() => codec.fromBinary(new Uint8Array([0xff]))).toThrow();
    expect(() => messageCodec(Text).fromJson(7)).toThrow();
  });
});

describe("descriptorSetOf", () => {
  test("holds each file once, imports before what imports them", () => {
    const { file } = fromBinary(FileDescriptorSetSchema, descriptorSetOf([NodeConfigSchema, Text]));
    expect(file.map(({ name }) => name)).toEqual([
      "google/protobuf/duration.proto",
      "spillway/control/v1/node_config.proto",
      "google/protobuf/wrappers.proto",
    ]);
  });

  test("is the same bytes each time", () => {
    expect(descriptorSetOf([NodeConfigSchema])).toEqual(descriptorSetOf([NodeConfigSchema]));
  });
});
