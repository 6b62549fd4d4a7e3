/**
 * Providers that were refused because their contract differs. Such a provider leaves at once and
 * asks again every 30 s, so without this list nobody could say why it is not connected.
 */
import type { NodeId } from "../ports.ts";

/** Providers remembered at most; the one that asked longest ago goes first. */
const maxMismatches = 100;

/** A provider that has not asked again for this long is forgotten, ms: three of its periods. */
const rememberedMs = 90_000;

/** A provider whose contract differs. */
export interface Mismatch {
  readonly nodeId: NodeId;
  readonly capability: string;
  /** Names both contracts. */
  readonly reason: string;
}

/** Bounded memory of mismatches, in the order of their last asking. */
export class Mismatches {
  readonly #entries = new Map<
    string,
    { readonly mismatch: Mismatch; readonly askedAtMs: number }
  >();

  /** A provider asked and was refused. */
  note(mismatch: Mismatch, nowMs: number): void {
    const key = keyOf(mismatch);
    this.#entries.delete(key);
    this.#entries.set(key, { mismatch, askedAtMs: nowMs });
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > maxMismatches && oldest !== undefined) this.#entries.delete(oldest);
  }

  /** The provider came with a contract that fits. */
  forget(provider: Pick<Mismatch, "nodeId" | "capability">): void {
    this.#entries.delete(keyOf(provider));
  }

  /** The demand's own contract changed: everyone is judged anew. */
  clear(): void {
    this.#entries.clear();
  }

  /** Providers that asked lately. Cost: a walk of all. */
  recent(nowMs: number): Mismatch[] {
    return [...this.#entries.values()]
      .filter(({ askedAtMs }) => nowMs - askedAtMs < rememberedMs)
      .map(({ mismatch }) => mismatch);
  }
}

function keyOf({ nodeId, capability }: Pick<Mismatch, "nodeId" | "capability">): string {
  return `${nodeId}/${capability}`;
}
