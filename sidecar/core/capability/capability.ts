/**
 * What two nodes can agree on: a name and the values that this node has really implemented.
 *
 * Symmetry. Both sides compute the result alone, from (own values, peer's values), and must arrive
 * at the same one. That holds exactly when `merge` depends only on the *set* of common values and
 * on an order of values that belongs to the capability's name, never on the local list's order:
 * with lists [1, 2] here and [2, 1] there, "my most preferred common value" is 2 here and 1 there.
 * `orderedCapability` is such a merge by construction, and refuses a list that contradicts its
 * order. A hand-written merge that breaks the rule is caught when the link opens
 * (`negotiationMismatch`), and the link is refused.
 */
import { CapabilityError } from "./capability-error.ts";

/** A capability with its typed values. */
export interface Capability<V> {
  /** ASCII, 1 … 256 characters; the same in every node. */
  readonly name: string;
  /** Implemented values, lowest to highest preference; the first is the floor. At least one. */
  readonly supportedValues: readonly V[];
  /** @returns the highest own value that the peer supports too; undefined when there is none. */
  merge(peerValues: readonly V[]): V | undefined;
  /** Stable bytes of a value, at most 16 KiB. */
  encode(value: V): Uint8Array;
  /** @returns undefined for bytes of another version: that value is then dropped. Never throws. */
  decode(bytes: Uint8Array): V | undefined;
}

/**
 * A capability whose values have one order everywhere: the greatest common value wins, on both
 * sides.
 * @param capability.compare negative when `a` is less preferred; 0 only for equal values.
 * @throws {CapabilityError} `UNORDERED_VALUES` when the list is not strictly ascending.
 */
export function orderedCapability<V>(
  capability: Omit<Capability<V>, "merge"> & { compare(a: V, b: V): number },
): Capability<V> {
  const { name, supportedValues } = capability;
  const compare = (a: V, b: V): number => capability.compare(a, b);
  for (const [i, value] of supportedValues.entries()) {
    const next = supportedValues[i + 1];
    if (next !== undefined && compare(value, next) >= 0) {
      const where = `values ${i} and ${i + 1}`;
      throw new CapabilityError("UNORDERED_VALUES", `capability ${name}: ${where} do not ascend`);
    }
  }
  return {
    name,
    supportedValues,
    merge: (peerValues) =>
      supportedValues.findLast((own) => peerValues.some((theirs) => compare(own, theirs) === 0)),
    encode: (value) => capability.encode(value),
    decode: (bytes) => capability.decode(bytes),
  };
}

/**
 * A capability of unsigned 32-bit numbers (versions, sizes), 4 bytes little-endian; the greatest
 * common number wins.
 * @throws {CapabilityError} `UNORDERED_VALUES` when the list does not ascend; `VALUE_NOT_DECODABLE`
 *   for a number that is not an unsigned 32-bit integer.
 */
export function u32Capability(
  name: string,
  supportedValues: readonly number[],
): Capability<number> {
  return orderedCapability<number>({
    name,
    supportedValues,
    compare: (a, b) => a - b,
    encode: (value) => encodeU32(name, value),
    decode: (bytes) =>
      bytes.length === 4
        ? new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true)
        : undefined,
  });
}

function encodeU32(name: string, value: number): Uint8Array {
  if (!Number.isInteger(value) || value < 0 || value > 0xffff_ffff) {
    throw new CapabilityError("VALUE_NOT_DECODABLE", `capability ${name}: ${value} is no u32`);
  }
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}
