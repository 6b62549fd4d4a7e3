/**
 * Protobuf JSON → message, with the path of the field that was wrong. The decoder of protobuf-es
 * names only the innermost field, so on failure the JSON is walked along the descriptor and the
 * smallest part that cannot be decoded is named.
 */
import { fromJson, type DescField, type DescMessage, type MessageShape } from "@bufbuild/protobuf";
import type { JsonObject, JsonReadOptions, JsonValue } from "@bufbuild/protobuf";

/** Where and why a JSON value is not the message it should be. */
export interface JsonDecodeFailure {
  /**
   * Path from the root in JSON names, for example `demands[0].lease.duration`; empty for the
   * root.
   */
  readonly fieldPath: string;
  /** The rule that was broken, one clause without a full stop. */
  readonly rule: string;
}

/** A decoded message, or the first failure found. */
export type JsonDecodeResult<M> =
  | { readonly ok: true; readonly value: M }
  | { readonly ok: false; readonly failure: JsonDecodeFailure };

/**
 * Decodes a value by the protobuf JSON mapping; unknown fields are refused.
 * @param json nested at most a few hundred levels: the decoder is recursive.
 * @param options of protobuf-es, for example the registry that resolves `google.protobuf.Any`.
 * Cost: one decode when the value is right; one decode per nested part when it is wrong.
 * Source: protobuf.dev/programming-guides/json.
 */
export function decodeJson<Desc extends DescMessage>(
  schema: Desc,
  json: JsonValue,
  options: Partial<JsonReadOptions> = {},
): JsonDecodeResult<MessageShape<Desc>> {
  const decoded = tryDecode(schema, json, options);
  if (decoded.ok) {
    return decoded;
  }
  const failure = locate(schema, json, "", options) ?? {
    fieldPath: "",
    rule: decoded.failure.rule,
  };
  return { ok: false, failure };
}

type Options = Partial<JsonReadOptions>;

function tryDecode<Desc extends DescMessage>(
  schema: Desc,
  json: JsonValue,
  options: Options,
): JsonDecodeResult<MessageShape<Desc>> {
  try {
    return { ok: true, value: fromJson(schema, json, options) };
  } catch (error) {
    return { ok: false, failure: { fieldPath: "", rule: ruleOf(error) } };
  }
}

/** The clause behind "from JSON: "; the part before it repeats what the path says. */
function ruleOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const mark = message.lastIndexOf("from JSON: ");
  return mark < 0 ? message : message.slice(mark + "from JSON: ".length);
}

function locate(
  schema: DescMessage,
  json: JsonValue,
  path: string,
  options: Options,
): JsonDecodeFailure | undefined {
  // Well-known types have their own JSON forms ("15s"): they are leaves here.
  if (schema.typeName.startsWith("google.protobuf.") || !isObject(json)) {
    return undefined;
  }
  for (const [key, value] of Object.entries(json)) {
    const fieldPath = path === "" ? key : `${path}.${key}`;
    const field = schema.fields.find((each) => each.jsonName === key || each.name === key);
    if (field === undefined) {
      return { fieldPath, rule: `${schema.typeName} has no such field` };
    }
    const nested = locateInField(field, value, fieldPath, options);
    if (nested !== undefined) {
      return nested;
    }
    const alone = tryDecode(schema, { [key]: value }, options);
    if (!alone.ok) {
      return { fieldPath, rule: alone.failure.rule };
    }
  }
  return undefined;
}

function locateInField(
  field: DescField,
  value: JsonValue,
  path: string,
  options: Options,
): JsonDecodeFailure | undefined {
  if (field.fieldKind === "message") {
    return locatePart(field.message, value, path, options);
  }
  const element =
    field.fieldKind === "list" || field.fieldKind === "map" ? field.message : undefined;
  if (element === undefined) {
    return undefined;
  }
  if (Array.isArray(value)) {
    return firstFailure(value.entries(), (index, part) =>
      locatePart(element, part, `${path}[${index}]`, options),
    );
  }
  return isObject(value)
    ? firstFailure(Object.entries(value), (key, part) =>
        locatePart(element, part, `${path}[${JSON.stringify(key)}]`, options),
      )
    : undefined;
}

function firstFailure<K>(
  parts: Iterable<[K, JsonValue]>,
  locateOne: (key: K, part: JsonValue) => JsonDecodeFailure | undefined,
): JsonDecodeFailure | undefined {
  for (const [key, part] of parts) {
    const failure = locateOne(key, part);
    if (failure !== undefined) {
      return failure;
    }
  }
  return undefined;
}

function locatePart(
  schema: DescMessage,
  json: JsonValue,
  path: string,
  options: Options,
): JsonDecodeFailure | undefined {
  const decoded = tryDecode(schema, json, options);
  if (decoded.ok) {
    return undefined;
  }
  return locate(schema, json, path, options) ?? { fieldPath: path, rule: decoded.failure.rule };
}

function isObject(json: JsonValue): json is JsonObject {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}
