import { SdkError } from "./sdk-error.ts";

/** How a Demand or Capability ends. */
export interface CloseOptions {
  /** Wait this long for what is under way, ms, 0 to 3,600,000. @default 25,000 (drain grace) */
  readonly graceMs?: number;
}

/** The grace of a close. @throws {SdkError} `INVALID_OPTION`. */
export function resolveGraceMs(options: CloseOptions): number {
  const graceMs = options.graceMs ?? 25_000;
  if (!(graceMs >= 0 && graceMs <= 3_600_000)) {
    throw new SdkError("INVALID_OPTION", `close: graceMs ${graceMs} is not in 0 to 3600000.`);
  }
  return graceMs;
}
