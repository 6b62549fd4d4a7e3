/** What a node offers to a peer before anything else is said, and what the two agree on. */
import {
  CapabilityRegistry,
  decodeHandshake,
  encodeHandshake,
  maxHandshakeBytes,
  type NegotiatedEntry,
  negotiationMismatch,
  u32Capability,
} from "../core/capability/index.ts";
import { malformed, type WireBreach } from "./wire-breach.ts";
import { wireLimits } from "./wire-limits.ts";

/** Greatest opening blob that is read; a longer one is refused by its length word. */
export const maxOpeningBytes = maxHandshakeBytes;

/** The versions that are implemented. */
const framings = [2];

/** Values that the wire itself negotiates. Only what is implemented stands here. */
export interface OfferedValues {
  /**
   * Versions of what goes over a session, ascending: frame layout, credit rules, messages of links.
   * 2: Started and Settled name lists. @default [2]
   */
  readonly framing?: readonly number[];
  /** Greatest frames in bytes, ascending, each at least 256 KiB. @default [256 KiB, 1 MiB] */
  readonly maxFrame?: readonly number[];
}

/** What two sides agreed on. */
export interface AgreedValues {
  readonly framing: number;
  readonly maxFrameBytes: number;
  /** What goes into SessionHello, sorted by name. */
  readonly shared: readonly NegotiatedEntry[];
  /** @returns why the other side's result differs, one sentence; undefined when it does not. */
  mismatch(claimed: readonly NegotiatedEntry[]): string | undefined;
}

/** The agreed values, or why there are none. */
export type AgreedResult =
  | { readonly ok: true; readonly agreed: AgreedValues }
  | { readonly ok: false; readonly breach: WireBreach };

/** The offer of a node: made once, the same towards every peer. */
export class SessionOffer {
  /** "DHS1" and the capability advertisement. */
  readonly blob: Uint8Array;
  readonly #registry = new CapabilityRegistry();
  readonly #framing;
  readonly #maxFrame;

  /** @throws {CapabilityError} when the values cannot be advertised: a programmer's error. */
  constructor(values: OfferedValues = {}) {
    this.#framing = u32Capability("framing", values.framing ?? framings);
    this.#maxFrame = u32Capability(
      "maxFrame",
      values.maxFrame ?? [wireLimits.windowBytes, wireLimits.maxFrameBytes],
    );
    this.#registry.register(this.#framing);
    this.#registry.register(this.#maxFrame);
    this.blob = encodeHandshake(this.#registry.advertisement());
  }

  /** Negotiates with what a peer sent. Never throws for what is in it. */
  agree(peerBlob: Uint8Array): AgreedResult {
    const decoded = decodeHandshake(peerBlob);
    if (!decoded.ok) {
      const breach = malformed(
        `the capability advertisement is no such thing: ${decoded.error.code}`,
      );
      return { ok: false, breach };
    }
    const result = this.#registry.negotiate(decoded.ad);
    if (!result.ok) {
      const reason = result.conflicts.map((conflict) => conflict.reason).join("; ");
      return { ok: false, breach: { code: "NO_COMMON_VALUE", reason } };
    }
    const { negotiated } = result;
    return {
      ok: true,
      agreed: {
        framing: negotiated.get(this.#framing),
        maxFrameBytes: negotiated.get(this.#maxFrame),
        shared: negotiated.shared,
        mismatch: (claimed) => negotiationMismatch(negotiated, claimed),
      },
    };
  }
}
