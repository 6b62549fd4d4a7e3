/**
 * Readiness as a list of reasons: each component says why it is not ready, or takes it back.
 * Ready = nobody has a reason.
 */

/** Whether the process is ready, and if not, why: sentences, in the order they arose. */
export interface Readiness {
  readonly ready: boolean;
  readonly reasons: readonly string[];
}

/** Collects reasons. */
export class Health {
  readonly #reasons = new Map<string, string>();

  /**
   * @param component who speaks; one reason each.
   * @param reason one sentence, or undefined when it is ready.
   */
  set(component: string, reason: string | undefined): void {
    if (reason === undefined) this.#reasons.delete(component);
    else this.#reasons.set(component, reason);
  }

  /** @returns a snapshot. */
  readiness(): Readiness {
    const reasons = [...this.#reasons.values()];
    return { ready: reasons.length === 0, reasons };
  }
}
