/**
 * When to ask for a certificate: at once without one, again when a third of its life is over (the
 * operator says when), and when the operator wants it. One request is open at a time; one that is
 * refused or not answered is made again after a while, since each costs the operator a signature.
 */
import { controlLimits } from "./control-limits.ts";

type Renewal =
  /** Nothing to do before `dueMs`. */
  | { readonly type: "resting"; readonly dueMs: number }
  /** A request was made; without an answer by `untilMs` it is made again. */
  | { readonly type: "asked"; readonly untilMs: number };

/** The certificate of one process. */
export class CertificateRenewal {
  #state: Renewal;

  /** @param dueMs when the certificate held is to be renewed; -Infinity without one. */
  constructor(dueMs: number) {
    this.#state = { type: "resting", dueMs };
  }

  /** When a request is due; only a stream that is open can carry it. */
  nextDeadlineMs(): number {
    return this.#state.type === "resting" ? this.#state.dueMs : this.#state.untilMs;
  }

  /** @returns whether to make a request now. */
  take(nowMs: number): boolean {
    if (nowMs < this.nextDeadlineMs()) return false;
    this.#state = { type: "asked", untilMs: nowMs + controlLimits.certificateAnswerMs };
    return true;
  }

  /** A certificate is in use. @param renewAfterMs from now. */
  renewed(renewAfterMs: number, nowMs: number): void {
    this.#state = { type: "resting", dueMs: nowMs + renewAfterMs };
  }

  /** The request was refused, or its certificate cannot be used. */
  failed(retryAfterMs: number, nowMs: number): void {
    const waitMs = Math.max(retryAfterMs, controlLimits.certificateRetryMs);
    this.#state = { type: "resting", dueMs: nowMs + waitMs };
  }

  /** The operator wants a new one, or the stream that carried the request is gone. */
  wanted(nowMs: number): void {
    this.#state = { type: "resting", dueMs: nowMs };
  }

  /** The stream is gone, and an open request with it. */
  streamLost(nowMs: number): void {
    if (this.#state.type === "asked") this.wanted(nowMs);
  }
}
