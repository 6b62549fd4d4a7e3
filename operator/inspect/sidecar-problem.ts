/** What a sidecar answered in the place of what was asked for. */
import { z } from "zod";
import { InspectError } from "./inspect-error.ts";

const problem = z.object({
  code: z.string(),
  detail: z.string(),
  bound: z.union([z.string(), z.number()]).optional(),
  value: z.union([z.string(), z.number()]).optional(),
});

/** A problem of the API, as far as it is told here. */
export type SidecarProblem = z.output<typeof problem>;

/** Problems whose cause stands on the command line: nothing was done, and nothing will be. */
const badInput: ReadonlySet<string> = new Set([
  "INVALID_ARGUMENT",
  "INVALID_PAYLOAD",
  "PAYLOAD_TOO_LARGE",
  "UNKNOWN_TICKET",
]);

/** @returns undefined when the body is no problem. */
export function problemOf(body: unknown): SidecarProblem | undefined {
  const told = problem.safeParse(body);
  return told.success ? told.data : undefined;
}

/**
 * @param what was refused, a noun: `"abc"`, `the request message`.
 * @throws {InspectError} `INPUT_REFUSED` when the body says that the input is at fault.
 */
export function refuseBadInput(body: unknown, what: string): void {
  const told = problemOf(body);
  if (told === undefined || !badInput.has(told.code)) return;
  const { code, detail, bound, value } = told;
  const size = bound === undefined ? "" : `: ${value ?? "it"} is beyond the bound ${bound}`;
  throw new InspectError("INPUT_REFUSED", `${what} is refused as ${code}${size}`, detail);
}
