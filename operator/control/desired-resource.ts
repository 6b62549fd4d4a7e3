/**
 * What the cluster wants of one pod's sidecar: made once per resource, shared by every pod that it
 * selects.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import {
  type CapabilityEntry,
  CapabilityEntrySchema,
  type DemandEntry,
  DemandEntrySchema,
} from "../../proto/gen/spillway/control/v1/control_pb.ts";
import { routeHash } from "../../sidecar/wire/announcement.ts";
import { capabilityConfig, demandConfig } from "../node-config/index.ts";
import type { Capability, Demand } from "../schema/index.ts";
import { digestOf, type Part } from "./snapshot.ts";

/** Encoded message descriptors; the contracts name them by hash. */
export interface DescriptorSetBytes {
  /** SHA-256 of `content`, hex. */
  readonly hash: string;
  /** An encoded FileDescriptorSet, at most 256 KiB. */
  readonly content: Uint8Array;
}

/** One part of what a sidecar is configured with. */
export type ConfigPart =
  | { readonly type: "demand"; readonly entry: DemandEntry }
  | { readonly type: "capability"; readonly entry: CapabilityEntry }
  /** What the sidecar holds of this uid stays as it is. */
  | { readonly type: "kept"; readonly uid: string }
  | { readonly type: "trust"; readonly bundlePem: string }
  /** 32 bytes; never logged. */
  | { readonly type: "announcementKey"; readonly key: Uint8Array };

/** A Demand or a Capability whose contract is resolved. */
export interface ResolvedResource<T extends Demand | Capability> {
  /** metadata.uid */
  readonly uid: string;
  /** metadata.generation */
  readonly generation: number;
  readonly namespace: string;
  readonly name: string;
  readonly spec: T["spec"];
  readonly descriptorSet: DescriptorSetBytes;
}

/** A Demand or a Capability that cannot be told now, such as one whose contract is gone. */
export type UnresolvedResource<T extends Demand | Capability> = Omit<
  ResolvedResource<T>,
  "descriptorSet" | "generation"
>;

interface DesiredResource {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  /** What a demand and a capability must share. */
  readonly route: bigint;
  /** Undefined: sidecars keep what they hold. */
  readonly descriptorSet: DescriptorSetBytes | undefined;
  readonly part: Part<ConfigPart>;
}

/** A Demand as the sidecars that it selects get it. */
export interface DesiredDemand extends DesiredResource {
  readonly kind: "Demand";
  readonly desiredProviders: number;
  readonly maxProviders: number;
}

/** A Capability as the sidecars that it selects get it. */
export interface DesiredCapability extends DesiredResource {
  readonly kind: "Capability";
}

/** Makes what sidecars get of a Demand. Make it once per generation and hand it to every pod. */
export function desiredDemand(resource: ResolvedResource<Demand>): DesiredDemand {
  const { name, spec } = resource;
  const entry = create(DemandEntrySchema, {
    resource: { uid: resource.uid, generation: BigInt(resource.generation) },
    config: demandConfig({ name, spec, descriptorSetHash: resource.descriptorSet.hash }),
  });
  return {
    kind: "Demand",
    ...shared(resource),
    descriptorSet: resource.descriptorSet,
    desiredProviders: spec.desiredProviders,
    maxProviders: spec.maxProviders,
    part: {
      key: resource.uid,
      digest: digestOf(toBinary(DemandEntrySchema, entry)),
      value: { type: "demand", entry },
    },
  };
}

/** Makes what sidecars get of a Capability; as `desiredDemand`. */
export function desiredCapability(resource: ResolvedResource<Capability>): DesiredCapability {
  const { name, spec } = resource;
  const entry = create(CapabilityEntrySchema, {
    resource: { uid: resource.uid, generation: BigInt(resource.generation) },
    config: capabilityConfig({ name, spec, descriptorSetHash: resource.descriptorSet.hash }),
  });
  return {
    kind: "Capability",
    ...shared(resource),
    descriptorSet: resource.descriptorSet,
    part: {
      key: resource.uid,
      digest: digestOf(toBinary(CapabilityEntrySchema, entry)),
      value: { type: "capability", entry },
    },
  };
}

/** A Demand of which sidecars keep what they hold; those that say they hold it have peers. */
export function keptDemand(resource: UnresolvedResource<Demand>): DesiredDemand {
  const { desiredProviders, maxProviders } = resource.spec;
  const names = shared(resource);
  return {
    kind: "Demand",
    ...names,
    descriptorSet: undefined,
    desiredProviders,
    maxProviders,
    // Peers are told of the rest: it is another part when that differs.
    part: keptPart(resource.uid, `${names.route} ${desiredProviders} ${maxProviders}`),
  };
}

/** A Capability of which sidecars keep what they hold; as `keptDemand`. */
export function keptCapability(resource: UnresolvedResource<Capability>): DesiredCapability {
  const part = keptPart(resource.uid);
  return { kind: "Capability", ...shared(resource), descriptorSet: undefined, part };
}

/** What a sidecar is told of a resource of which nothing but the uid is known. */
export function keptPart(uid: string, rest = ""): Part<ConfigPart> {
  const digest = digestOf(Buffer.from(`kept ${uid} ${rest}`));
  return { key: uid, digest, value: { type: "kept", uid } };
}

function shared(resource: UnresolvedResource<Demand | Capability>) {
  const { uid, namespace, name } = resource;
  const { request, response } = resource.spec.contract;
  return { uid, namespace, name, route: routeHash(namespace, request, response) };
}
