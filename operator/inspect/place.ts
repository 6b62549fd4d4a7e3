/** A sidecar that can be asked, whatever way leads to its operations listener. */

/** An answer, or why there is none (one clause). */
export type Answer =
  | { readonly ok: true; readonly status: number; readonly body: unknown }
  | {
      readonly ok: false;
      readonly reason: string;
      /** What to do, a sentence. @default that status tells more */
      readonly remedy?: string;
    };

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
  /** Rejects only with what holds for every place alike: a permission, the way to all of them. */
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

/** Names of places say more to a person than ids of nodes. */
export function withNames(text: string, places: readonly Pick<Place, "name" | "nodeId">[]): string {
  let named = text;
  for (const { nodeId, name } of places) if (nodeId !== "") named = named.replaceAll(nodeId, name);
  return named;
}
