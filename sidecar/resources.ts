/**
 * Demands and Capabilities as the operator tells them, each taken over for itself: one that cannot
 * be is refused with its reason, and what it was before stays in force, so that a mistake in one
 * object costs neither the others nor the items that wait in its queue.
 */
import { create } from "@bufbuild/protobuf";
import {
  type AcknowledgedResource,
  AcknowledgedResourceSchema,
  Applied,
  type ResourceVersion,
} from "../proto/gen/spillway/control/v1/control_pb.ts";
import {
  type CapabilityConfig,
  type DemandConfig,
  type DescriptorSet,
  type NodeConfig,
  NodeConfigSchema,
} from "../proto/gen/spillway/control/v1/node_config_pb.ts";
import type { ConfigOutcome, ResourceInForce, WholeConfig } from "./core/control/index.ts";
import { checkWork, NodeError } from "./node/index.ts";
import { type ConfigFailure, checkNodeConfig } from "./wire/node-config.ts";

/** A resource that was found good, with the descriptors that it names. */
type GoodResource = { readonly resource: ResourceVersion; readonly set: DescriptorSet } & (
  | { readonly kind: "demand"; readonly config: DemandConfig }
  | { readonly kind: "capability"; readonly config: CapabilityConfig }
);

/** One resource of a configuration, not judged yet. */
type NewResource =
  | {
      readonly kind: "demand";
      readonly resource: ResourceVersion;
      readonly config: DemandConfig;
    }
  | {
      readonly kind: "capability";
      readonly resource: ResourceVersion;
      readonly config: CapabilityConfig;
    };

type Refused = Pick<AcknowledgedResource, "applied" | "message">;

/** What a NodeConfig says of resources. */
export type ResourceConfig = Pick<NodeConfig, "demands" | "capabilities" | "descriptorSets">;

/** Longest reason that is told. */
const maxMessageLength = 1_024;

/** The resources of one sidecar. */
export class Resources {
  #good: ReadonlyMap<string, GoodResource> = new Map();

  /**
   * Takes a whole configuration over.
   * @returns what the node is to be configured with, and what the operator is told of it.
   */
  take(whole: WholeConfig): { readonly config: ResourceConfig; readonly outcome: ConfigOutcome } {
    const sets = new Map(whole.descriptorSets.map((set) => [set.hash, set]));
    const good = new Map<string, GoodResource>();
    const acknowledged: AcknowledgedResource[] = [];
    for (const next of newResources(whole)) {
      const before = this.#good.get(next.resource.uid);
      const found = judge(next, { whole, sets, before, taken: good });
      const kept = "refused" in found ? before : found.good;
      if (kept !== undefined) good.set(next.resource.uid, kept);
      const told = "refused" in found ? found.refused : { applied: Applied.IN_FORCE, message: "" };
      acknowledged.push(create(AcknowledgedResourceSchema, { resource: next.resource, ...told }));
    }
    this.#good = good;
    const outcome = { version: whole.version, acknowledged, inForce: inForceOf(good) };
    return { config: configOf([...good.values()]), outcome };
  }
}

function newResources(whole: WholeConfig): NewResource[] {
  const demands = whole.demands.flatMap(({ resource, config }) =>
    resource === undefined || config === undefined
      ? []
      : [{ kind: "demand", resource, config } as const],
  );
  const capabilities = whole.capabilities.flatMap(({ resource, config }) =>
    resource === undefined || config === undefined
      ? []
      : [{ kind: "capability", resource, config } as const],
  );
  return [...demands, ...capabilities];
}

function judge(
  next: NewResource,
  surroundings: {
    readonly whole: WholeConfig;
    readonly sets: ReadonlyMap<string, DescriptorSet>;
    readonly before: GoodResource | undefined;
    readonly taken: ReadonlyMap<string, GoodResource>;
  },
): { readonly good: GoodResource } | { readonly refused: Refused } {
  const { whole, sets, before, taken } = surroundings;
  const hash = next.config.contract?.descriptorSet ?? "";
  const set = sets.get(hash);
  if (set === undefined) {
    const message = `its message descriptors ${hash.slice(0, 64)} have not come`;
    return { refused: { applied: Applied.CONTRACT_UNRESOLVED, message } };
  }
  const good: GoodResource = { ...next, set };
  if (before !== undefined && sameResource(before, good)) return { good: before };
  const twice = [...taken.values()].some(
    ({ kind, config }) => kind === next.kind && config.name === next.config.name,
  );
  if (twice) {
    const message = `there is another ${next.kind} of the name ${next.config.name}`;
    return { refused: { applied: Applied.REFUSED, message } };
  }
  const refused = refusalOf(good, whole);
  return refused === undefined ? { good } : { refused };
}

function sameResource(a: GoodResource, b: GoodResource): boolean {
  return a.resource.generation === b.resource.generation && a.set.hash === b.set.hash;
}

/** Tried alone, as if it were the whole configuration. */
function refusalOf(good: GoodResource, { identity }: WholeConfig): Refused | undefined {
  const alone = create(NodeConfigSchema, { ...identity, ...configOf([good]) });
  const checked = checkNodeConfig(alone);
  if (!checked.ok) {
    const message = sentenceOf(checked.failure).slice(0, maxMessageLength);
    return { applied: Applied.REFUSED, message };
  }
  try {
    checkWork(alone);
    return undefined;
  } catch (error) {
    if (!(error instanceof NodeError)) throw error;
    const isContract = error.code === "CONTRACT_UNRESOLVED";
    return {
      applied: isContract ? Applied.CONTRACT_UNRESOLVED : Applied.REFUSED,
      message: error.message.slice(0, maxMessageLength),
    };
  }
}

function sentenceOf({ fieldPath, rule, value, bound }: ConfigFailure): string {
  const found = value === undefined ? "" : ` (it is ${JSON.stringify(value)})`;
  const allowed = bound === undefined ? "" : `; allowed: ${bound}`;
  return `${fieldPath} ${rule}${found}${allowed}`;
}

function configOf(resources: readonly GoodResource[]): ResourceConfig {
  const sets = new Map(resources.map(({ set }) => [set.hash, set]));
  return {
    demands: resources.flatMap((each) => (each.kind === "demand" ? [each.config] : [])),
    capabilities: resources.flatMap((each) => (each.kind === "capability" ? [each.config] : [])),
    descriptorSets: [...sets.values()],
  };
}

function inForceOf(good: ReadonlyMap<string, GoodResource>): ResourceInForce[] {
  return [...good.values()].map(({ kind, resource, config }) => ({
    kind,
    resource,
    name: config.name,
  }));
}
