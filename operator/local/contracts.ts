/**
 * Finds the message descriptors that each contract speaks of. A `configMapRef` is satisfied by the
 * folder's .proto files: `spillway contract` writes the same bytes into that ConfigMap for a
 * cluster.
 */
import { createHash } from "node:crypto";
import {
  type Capability,
  type Demand,
  type FieldPath,
  maxDescriptorSetBytes,
  nearestName,
} from "../schema/index.ts";
import type { Problem } from "./local-error.ts";
import { fieldProblem } from "./located-document.ts";
import type { Located } from "./manifests.ts";
import { type CompiledProtos, messagesOf } from "./proto-files.ts";

/** An encoded FileDescriptorSet and its name. */
export interface DescriptorSetBytes {
  /** SHA-256, hex. */
  readonly hash: string;
  readonly content: Uint8Array;
}

/** A resource whose messages are found. */
export type Resolved<T> = Located<T> & { readonly descriptorSet: DescriptorSetBytes };

/** A ConfigMap that the folder's protos stand for. */
export interface DescriptorConfigMap {
  readonly name: string;
  /** By key, sorted. */
  readonly sets: ReadonlyMap<string, DescriptorSetBytes>;
}

/** What became of the contracts. Complete only without problems. */
export interface ResolvedContracts {
  readonly demands: readonly Resolved<Demand>[];
  readonly capabilities: readonly Resolved<Capability>[];
  /** Sorted by name. */
  readonly configMaps: readonly DescriptorConfigMap[];
  readonly problems: readonly Problem[];
}

type Resource = Located<Demand | Capability>;
type Prune = (descriptorSet: Uint8Array, messages: readonly string[]) => Promise<Uint8Array>;

/**
 * Resolves every contract.
 * @param protos the folder's own; undefined when it has none.
 * @param prune keeps of a set only what the named messages need.
 */
export async function resolveContracts(
  resources: {
    readonly demands: readonly Located<Demand>[];
    readonly capabilities: readonly Located<Capability>[];
  },
  protos: CompiledProtos | undefined,
  prune: Prune,
): Promise<ResolvedContracts> {
  const all: readonly Resource[] = [...resources.demands, ...resources.capabilities];
  const problems = all.flatMap((it) => messageProblems(it, protos));
  if (problems.length > 0) return { demands: [], capabilities: [], configMaps: [], problems };
  const sets = await pruneByReference(all, protos, prune);
  problems.push(...all.flatMap((it) => sizeProblems(it, sets)));
  const resolve = <T extends Demand | Capability>(it: Located<T>): Resolved<T> => ({
    ...it,
    descriptorSet: setOf(it, sets),
  });
  return {
    demands: resources.demands.map(resolve),
    capabilities: resources.capabilities.map(resolve),
    configMaps: configMapsOf(all, sets),
    problems,
  };
}

const schemaPath: FieldPath = ["spec", "contract", "schema"];

function messageProblems(it: Resource, protos: CompiledProtos | undefined): Problem[] {
  const { contract } = it.resource.spec;
  const inline = contract.schema.descriptorSet;
  let messages: readonly string[];
  if (inline === undefined) {
    if (protos === undefined) {
      const problem = "has no source: the folder holds no .proto file";
      const remedy = `Add one that declares ${contract.request} and ${contract.response}.`;
      return [fieldProblem(it.document, [...schemaPath, "configMapRef"], { problem, remedy })];
    }
    messages = protos.messages;
  } else {
    try {
      messages = messagesOf(Buffer.from(inline, "base64"));
    } catch {
      const problem = "is no encoded FileDescriptorSet";
      const remedy = "Write it with buf build --as-file-descriptor-set -o - | base64 -w0.";
      return [fieldProblem(it.document, [...schemaPath, "descriptorSet"], { problem, remedy })];
    }
  }
  return (["request", "response"] as const).flatMap((field) => {
    const name = contract[field];
    if (messages.includes(name)) return [];
    const near = nearestMessage(name, messages);
    const where = inline === undefined ? "of the folder's .proto files" : "of descriptorSet";
    const problem = `names no message ${where} (it is "${name}")`;
    const remedy = near === undefined ? "Declare the message." : `Write ${near}.`;
    return [fieldProblem(it.document, ["spec", "contract", field], { problem, remedy })];
  });
}

/** A name with the right last part is what was meant, whatever the package. */
function nearestMessage(name: string, messages: readonly string[]): string | undefined {
  const last = (full: string): string => full.slice(full.lastIndexOf(".") + 1);
  return nearestName(name, messages) ?? messages.find((full) => last(full) === last(name));
}

/** The key of a set: `configMap/key`, or the text itself where it stands in the manifest. */
function referenceOf({ resource }: Resource): string {
  const { configMapRef, descriptorSet } = resource.spec.contract.schema;
  return configMapRef === undefined
    ? `inline:${descriptorSet ?? ""}`
    : `${configMapRef.name}/${configMapRef.key}`;
}

/** One set per ConfigMap key, holding what all the contracts that name it need. */
async function pruneByReference(
  all: readonly Resource[],
  protos: CompiledProtos | undefined,
  prune: Prune,
): Promise<Map<string, DescriptorSetBytes>> {
  const wanted = new Map<string, { from: Uint8Array; messages: string[] }>();
  for (const it of all) {
    const { request, response, schema } = it.resource.spec.contract;
    const reference = referenceOf(it);
    const inline = schema.descriptorSet;
    const from = inline === undefined ? protos?.descriptorSet : Buffer.from(inline, "base64");
    const empty: string[] = [];
    const group = wanted.get(reference) ?? { from: from ?? new Uint8Array(), messages: empty };
    group.messages.push(request, response);
    wanted.set(reference, group);
  }
  const sets = new Map<string, DescriptorSetBytes>();
  for (const [reference, { from, messages }] of wanted) {
    const content = await prune(from, messages);
    sets.set(reference, { hash: createHash("sha256").update(content).digest("hex"), content });
  }
  return sets;
}

function setOf(it: Resource, sets: ReadonlyMap<string, DescriptorSetBytes>): DescriptorSetBytes {
  const set = sets.get(referenceOf(it));
  if (set === undefined) throw new Error(`no descriptor set for ${it.resource.metadata.name}`);
  return set;
}

function sizeProblems(
  it: Resource,
  sets: ReadonlyMap<string, DescriptorSetBytes>,
): readonly Problem[] {
  const sizeBytes = setOf(it, sets).content.length;
  if (sizeBytes <= maxDescriptorSetBytes) return [];
  const problem = `needs ${sizeBytes} bytes of descriptors (allowed: ${maxDescriptorSetBytes})`;
  const remedy = "Give large contracts a key of their own, or import less.";
  return [fieldProblem(it.document, schemaPath, { problem, remedy })];
}

function configMapsOf(
  all: readonly Resource[],
  sets: ReadonlyMap<string, DescriptorSetBytes>,
): DescriptorConfigMap[] {
  const maps = new Map<string, Map<string, DescriptorSetBytes>>();
  for (const it of all) {
    const reference = it.resource.spec.contract.schema.configMapRef;
    if (reference === undefined) continue;
    const keys = maps.get(reference.name) ?? new Map<string, DescriptorSetBytes>();
    keys.set(reference.key, setOf(it, sets));
    maps.set(reference.name, keys);
  }
  return [...maps]
    .map(([name, keys]) => ({ name, sets: new Map([...keys].sort(byName)) }))
    .sort((left, right) => (left.name < right.name ? -1 : 1));
}

function byName([left]: readonly [string, unknown], [right]: readonly [string, unknown]): number {
  return left < right ? -1 : 1;
}
