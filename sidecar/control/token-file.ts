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
