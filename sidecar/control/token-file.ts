/**
 * The pod's projected ServiceAccount token. The kubelet replaces the file while the pod runs, so it
 * is read anew for each use and never kept longer than its stream.
 */
import { readFile } from "node:fs/promises";
import { ControlError } from "./control-error.ts";

/** Longest token that is shown: the bound of `Authenticate.token`. */
export const maxTokenBytes = 16 * 1024;

/**
 * Reads the token.
 * @throws {ControlError} `TOKEN_UNREADABLE` naming the file, never its content.
 */
export async function readToken(file: string): Promise<string> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ControlError("TOKEN_UNREADABLE", `the token cannot be read: ${reason}`, { cause });
  }
  const token = text.trim();
  if (token === "" || token.length > maxTokenBytes) {
    const size = `${String(token.length)} characters`;
    const bound = `1 to ${String(maxTokenBytes)}`;
    throw new ControlError("TOKEN_UNREADABLE", `the token in ${file} has ${size}, not ${bound}`);
  }
  return token;
}

/**
 * When a token ends by its own word. Not checked here: the operator has the API server judge it;
 * this only tells when to look for the next one.
 * @returns ms since 1970; undefined when it is no JWT (RFC 7519 §4.1.4) or names no end.
 */
export function tokenEndMs(token: string): number | undefined {
  const [, payload] = token.split(".");
  if (payload === undefined) return undefined;
  let claims: unknown;
  try {
    claims = JSON.parse(Buffer.from(payload, "base64url").toString("utf8"));
  } catch {
    return undefined;
  }
  if (typeof claims !== "object" || claims === null || !("exp" in claims)) return undefined;
  const { exp } = claims;
  return typeof exp === "number" && Number.isFinite(exp) ? exp * 1_000 : undefined;
}
