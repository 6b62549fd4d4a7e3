import type { ItemState } from "./item.ts";

/** Answers of one generation. */
const maxRemembered = 1_024;

/** A verb that took effect. */
export interface RememberedVerb {
  readonly name: string;
  readonly state: ItemState;
}

/**
 * The latest verbs that took effect, by lease: a copy of a call gets the same answer. Between 1,024
 * and 2,048 of them, in two generations of which the older is forgotten as a whole: nothing has to
 * be looked for to be deleted.
 */
export class RememberedVerbs {
  #young = new Map<string, RememberedVerb>();
  #old = new Map<string, RememberedVerb>();

  get(token: string): RememberedVerb | undefined {
    return this.#young.get(token) ?? this.#old.get(token);
  }

  has(token: string): boolean {
    return this.#young.has(token) || this.#old.has(token);
  }

  add(token: string, verb: RememberedVerb): void {
    if (this.#young.size >= maxRemembered) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(token, verb);
  }
}
