/**
 * One side's windows in bytes, in Numbers: what may still be sent, and what was received and not
 * yet consumed. One pair for the session and one for each lane (RFC 9000 §4.1, as the package does
 * it in BigInts). Offsets count from the begin and never wrap: 2^53 bytes are 285 years at 1 MB/s.
 */
export class FlowWindow {
  /** Receive window: the peer may be this far ahead of what was consumed. */
  readonly #sizeBytes: number;
  #sendLimit: number;
  #sent = 0;
  #received = 0;
  #consumed = 0;
  #receiveLimit: number;

  /**
   * @param sendLimitBytes what the peer allowed at the begin.
   * @param receiveBytes what we allowed at the begin, and keep allowing.
   */
  constructor(sendLimitBytes: number, receiveBytes: number) {
    this.#sendLimit = sendLimitBytes;
    this.#sizeBytes = receiveBytes;
    this.#receiveLimit = receiveBytes;
  }

  /** Bytes that may be sent now. */
  get sendableBytes(): number {
    return this.#sendLimit - this.#sent;
  }

  /** Counts bytes that are sent; never more than `sendableBytes`. */
  addSent(bytes: number): void {
    this.#sent += bytes;
  }

  /** @returns whether the peer's new limit allows more than before; smaller ones are ignored. */
  raiseSendLimit(limitBytes: number): boolean {
    if (limitBytes <= this.#sendLimit) return false;
    this.#sendLimit = limitBytes;
    return true;
  }

  /** Counts bytes that came. @returns false when the peer sent more than it was allowed. */
  addReceived(bytes: number): boolean {
    this.#received += bytes;
    return this.#received <= this.#receiveLimit;
  }

  /**
   * Counts bytes that were read.
   * @returns the new limit to tell the peer, once half of the window is used; else undefined.
   */
  addConsumed(bytes: number): number | undefined {
    this.#consumed += bytes;
    if (this.#receiveLimit - this.#consumed >= this.#sizeBytes / 2) return undefined;
    this.#receiveLimit = this.#consumed + this.#sizeBytes;
    return this.#receiveLimit;
  }
}
