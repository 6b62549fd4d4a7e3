/** Whether a resource can be worked by: its spec, then its contract. */
import {
  type Condition,
  notCarriedOut,
  type ReadStored,
  type StoredCapability,
  type StoredDemand,
} from "../schema/index.ts";
import type { Judgement, Judgements } from "./conditions.ts";
import type { ContractState } from "./observed.ts";
import type { Action } from "./outcome.ts";

/** Fields that a message names at most. */
const namedFields = 3;

/** The verdict, and what sidecars are told because of it. */
export interface Acceptance {
  readonly judgement: Judgement;
  /** Empty when the sidecars keep what they have. */
  readonly actions: readonly Action[];
}

/** Judges a resource. A refused one is looked at again when it changes, or its ConfigMap does. */
export function acceptance(
  read: ReadStored<StoredDemand> | ReadStored<StoredCapability>,
  contract: ContractState,
): Acceptance {
  if (!read.ok) {
    const fields = read.refusals.map(
      ({ field, problem, remedy }) => `${field} ${problem}. ${remedy}`,
    );
    return refused("SpecInvalid", listed(fields));
  }
  const undone = notCarriedOut(read.resource);
  if (undone.length > 0) {
    const fields = undone.map(({ path, value }) => `${path.join(".")} (${value})`);
    return refused("NotCarriedOut", `This version does not carry out ${listed(fields)}.`);
  }
  if (!contract.ok) return refused("ContractUnresolved", contract.problem);
  const message = "The spec is valid and its contract is resolved.";
  return {
    judgement: { status: "True", reason: "Valid", message },
    actions: [{ type: "serve", descriptorSet: contract.descriptorSet }],
  };
}

function refused(reason: Judgement["reason"], message: string): Acceptance {
  return { judgement: { status: "False", reason, message }, actions: [] };
}

function listed(parts: readonly string[]): string {
  const shown = parts.slice(0, namedFields).join("; ");
  return parts.length > namedFields ? `${shown}; and more` : shown;
}

/** The reason of a refusal, for the conditions that depend on it; undefined when it is accepted. */
export function refusalJudgement({ judgement }: Acceptance): Judgement | undefined {
  return judgement.status === "True" ? undefined : judgement;
}

/**
 * What the annotation `spillway.dev/reconcile: paused` makes of the conditions: those that were
 * judged stand as they are, with the generation that they were judged of.
 */
export function pausedConditions(previous: readonly Condition[]): Judgements {
  const paused: Judgement = {
    status: "Unknown",
    reason: "Paused",
    message:
      "The annotation spillway.dev/reconcile: paused stops the operator for this object; take it out.",
  };
  const judged = previous.filter(({ type }) => type !== "Progressing");
  const kept = judged.map(({ type }) => [type, "kept"] as const);
  return {
    Accepted: paused,
    Ready: paused,
    Progressing: paused,
    Degraded: paused,
    ...Object.fromEntries(kept),
  };
}
