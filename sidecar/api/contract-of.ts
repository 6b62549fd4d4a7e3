/** The contract that a payload passes through, or why there is none. */
import type { ResolvedContract } from "../wire/contract.ts";
import type { NodeService, Result } from "./ports.ts";

/** Refusals: UNKNOWN_DEMAND, UNKNOWN_CAPABILITY. */
export function contractOf(
  node: Pick<NodeService, "contractOf">,
  owner: "demand" | "capability",
  name: string,
): Result<ResolvedContract> {
  const contract = node.contractOf(owner, name);
  if (contract !== undefined) return { ok: true, value: contract };
  const list = owner === "demand" ? "demands" : "capabilities";
  const detail = `This node has no ${owner} ${name}; GET /v1/${list} lists those it has.`;
  const code = owner === "demand" ? "UNKNOWN_DEMAND" : "UNKNOWN_CAPABILITY";
  return { ok: false, refusal: { code, detail } };
}
