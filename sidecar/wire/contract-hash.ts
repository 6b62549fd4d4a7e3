/**
 * The canonical hash of a contract: what a peer must agree on, and nothing else. It covers the
 * messages and enums reachable from request and response; source info, comments, options, file
 * names, the order of declarations and unrelated types do not change it. Both the compiler that
 * made the descriptors and the syntax they were written in are invisible, because resolved
 * properties (presence, JSON name, closedness) are hashed instead of their spelling.
 */
import { createHash } from "node:crypto";
import { ScalarType, type DescEnum, type DescField, type DescMessage } from "@bufbuild/protobuf";

/** Says how the canonical text is laid out; a new layout is a new hash. */
const layout = "spillway-contract-v1";

/** The messages and enums that values of some messages can contain, those messages included. */
export interface ReachableTypes {
  /** By full name. */
  readonly messages: ReadonlyMap<string, DescMessage>;
  /** By full name. */
  readonly enums: ReadonlyMap<string, DescEnum>;
}

/** Walks fields from the roots. Cost: each type once. */
export function reachableFrom(roots: readonly DescMessage[]): ReachableTypes {
  const messages = new Map<string, DescMessage>();
  const enums = new Map<string, DescEnum>();
  const waiting = [...roots];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (messages.has(next.typeName)) continue;
    messages.set(next.typeName, next);
    for (const field of next.fields) {
      if (field.message !== undefined) waiting.push(field.message);
      if (field.enum !== undefined) enums.set(field.enum.typeName, field.enum);
    }
  }
  return { messages, enums };
}

/**
 * @returns 32 bytes: SHA-256 of the canonical text.
 * Cost: linear in the reachable types; computed once when a contract is resolved.
 */
export function contractHash(request: DescMessage, response: DescMessage): Uint8Array {
  const { messages, enums } = reachableFrom([request, response]);
  const canonical = [
    layout,
    request.typeName,
    response.typeName,
    sortedByName(messages).map((message) => [message.typeName, fieldsOf(message)]),
    sortedByName(enums).map((each) => [each.typeName, each.open, valuesOf(each)]),
  ];
  return new Uint8Array(createHash("sha256").update(JSON.stringify(canonical)).digest());
}

// By code unit, never by locale: two machines must agree.
function sortedByName<T>(byName: ReadonlyMap<string, T>): T[] {
  const names = [...byName.keys()].sort();
  return names.flatMap((name) => byName.get(name) ?? []);
}

function fieldsOf(message: DescMessage): unknown[] {
  return [...message.fields].sort((a, b) => a.number - b.number).map(shapeOf);
}

function shapeOf(field: DescField): unknown[] {
  const delimited = "delimitedEncoding" in field && field.delimitedEncoding;
  return [
    field.number,
    field.name,
    field.jsonName,
    field.fieldKind,
    field.fieldKind === "list" ? field.listKind : "",
    field.fieldKind === "map" ? [ScalarType[field.mapKey], field.mapKind] : "",
    valueTypeOf(field),
    delimited,
    field.presence,
    field.oneof?.name ?? "",
    defaultOf(field),
  ];
}

function valueTypeOf(field: DescField): string {
  if (field.message !== undefined) return field.message.typeName;
  if (field.enum !== undefined) return field.enum.typeName;
  return field.scalar === undefined ? "" : ScalarType[field.scalar];
}

/** A proto2 default is what an absent field means, so both sides must agree on it. */
function defaultOf(field: DescField): string {
  return field.proto.defaultValue;
}

function valuesOf(each: DescEnum): unknown[] {
  return each.values
    .map((value): [number, string] => [value.number, value.name])
    .sort(([a, nameA], [b, nameB]) => a - b || (nameA < nameB ? -1 : 1));
}
