import { create, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import type { ContractMap } from "../../../../operator/controller/cluster-objects.ts";
import {
  ContractResolver,
  type ContractSources,
} from "../../../../operator/controller/contract-resolver.ts";
import { ApiError } from "../../../../operator/runtime/index.ts";
import type { Contract } from "../../../../operator/schema/index.ts";
import { FakeClock } from "../../../support/fake-clock.ts";

const set = toBinary(
  FileDescriptorSetSchema,
  create(FileDescriptorSetSchema, {
    file: [
      {
        name: "images.proto",
        package: "images.v1",
        syntax: "proto3",
        messageType: [{ name: "Thumbnail" }, { name: "ThumbnailRequest" }],
      },
    ],
  }),
);
const base64 = Buffer.from(set).toString("base64");

function contract(change: Partial<Contract> = {}): Contract {
  return {
    request: "images.v1.ThumbnailRequest",
    response: "images.v1.Thumbnail",
    schema: { configMapRef: { name: "images", key: "images.binpb" } },
    ...change,
  };
}

function mapOf(binaryData: Readonly<Record<string, string>>): ContractMap {
  return { metadata: { namespace: "shop", name: "images" }, binaryData };
}

interface Rig {
  readonly resolver: ContractResolver;
  readonly clock: FakeClock;
  readonly reads: string[];
  watched: ContractMap | undefined;
  stored: ContractMap | undefined;
}

function rig(): Rig {
  const clock = new FakeClock();
  const reads: string[] = [];
  const sources: ContractSources = {
    watched: () => it.watched,
    read: ({ namespace, name }) => {
      reads.push(`${namespace}/${name}`);
      if (it.stored === undefined) return Promise.reject(new ApiError("NOT_FOUND", "none"));
      return Promise.resolve(it.stored);
    },
    nowMs: () => clock.nowMs(),
  };
  const it: Rig = {
    resolver: new ContractResolver(sources),
    clock,
    reads,
    watched: undefined,
    stored: undefined,
  };
  return it;
}

const { signal } = new AbortController();

describe("a contract", () => {
  test("in a watched ConfigMap is found without a request, and a watch tells of changes", async () => {
    const it = rig();
    it.watched = mapOf({ "images.binpb": base64 });
    const found = await it.resolver.resolve("shop", contract(), signal);
    expect(found).toMatchObject({ ok: true, againAfterMs: Number.POSITIVE_INFINITY });
    expect(found.ok && Buffer.from(found.descriptorSet.content).equals(set)).toBe(true);
    expect(it.reads).toEqual([]);
  });

  test("in any other ConfigMap is read once, and again after five minutes", async () => {
    const it = rig();
    it.stored = mapOf({ "images.binpb": base64 });
    expect(await it.resolver.resolve("shop", contract(), signal)).toMatchObject({
      ok: true,
      againAfterMs: 300_000,
    });
    it.clock.advance(299_999);
    await it.resolver.resolve("shop", contract(), signal);
    expect(it.reads).toEqual(["shop/images"]);
    it.clock.advance(1);
    await it.resolver.resolve("shop", contract(), signal);
    expect(it.reads).toHaveLength(2);
  });

  test("in a missing ConfigMap says so, and is looked for again after half a minute", async () => {
    const it = rig();
    const found = await it.resolver.resolve("shop", contract(), signal);
    expect(found).toMatchObject({
      ok: false,
      problem: expect.stringMatching(/^There is no ConfigMap images/),
      againAfterMs: 30_000,
    });
  });

  test("is seen at once when its ConfigMap gets the label", async () => {
    const it = rig();
    await it.resolver.resolve("shop", contract(), signal);
    it.watched = mapOf({ "images.binpb": base64 });
    expect(await it.resolver.resolve("shop", contract(), signal)).toMatchObject({ ok: true });
  });

  test("in the resource itself needs no ConfigMap", async () => {
    const it = rig();
    const inline = contract({ schema: { descriptorSet: base64 } });
    expect(await it.resolver.resolve("shop", inline, signal)).toMatchObject({ ok: true });
    expect(it.reads).toEqual([]);
  });

  test.each([
    [
      { "image.binpb": base64 },
      {},
      "has no key images.binpb in its binaryData (there is image.binpb)",
    ],
    [{ "images.binpb": "AAAA" }, {}, "is no encoded FileDescriptorSet"],
    [
      { "images.binpb": Buffer.alloc(256 * 1024 + 1).toString("base64") },
      {},
      "holds 262145 bytes of descriptors (allowed: 262144)",
    ],
    [
      { "images.binpb": base64 },
      { response: "images.v1.Thumbnails" },
      "does not hold the message images.v1.Thumbnails; write images.v1.Thumbnail.",
    ],
  ])("that is wrong is refused in words: %#", async (data, change, words) => {
    const it = rig();
    it.watched = mapOf(data);
    const found = await it.resolver.resolve("shop", contract(change), signal);
    expect(found.ok ? "" : found.problem).toContain(words);
  });

  test("that could not be asked for is no refusal", async () => {
    const clock = new FakeClock();
    const resolver = new ContractResolver({
      watched: () => undefined,
      read: () => Promise.reject(new ApiError("UNREACHABLE", "gone")),
      nowMs: () => clock.nowMs(),
    });
    await expect(resolver.resolve("shop", contract(), signal)).rejects.toThrow("gone");
  });

  test("is remembered without the other keys of its ConfigMap, and not when it is too large", async () => {
    const it = rig();
    const large = Buffer.alloc(600_000).toString("base64");
    it.stored = mapOf({ "images.binpb": base64, large });
    await it.resolver.resolve("shop", contract(), signal);
    const schema = { configMapRef: { name: "images", key: "large" } };
    const refused = await it.resolver.resolve("shop", contract({ schema }), signal);
    expect(refused).toMatchObject({ ok: false, problem: expect.stringContaining("600000 bytes") });
    expect(it.resolver.rememberedBytes).toBeLessThan(10_000);
  });

  test("of one version of a ConfigMap is decoded once", async () => {
    const it = rig();
    it.watched = mapOf({ "images.binpb": base64 });
    const first = await it.resolver.resolve("shop", contract(), signal);
    const second = await it.resolver.resolve("shop", contract(), signal);
    expect(first.ok && second.ok && first.descriptorSet === second.descriptorSet).toBe(true);
  });
});
