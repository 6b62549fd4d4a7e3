/**
 * Payloads of one message type: JSON ↔ binary by the protobuf JSON mapping, and the check that
 * every payload passes before it is accepted. What was accepted can always be read as JSON later.
 * Source: protobuf.dev/programming-guides/json.
 */
import {
  type DescMessage,
  fromBinary,
  type JsonValue,
  type MessageShape,
  type Registry,
  toBinary,
} from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence } from "@bufbuild/protobuf/wkt";
import { reflect, type ReflectMessage } from "@bufbuild/protobuf/reflect";
import { reachableFrom } from "./contract-hash.ts";
import { decodeJson } from "./decode-json.ts";
import { consumeToJson } from "./message-json.ts";

/** Levels of nesting that a JSON payload may have; the binary decoder has the same limit. */
export const maxPayloadDepth = 100;

/** Why a payload is refused: the answer INVALID_PAYLOAD is made of it. */
export interface PayloadFailure {
  /** Full name of the message the payload should be. */
  readonly typeName: string;
  /** Path of the field in JSON names, for example `images[2].width`; empty for the whole. */
  readonly fieldPath: string;
  /** The rule that it breaks, one clause without a full stop. */
  readonly rule: string;
}

/** A converted payload, or why it is none. */
export type PayloadResult<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly failure: PayloadFailure };

/** Converts and checks the payloads of one message type. */
export interface PayloadCodec {
  readonly typeName: string;
  /** @param json UTF-8 text. @returns a checked binary payload. */
  encodeJsonText(json: Uint8Array): PayloadResult<Uint8Array>;
  /**
   * @param json a parsed JSON value, nested at most 100 levels.
   * @returns a checked binary payload.
   */
  encodeJson(json: unknown): PayloadResult<Uint8Array>;
  /** @returns the JSON value of a binary payload. */
  decodeToJson(binary: Uint8Array): PayloadResult<JsonValue>;
  /** @returns undefined when the binary payload may be accepted. */
  check(binary: Uint8Array): PayloadFailure | undefined;
}

/**
 * Makes the codec of a message type.
 * @param registry resolves `google.protobuf.Any` and extensions.
 */
export function createPayloadCodec(schema: DescMessage, registry: Registry): PayloadCodec {
  return new SchemaCodec(schema, registry);
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

class SchemaCodec implements PayloadCodec {
  readonly typeName: string;
  readonly #schema: DescMessage;
  readonly #registry: Registry;
  readonly #hasRequired: boolean;
  readonly #jsonCanFail: boolean;

  constructor(schema: DescMessage, registry: Registry) {
    this.typeName = schema.typeName;
    this.#schema = schema;
    this.#registry = registry;
    const messages = [...reachableFrom([schema]).messages.values()];
    this.#hasRequired = messages.some((message) => message.fields.some(isRequired));
    // Binary forms of the well-known types can hold what their JSON forms cannot (a Timestamp of
    // the year 20,000, an Any of an unknown type); other messages always have a JSON form.
    this.#jsonCanFail = messages.some((each) => each.typeName.startsWith("google.protobuf."));
  }

  encodeJsonText(json: Uint8Array): PayloadResult<Uint8Array> {
    if (nestedDeeperThan(json, maxPayloadDepth)) {
      return this.#fail("", `is nested deeper than ${String(maxPayloadDepth)} levels`);
    }
    let parsed: unknown;
    try {
      parsed = JSON.parse(utf8.decode(json));
    } catch (error) {
      return this.#fail("", `is no JSON: ${messageOf(error)}`);
    }
    return this.encodeJson(parsed);
  }

  encodeJson(json: unknown): PayloadResult<Uint8Array> {
    const options = { registry: this.#registry };
    const decoded = decodeJson(this.#schema, json as JsonValue, options);
    if (!decoded.ok) return this.#fail(decoded.failure.fieldPath, decoded.failure.rule);
    const failure = this.#checkRules(decoded.value);
    if (failure !== undefined) return { ok: false, failure };
    try {
      return { ok: true, value: toBinary(this.#schema, decoded.value) };
    } catch (error) {
      return this.#fail("", messageOf(error));
    }
  }

  decodeToJson(binary: Uint8Array): PayloadResult<JsonValue> {
    const decoded = this.#decode(binary);
    if (!decoded.ok) return decoded;
    try {
      const options = { registry: this.#registry };
      return { ok: true, value: consumeToJson(this.#schema, decoded.value, options) };
    } catch (error) {
      return this.#fail("", `has no JSON form: ${messageOf(error)}`);
    }
  }

  check(binary: Uint8Array): PayloadFailure | undefined {
    const decoded = this.#decode(binary);
    return decoded.ok
      ? (this.#checkRules(decoded.value) ?? this.#checkJsonForm(decoded.value))
      : decoded.failure;
  }

  #decode(binary: Uint8Array): PayloadResult<MessageShape<DescMessage>> {
    try {
      return { ok: true, value: fromBinary(this.#schema, binary) };
    } catch (error) {
      return this.#fail("", `cannot be decoded: ${messageOf(error)}`);
    }
  }

  /** The rules that a decoded message must keep. Constraints of protovalidate belong here. */
  #checkRules(message: MessageShape<DescMessage>): PayloadFailure | undefined {
    if (!this.#hasRequired) return undefined;
    const fieldPath = missingRequired(reflect(this.#schema, message), "");
    return fieldPath === undefined
      ? undefined
      : { typeName: this.typeName, fieldPath, rule: "is required and missing" };
  }

  /** Consumes the message. What came from JSON has a JSON form and need not be asked. */
  #checkJsonForm(message: MessageShape<DescMessage>): PayloadFailure | undefined {
    if (!this.#jsonCanFail) return undefined;
    try {
      consumeToJson(this.#schema, message, { registry: this.#registry });
      return undefined;
    } catch (error) {
      const rule = `has no JSON form: ${messageOf(error)}`;
      return { typeName: this.typeName, fieldPath: "", rule };
    }
  }

  #fail(fieldPath: string, rule: string): { readonly ok: false; readonly failure: PayloadFailure } {
    return { ok: false, failure: { typeName: this.typeName, fieldPath, rule } };
  }
}

function isRequired(field: { readonly presence: FeatureSet_FieldPresence }): boolean {
  return field.presence === FeatureSet_FieldPresence.LEGACY_REQUIRED;
}

/** @returns the path of the first required field that is not set, depth first. */
function missingRequired(message: ReflectMessage, path: string): string | undefined {
  for (const field of message.fields) {
    const fieldPath = path === "" ? field.jsonName : `${path}.${field.jsonName}`;
    if (!message.isSet(field)) {
      if (isRequired(field)) return fieldPath;
      continue;
    }
    const missing = missingInParts(partsOf(message, field), fieldPath);
    if (missing !== undefined) return missing;
  }
  return undefined;
}

type Part = readonly [suffix: string, message: ReflectMessage];

function* partsOf(
  message: ReflectMessage,
  field: ReflectMessage["fields"][number],
): Iterable<Part> {
  if (field.fieldKind === "message") {
    yield ["", message.get(field)];
  } else if (field.fieldKind === "list" && field.listKind === "message") {
    for (const [index, item] of message.get(field).entries()) {
      yield [`[${String(index)}]`, item as ReflectMessage];
    }
  } else if (field.fieldKind === "map" && field.mapKind === "message") {
    for (const [key, item] of message.get(field)) {
      yield [`[${JSON.stringify(String(key))}]`, item as ReflectMessage];
    }
  }
}

function missingInParts(parts: Iterable<Part>, path: string): string | undefined {
  for (const [suffix, part] of parts) {
    const missing = missingRequired(part, `${path}${suffix}`);
    if (missing !== undefined) return missing;
  }
  return undefined;
}

/**
 * Looks at brackets only, outside strings: the recursive decoders below must never be handed a
 * value that is deeper than the call stack. Cost: one pass, about 1 ms per MiB.
 */
export function nestedDeeperThan(json: Uint8Array, maxDepth: number): boolean {
  let depth = 0;
  let inString = false;
  for (let index = 0; index < json.length; index++) {
    const byte = json[index];
    if (inString) {
      if (byte === 0x5c) index++;
      else if (byte === 0x22) inString = false;
    } else if (byte === 0x22) {
      inString = true;
    } else if (byte === 0x7b || byte === 0x5b) {
      depth += 1;
      if (depth > maxDepth) return true;
    } else if (byte === 0x7d || byte === 0x5d) {
      depth -= 1;
    }
  }
  return false;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
