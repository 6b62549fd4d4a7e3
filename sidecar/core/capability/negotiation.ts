/** The result of two advertisements: one value per capability of this node. */
import { type Capability } from "./capability.ts";
import { CapabilityError } from "./capability-error.ts";
import { equalBytes } from "./equal-bytes.ts";

/** One capability and the encoded value in force. */
export interface NegotiatedEntry {
  readonly name: string;
  readonly value: Uint8Array;
}

/** A capability that both sides have, with no value that both support: the link is refused. */
export interface NoCommonValue {
  readonly code: "NO_COMMON_VALUE";
  readonly name: string;
  /** Encoded values of this node. */
  readonly localValues: readonly Uint8Array[];
  /** Encoded values of the peer, those that this node cannot decode included. */
  readonly peerValues: readonly Uint8Array[];
  /** One sentence for a person, with both lists in hexadecimal. */
  readonly reason: string;
}

/** What came of a negotiation: values, or every capability that stands in its way. */
export type NegotiationResult =
  | { readonly ok: true; readonly negotiated: Negotiated }
  | { readonly ok: false; readonly conflicts: readonly NoCommonValue[] };

/** Values in force towards one peer. Immutable: another peer's advertisement never changes them. */
export class Negotiated {
  /**
   * Capabilities that both sides advertise, sorted by name: the same on both sides, and what goes
   * into SessionHello. A name that one side lacks is not in it, since the other cannot check it.
   */
  readonly shared: readonly NegotiatedEntry[];
  readonly #values: ReadonlyMap<string, Uint8Array>;

  constructor(shared: readonly NegotiatedEntry[], values: ReadonlyMap<string, Uint8Array>) {
    this.shared = shared;
    this.#values = values;
  }

  /**
   * @returns the value in force; the floor when the peer lacks the capability.
   * @throws {CapabilityError} `UNKNOWN_CAPABILITY` when this registry never had it.
   */
  get<V>(capability: Capability<V>): V {
    const bytes = this.#values.get(capability.name);
    const value = bytes === undefined ? undefined : capability.decode(bytes);
    if (value === undefined) {
      throw new CapabilityError(
        "UNKNOWN_CAPABILITY",
        `capability ${capability.name} is not registered here, or with another type of value`,
      );
    }
    return value;
  }
}

/**
 * Compares what both sides computed.
 * @param claimed `SessionHello.negotiated` of the peer, in any order.
 * @returns undefined when they agree, else one sentence for the close with `NEGOTIATION_MISMATCH`.
 */
export function negotiationMismatch(
  negotiated: Negotiated,
  claimed: readonly NegotiatedEntry[],
): string | undefined {
  const theirs = new Map(claimed.map((entry) => [entry.name, entry.value]));
  if (theirs.size !== claimed.length) return "the peer's result names a capability twice";
  for (const { name, value } of negotiated.shared) {
    const other = theirs.get(name);
    if (other === undefined) return `capability ${name}: the peer's result lacks it`;
    if (!equalBytes(other, value)) {
      return `capability ${name}: ${hex(value)} here, ${hex(other)} at the peer`;
    }
    theirs.delete(name);
  }
  for (const name of theirs.keys()) {
    return `capability ${JSON.stringify(name.slice(0, 64))}: not shared, but in the peer's result`;
  }
  return undefined;
}

/** @returns the conflict with its sentence; at most 16 values of a list are printed. */
export function noCommonValue(
  name: string,
  localValues: readonly Uint8Array[],
  peerValues: readonly Uint8Array[],
): NoCommonValue {
  const reason = `capability ${name}: ${list(localValues)} here, ${list(peerValues)} at the peer`;
  return { code: "NO_COMMON_VALUE", name, localValues, peerValues, reason };
}

function list(values: readonly Uint8Array[]): string {
  const shown = values.slice(0, 16).map(hex);
  if (values.length > shown.length) shown.push(`and ${values.length - shown.length} more`);
  return `[${shown.join(", ")}]`;
}

/** A peer's value may have 16 KiB: the first 32 bytes tell it apart well enough for a sentence. */
function hex(bytes: Uint8Array): string {
  const digits = Array.from(bytes.subarray(0, 32), (byte) => byte.toString(16).padStart(2, "0"));
  return bytes.length > 32 ? `${digits.join("")}…(${bytes.length} bytes)` : digits.join("");
}
