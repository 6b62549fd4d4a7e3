/**
 * Finds the message descriptors of a contract: in the resource itself or in a ConfigMap. ConfigMaps
 * with the label `spillway.dev/contract` are watched; any other is read by name, and again after a
 * while, so that the operator need not keep a copy of every ConfigMap of the cluster.
 */
import { createHash } from "node:crypto";
import { createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import type { DescriptorSetBytes } from "../control/index.ts";
import { labels } from "../manifests/index.ts";
import { ApiError } from "../runtime/index.ts";
import { type Contract, maxDescriptorSetBytes, nearestName } from "../schema/index.ts";
import type { ContractMap } from "./cluster-objects.ts";

/** What the resolver reads. */
export interface ContractSources {
  /** A watched ConfigMap; undefined when there is none of that key (`namespace/name`). */
  watched(key: string): ContractMap | undefined;
  /** Any ConfigMap. @throws {ApiError} `NOT_FOUND`, `FORBIDDEN` among others. */
  read(place: Place, signal: AbortSignal): Promise<ContractMap>;
  nowMs(): number;
}

/** Name of a ConfigMap. */
export interface Place {
  readonly namespace: string;
  readonly name: string;
}

/** What was found. */
export type ResolvedContract = {
  /** When to look again, ms from now; Infinity: a watch tells. */
  readonly againAfterMs: number;
} & (
  | { readonly ok: true; readonly descriptorSet: DescriptorSetBytes }
  | { readonly ok: false; readonly problem: string }
);

/** A ConfigMap that is not watched is read again after this. */
const unwatchedReadMs = 300_000;
/** One that is not there, or may not be read, is looked for again after this. */
const missingReadMs = 30_000;
/** Descriptor sets and ConfigMaps that are remembered. */
const maxRemembered = 1_024;

/** Undefined: there is none. */
type Found = ContractMap | "forbidden" | undefined;

interface Remembered {
  readonly map: Found;
  readonly untilMs: number;
}

/** Messages of a descriptor set; undefined: it is none. */
interface KnownSet {
  readonly descriptorSet: DescriptorSetBytes;
  readonly messages: readonly string[] | undefined;
}

/** Resolves contracts; one for all loops, since many resources share a set. */
export class ContractResolver {
  readonly #sources: ContractSources;
  readonly #read = new Map<string, Remembered>();
  readonly #sets = new Map<string, KnownSet>();

  constructor(sources: ContractSources) {
    this.#sources = sources;
  }

  /**
   * Finds and checks the descriptors of a contract.
   * @throws {ApiError} when the API server could not be asked; it is worth another try.
   */
  async resolve(
    namespace: string,
    contract: Contract,
    signal: AbortSignal,
  ): Promise<ResolvedContract> {
    const { configMapRef, descriptorSet } = contract.schema;
    if (configMapRef === undefined) {
      const never = Number.POSITIVE_INFINITY;
      return this.#judge(contract, descriptorSet ?? "", {
        where: "spec.contract.schema.descriptorSet",
        againAfterMs: never,
      });
    }
    const { name, key } = configMapRef;
    const found = await this.#mapOf({ namespace, name }, signal);
    const { map, againAfterMs } = found;
    if (map === "forbidden") {
      const problem = `The operator may not read ConfigMap ${name}; grant it get on ConfigMaps of this namespace, or label it ${labels.contract}: "true".`;
      return { ok: false, problem, againAfterMs };
    }
    if (map === undefined) {
      const problem = `There is no ConfigMap ${name} in this namespace; write it with \`spillway contract\`, or label it ${labels.contract}: "true" to have it seen at once.`;
      return { ok: false, problem, againAfterMs };
    }
    const text = map.binaryData?.[key];
    if (text === undefined) {
      const near = nearestName(key, Object.keys(map.binaryData ?? {}));
      const hint = near === undefined ? "" : ` (there is ${near})`;
      const problem = `ConfigMap ${name} has no key ${key} in its binaryData${hint}; write it with \`spillway contract\`.`;
      return { ok: false, problem, againAfterMs };
    }
    return this.#judge(contract, text, { where: `ConfigMap ${name}, key ${key}`, againAfterMs });
  }

  async #mapOf(place: Place, signal: AbortSignal) {
    const key = `${place.namespace}/${place.name}`;
    const watched = this.#sources.watched(key);
    if (watched !== undefined) {
      this.#read.delete(key);
      return { map: watched, againAfterMs: Number.POSITIVE_INFINITY };
    }
    const nowMs = this.#sources.nowMs();
    const known = this.#read.get(key);
    if (known !== undefined && nowMs < known.untilMs) {
      return { map: known.map, againAfterMs: known.untilMs - nowMs };
    }
    const map = await this.#readOrRefused(place, signal);
    const againAfterMs = typeof map === "object" ? unwatchedReadMs : missingReadMs;
    remember(this.#read, key, { map, untilMs: nowMs + againAfterMs });
    return { map, againAfterMs };
  }

  async #readOrRefused(place: Place, signal: AbortSignal): Promise<Found> {
    try {
      return await this.#sources.read(place, signal);
    } catch (error) {
      const code = error instanceof ApiError ? error.code : undefined;
      if (code === "NOT_FOUND") return undefined;
      if (code === "FORBIDDEN") return "forbidden";
      throw error;
    }
  }

  #judge(
    contract: Contract,
    text: string,
    { where, againAfterMs }: { readonly where: string; readonly againAfterMs: number },
  ): ResolvedContract {
    const { descriptorSet, messages } = this.#setOf(text);
    const sizeBytes = descriptorSet.content.length;
    const problem =
      sizeBytes > maxDescriptorSetBytes
        ? `${where} holds ${sizeBytes} bytes of descriptors (allowed: ${maxDescriptorSetBytes}); give large contracts a key of their own.`
        : messages === undefined
          ? `${where} is no encoded FileDescriptorSet; write it with \`spillway contract\`.`
          : missingMessage(contract, messages, where);
    return problem === undefined
      ? { ok: true, descriptorSet, againAfterMs }
      : { ok: false, problem, againAfterMs };
  }

  #setOf(text: string): KnownSet {
    const content = new Uint8Array(Buffer.from(text, "base64"));
    const hash = createHash("sha256").update(content).digest("hex");
    const known = this.#sets.get(hash);
    if (known !== undefined) return known;
    const tooLarge = content.length > maxDescriptorSetBytes;
    const messages = tooLarge ? undefined : messagesOf(content);
    const set = { descriptorSet: { hash, content }, messages };
    remember(this.#sets, hash, set);
    return set;
  }
}

function messagesOf(content: Uint8Array): readonly string[] | undefined {
  try {
    const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, content));
    return [...registry].flatMap((it) => (it.kind === "message" ? [it.typeName] : []));
  } catch {
    // Bytes of anything else, or a set with holes: both are told in the same words.
    return undefined;
  }
}

function missingMessage(
  { request, response }: Contract,
  messages: readonly string[],
  where: string,
): string | undefined {
  const missing = [request, response].find((name) => !messages.includes(name));
  if (missing === undefined) return undefined;
  const near = nearestName(missing, messages);
  const remedy = near === undefined ? "declare it there" : `write ${near}`;
  return `${where} does not hold the message ${missing}; ${remedy}.`;
}

/** Adds to a map that forgets its oldest entries. */
function remember<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
  const oldest = map.keys().next();
  if (map.size > maxRemembered && oldest.done !== true) map.delete(oldest.value);
}
