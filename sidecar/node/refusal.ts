import type { ProblemCode, Refusal } from "../api/ports.ts";

/** A refusal as a result of the API's ports. */
export function refusal(
  code: ProblemCode,
  detail: string,
): { readonly ok: false; readonly refusal: Refusal } {
  return { ok: false, refusal: { code, detail } };
}
