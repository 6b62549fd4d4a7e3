/** When a ServiceAccount token ends, for both ends of the control stream. */

/**
 * When a token ends by its own word. No signature is checked here: the API server judges a token;
 * this only tells when the next one is needed.
 * @returns ms since 1970; undefined when it is no JWT or names no end (RFC 7519 §4.1.4).
 */
export function tokenEndMs(token: string): number | undefined {
  const [, payload] = token.split(".");
  if (payload === undefined) return undefined;
  let claims: unknown;
  try {
    claims = JSON.parse(Buffer.from(payload, "base64url").toString("utf8"));
  } catch {
    // Not a JWT: it may be good all the same, only its end is not known.
    return undefined;
  }
  if (typeof claims !== "object" || claims === null || !("exp" in claims)) return undefined;
  const { exp } = claims;
  return typeof exp === "number" && Number.isFinite(exp) ? exp * 1_000 : undefined;
}
