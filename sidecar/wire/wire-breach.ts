import type { SessionCloseCode } from "./close-code.ts";

/** Why what a peer sent ends the session: expected, so it is returned and never thrown. */
export interface WireBreach {
  readonly code: SessionCloseCode;
  /** One sentence for a person: what was refused, the value, the bound. */
  readonly reason: string;
}

/** @returns bytes that no peer of this version sends. */
export function malformed(reason: string): WireBreach {
  return { code: "MALFORMED", reason };
}

/** @returns a stated bound that was exceeded. */
export function limitExceeded(reason: string): WireBreach {
  return { code: "LIMIT_EXCEEDED", reason };
}
