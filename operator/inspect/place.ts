/** A sidecar that can be asked, whatever way leads to its operations listener. */

/** An answer, or why there is none (one clause). */
export type Answer =
  | { readonly ok: true; readonly status: number; readonly body: unknown }
  | { readonly ok: false; readonly reason: string };

/** A call of the operations listener. */
export interface Call {
  readonly method: "GET" | "POST";
  /** Path and query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON text. */
  readonly body?: string;
  /** Longest time for the whole answer, ms. */
  readonly timeoutMs: number;
}

/** Longest answer that is read, bytes. */
export const maxAnswerBytes = 64 * 1024 * 1024;

/** A sidecar and its name. */
export interface Place {
  /** For people: `web-0`, the name of the program or of the pod. */
  readonly name: string;
  /** Of its node, as tickets and peers name it. */
  readonly nodeId: string;
  /** Never rejects. */
  ask(call: Call): Promise<Answer>;
}

/** The body of an answer: JSON where it is, else its text. */
export function bodyOf(text: string): unknown {
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
