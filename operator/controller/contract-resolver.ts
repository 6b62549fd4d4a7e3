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
import { ByteBoundedMap } from "./byte-bounded-map.ts";
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
/** What is remembered of ConfigMaps that are not watched, and of descriptor sets: each at most. */
const maxRememberedBytes = 32 * 1_024 * 1_024;
/** What an entry takes besides its text. */
const entryBytes = 512;

/** What a contract refers to: the text of its descriptors, or why there is none. */
type Text =
  | { readonly ok: true; readonly text: string; readonly where: string }
  | { readonly ok: false; readonly problem: string };

/** With when to look again, ms from now. */
type Found = Text & { readonly againAfterMs: number };

interface Remembered {
  readonly text: Text;
  readonly untilMs: number;
}

/** Messages of a descriptor set; undefined: it is none. */
interface KnownSet {
  readonly descriptorSet: DescriptorSetBytes;
  readonly messages: readonly string[] | undefined;
}

/** A key of a ConfigMap. */
interface MapKey {
  readonly name: string;
  readonly key: string;
}

/** Resolves contracts; one for all loops, since many resources share a set. */
export class ContractResolver {
  readonly #sources: ContractSources;
  /** By namespace, name and key. */
  readonly #read = new ByteBoundedMap<Remembered>(maxRememberedBytes);
  /** By hash. */
  readonly #sets = new ByteBoundedMap<KnownSet>(maxRememberedBytes);
  /** Hashes of keys of what does not change: one version of a ConfigMap, a read text, a spec. */
  readonly #hashes = new WeakMap<object, Map<string, string>>();

  constructor(sources: ContractSources) {
    this.#sources = sources;
  }

  /** What is remembered, bytes. */
  get rememberedBytes(): number {
    return this.#read.bytes + this.#sets.bytes;
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
    const { configMapRef, descriptorSet: inline } = contract.schema;
    if (configMapRef === undefined) {
      const where = "spec.contract.schema.descriptorSet";
      const text = textOf(inline ?? "", where);
      const againAfterMs = Number.POSITIVE_INFINITY;
      return this.#judge(contract, { ...text, againAfterMs }, { source: contract, key: "" });
    }
    const { name, key } = configMapRef;
    const watched = this.#sources.watched(`${namespace}/${name}`);
    if (watched !== undefined) {
      this.#read.delete(`${namespace}/${name}/${key}`);
      const found = { ...textIn(watched, configMapRef), againAfterMs: Number.POSITIVE_INFINITY };
      return this.#judge(contract, found, { source: watched, key });
    }
    const { text, untilMs } = await this.#textAt(namespace, configMapRef, signal);
    const againAfterMs = untilMs - this.#sources.nowMs();
    return this.#judge(contract, { ...text, againAfterMs }, { source: text, key });
  }

  async #textAt(namespace: string, configMapRef: MapKey, signal: AbortSignal): Promise<Remembered> {
    const { name, key } = configMapRef;
    const at = `${namespace}/${name}/${key}`;
    const nowMs = this.#sources.nowMs();
    const known = this.#read.get(at);
    if (known !== undefined && nowMs < known.untilMs) return known;
    const { text, againAfterMs } = await this.#readText(namespace, configMapRef, signal);
    const remembered = { text, untilMs: this.#sources.nowMs() + againAfterMs };
    this.#read.set(at, remembered, entryBytes + (text.ok ? text.text.length : 0));
    return remembered;
  }

  async #readText(namespace: string, at: MapKey, signal: AbortSignal) {
    const { name } = at;
    const refused = (problem: string) =>
      ({ text: { ok: false, problem }, againAfterMs: missingReadMs }) as const;
    try {
      const map = await this.#sources.read({ namespace, name }, signal);
      return { text: textIn(map, at), againAfterMs: unwatchedReadMs };
    } catch (error) {
      const code = error instanceof ApiError ? error.code : undefined;
      if (code === "NOT_FOUND") {
        return refused(
          `There is no ConfigMap ${name} in this namespace; write it with \`spillway contract\`, or label it ${labels.contract}: "true" to have it seen at once.`,
        );
      }
      if (code === "FORBIDDEN") {
        return refused(
          `The operator may not read ConfigMap ${name}; grant it get on ConfigMaps of this namespace, or label it ${labels.contract}: "true".`,
        );
      }
      throw error;
    }
  }

  #judge(
    contract: Contract,
    found: Found,
    at: { readonly source: object; readonly key: string },
  ): ResolvedContract {
    if (!found.ok) return found;
    const { text, where, againAfterMs } = found;
    const { descriptorSet, messages } = this.#setOf(text, at);
    const problem =
      messages === undefined
        ? `${where} is no encoded FileDescriptorSet; write it with \`spillway contract\`.`
        : missingMessage(contract, messages, where);
    return problem === undefined
      ? { ok: true, descriptorSet, againAfterMs }
      : { ok: false, problem, againAfterMs };
  }

  #setOf(
    text: string,
    { source, key }: { readonly source: object; readonly key: string },
  ): KnownSet {
    const hashes = this.#hashes.get(source) ?? new Map<string, string>();
    const known = this.#sets.get(hashes.get(key) ?? "");
    if (known !== undefined) return known;
    const content = new Uint8Array(Buffer.from(text, "base64"));
    const hash = createHash("sha256").update(content).digest("hex");
    this.#hashes.set(source, hashes.set(key, hash));
    const set = this.#sets.get(hash) ?? {
      descriptorSet: { hash, content },
      messages: messagesOf(content),
    };
    const namesBytes = set.messages?.reduce((sum, name) => sum + name.length, 0) ?? 0;
    this.#sets.set(hash, set, entryBytes + set.descriptorSet.content.length + namesBytes);
    return set;
  }
}

/** Text that is too large is not kept, nor decoded. */
function textOf(text: string, where: string): Text {
  const sizeBytes = Buffer.byteLength(text, "base64");
  if (sizeBytes <= maxDescriptorSetBytes) return { ok: true, text, where };
  const problem = `${where} holds ${sizeBytes} bytes of descriptors (allowed: ${maxDescriptorSetBytes}); give large contracts a key of their own.`;
  return { ok: false, problem };
}

function textIn({ binaryData = {} }: ContractMap, { name, key }: MapKey): Text {
  const text = binaryData[key];
  if (text !== undefined) return textOf(text, `ConfigMap ${name}, key ${key}`);
  const near = nearestName(key, Object.keys(binaryData));
  const hint = near === undefined ? "" : ` (there is ${near})`;
  const problem = `ConfigMap ${name} has no key ${key} in its binaryData${hint}; write it with \`spillway contract\`.`;
  return { ok: false, problem };
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
