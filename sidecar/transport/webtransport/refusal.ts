import type { Logger } from "../../runtime/logger.ts";

/**
 * Why a connection was refused or ended by this side before or below the session's own handshake.
 * A refused dialler often sees only a close, so the accepting side counts and logs each.
 */
export const refusalCodes = [
  /** The peer showed no certificate. */
  "CERTIFICATE_MISSING",
  /** The certificate is not of our authority, or not good now. */
  "CERTIFICATE_REFUSED",
  /** The certificate names no node, or one of another cluster or namespace. */
  "IDENTITY_MISMATCH",
  /** The bytes were no TLS 1.3 handshake, or it was broken off. */
  "TLS_FAILED",
  /** The peer spoke something else than HTTP/2 with a CONNECT for our path. */
  "REQUEST_REFUSED",
  /** The opening took longer than its bound. */
  "OPEN_TIMEOUT",
  /** More connections at a time than the bound. */
  "LIMIT_EXCEEDED",
  /** Bytes that no peer of this version sends. */
  "MALFORMED",
] as const;

/** One of the closed list. */
export type RefusalCode = (typeof refusalCodes)[number];

/** One refusal. */
export interface Refusal {
  readonly code: RefusalCode;
  /** One sentence for a person. */
  readonly reason: string;
  /** Address and port of the peer. */
  readonly address: string;
}

/** Counts refusals and logs each, at most `logPerMinute` lines a minute. */
export class Refusals {
  readonly #logger: Logger;
  readonly #onRefusal: ((refusal: Refusal) => void) | undefined;
  readonly #counts = new Map<RefusalCode, number>(refusalCodes.map((code) => [code, 0]));
  #minute = 0;
  #logged = 0;

  /** @param onRefusal told of each, for metrics. */
  constructor(logger: Logger, onRefusal?: (refusal: Refusal) => void) {
    this.#logger = logger;
    this.#onRefusal = onRefusal;
  }

  /** @returns how often each code was refused since the begin. */
  counts(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }

  /** Counts and logs one. */
  add(refusal: Refusal): void {
    this.#counts.set(refusal.code, (this.#counts.get(refusal.code) ?? 0) + 1);
    this.#onRefusal?.(refusal);
    if (!this.#mayLog()) return;
    this.#logger.warn({ ...refusal }, "a peer connection was refused");
  }

  /** A peer that fails on and on must not fill the disk; the counters stay exact. */
  #mayLog(): boolean {
    const minute = Math.floor(performance.now() / 60_000);
    if (minute !== this.#minute) {
      this.#minute = minute;
      this.#logged = 0;
    }
    this.#logged += 1;
    return this.#logged <= maxLogLinesPerMinute;
  }
}

const maxLogLinesPerMinute = 60;
