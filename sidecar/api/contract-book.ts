/** Contracts of the node, resolved once and kept: every payload passes through one. */
import { type PayloadCodec, type ResolvedContract, resolveContract } from "../wire/contract.ts";
import { apiLimits } from "./limits.ts";
import type { NodeService, Result } from "./ports.ts";

/** A demand or a capability of this node. */
export type ContractOwner = "demand" | "capability";

/** Resolves by name; keeps the 256 used last. */
export class ContractBook {
  readonly #node: Pick<NodeService, "contractOf">;
  readonly #resolved = new Map<string, ResolvedContract>();

  constructor(node: Pick<NodeService, "contractOf">) {
    this.#node = node;
  }

  /** Refusals: UNKNOWN_DEMAND, UNKNOWN_CAPABILITY; INTERNAL when the configured set is unusable. */
  resolve(owner: ContractOwner, name: string): Result<ResolvedContract> {
    const found = this.#node.contractOf(owner, name);
    if (found === undefined) {
      const list = owner === "demand" ? "demands" : "capabilities";
      const detail = `This node has no ${owner} ${name}; GET /v1/${list} lists those it has.`;
      const code = owner === "demand" ? "UNKNOWN_DEMAND" : "UNKNOWN_CAPABILITY";
      return { ok: false, refusal: { code, detail } };
    }
    const { request, response, descriptorSet } = found.contract;
    // The content's hash is in the key, so a changed configuration is another entry.
    const key = `${request} ${response} ${descriptorSet}`;
    const known = this.#resolved.get(key);
    if (known !== undefined) {
      this.#keep(key, known);
      return { ok: true, value: known };
    }
    const result = resolveContract({ request, response }, found.descriptorSet);
    if (!result.ok) {
      const detail = `The contract of ${owner} ${name} cannot be used: ${result.failure.message}.`;
      return { ok: false, refusal: { code: "INTERNAL", detail } };
    }
    this.#keep(key, result.contract);
    return { ok: true, value: result.contract };
  }

  #keep(key: string, contract: ResolvedContract): void {
    this.#resolved.delete(key);
    this.#resolved.set(key, contract);
    if (this.#resolved.size > apiLimits.resolvedContracts) {
      const [oldest] = this.#resolved.keys();
      if (oldest !== undefined) this.#resolved.delete(oldest);
    }
  }
}

export type { PayloadCodec };
