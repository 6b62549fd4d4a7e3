/**
 * The capabilities that this node has, with their types erased so that they can be advertised and
 * negotiated alike. It keeps no result: the seed's registry remembered the last peer that spoke,
 * here each link holds its own `Negotiated`.
 */
import { adLimits, adValues, type CapabilityAd, checkCapabilityName } from "./ad.ts";
import { type Capability } from "./capability.ts";
import { CapabilityError } from "./capability-error.ts";
import { equalBytes } from "./equal-bytes.ts";
import {
  Negotiated,
  type NegotiatedEntry,
  type NegotiationResult,
  type NoCommonValue,
  noCommonValue,
} from "./negotiation.ts";

/** One capability without its type. */
interface Slot {
  readonly name: string;
  readonly values: readonly Uint8Array[];
  readonly floor: Uint8Array;
  readonly merge: (peerValues: readonly Uint8Array[]) => Uint8Array | undefined;
}

/** Capabilities of this node, sorted by name. */
export class CapabilityRegistry {
  readonly #slots: Slot[] = [];

  /**
   * Adds a capability. Only values that are implemented may be in it.
   * @throws {CapabilityError} `NO_SUPPORTED_VALUES`, `DUPLICATE_NAME` (the seed replaced silently),
   *   `VALUE_NOT_DECODABLE` when a value does not survive encode and decode, and those of
   *   `checkCapabilityName` and of the limits.
   */
  register<V>(capability: Capability<V>): void {
    checkCapabilityName(capability.name);
    if (this.#slots.some((slot) => slot.name === capability.name)) {
      throw new CapabilityError(
        "DUPLICATE_NAME",
        `capability ${capability.name}: registered twice`,
      );
    }
    this.#slots.push(eraseType(capability));
    this.#slots.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** @returns what to advertise: entries sorted by name, values lowest to highest preference. */
  advertisement(): CapabilityAd {
    return { entries: this.#slots.map(({ name, values }) => ({ name, values })) };
  }

  /** @returns the values in force before any negotiation: the floor of each capability. */
  floors(): Negotiated {
    return new Negotiated([], new Map(this.#slots.map((slot) => [slot.name, slot.floor])));
  }

  /**
   * Negotiates with one peer. Values that do not decode here are dropped, names that only the peer
   * has are ignored, a capability that the peer lacks stays at its floor.
   * @returns the values, or each capability without a common value (the seed fell back to its
   *   floor, silently a different one on each side). Never throws for what a peer sent.
   */
  negotiate(peer: CapabilityAd): NegotiationResult {
    const shared: NegotiatedEntry[] = [];
    const conflicts: NoCommonValue[] = [];
    const values = new Map<string, Uint8Array>();
    for (const slot of this.#slots) {
      const peerValues = adValues(peer, slot.name);
      const value = peerValues === undefined ? slot.floor : slot.merge(peerValues);
      if (value === undefined) {
        conflicts.push(noCommonValue(slot.name, slot.values, peerValues ?? []));
        continue;
      }
      values.set(slot.name, value);
      if (peerValues !== undefined) shared.push({ name: slot.name, value });
    }
    if (conflicts.length > 0) return { ok: false, conflicts };
    return { ok: true, negotiated: new Negotiated(shared, values) };
  }
}

function eraseType<V>(capability: Capability<V>): Slot {
  const { name } = capability;
  const values = capability.supportedValues.map((value) => capability.encode(value));
  const floor = values[0];
  if (floor === undefined) {
    throw new CapabilityError("NO_SUPPORTED_VALUES", `capability ${name}: no supported value`);
  }
  for (const value of values) checkOwnValue(capability, value);
  return {
    name,
    values,
    floor,
    merge: (peerBytes) => {
      const peerValues = peerBytes
        .map((bytes) => capability.decode(bytes))
        .filter((value) => value !== undefined);
      const merged = capability.merge(peerValues);
      if (merged === undefined) return undefined;
      // A merge that invents a value would put this side where the peer cannot follow.
      const bytes = capability.encode(merged);
      const known = [values, peerBytes].every((set) =>
        set.some((other) => equalBytes(other, bytes)),
      );
      return known ? bytes : undefined;
    },
  };
}

function checkOwnValue<V>(capability: Capability<V>, bytes: Uint8Array): void {
  const { name } = capability;
  if (bytes.length > adLimits.maxValueBytes) {
    const bound = `a value of ${bytes.length} bytes, at most ${adLimits.maxValueBytes}`;
    throw new CapabilityError("VALUE_TOO_LONG", `capability ${name}: ${bound}`);
  }
  const back = capability.decode(bytes);
  if (back === undefined || !equalBytes(capability.encode(back), bytes)) {
    throw new CapabilityError(
      "VALUE_NOT_DECODABLE",
      `capability ${name}: a supported value does not survive encode and decode`,
    );
  }
}
