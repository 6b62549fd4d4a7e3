/**
 * Is the peer alive, and how far away is it? A ping goes out every heartbeat; any frame of the peer
 * shows that it lives; silence for three heartbeats ends the session. Pings have numbers, so that
 * only the answer to a ping of ours counts as a round trip.
 */

/** Times of a session. */
export interface SessionTiming {
  /** From the connection to the end of the opening. @default 5,000 */
  readonly openTimeoutMs: number;
  /** Between pings. @default 1,000 */
  readonly heartbeatMs: number;
  /** Silence after which the peer is dead. Three heartbeats: one lost one is no reason. */
  readonly deadAfterMs: number;
  /** A timer that is this late shows that this process stood still, not the peer. @default 500 */
  readonly stallMs: number;
  /** What a GOODBYE gets to arrive before the connection is cut. @default 500 */
  readonly lingerMs: number;
}

/** The times of every node. */
export const sessionTiming: SessionTiming = {
  openTimeoutMs: 5_000,
  heartbeatMs: 1_000,
  deadAfterMs: 3_000,
  stallMs: 500,
  lingerMs: 500,
};

/** Weight of a new round trip, as TCP has it (RFC 6298, section 2). */
const rttWeight = 1 / 8;
/** Pings that may be under way: with one a second, none is waited for longer than 8 s. */
const pingsKept = 8;

/** Silence and round trip of one open session. */
export class Liveness {
  readonly #timing: SessionTiming;
  readonly #sentAtMs: (number | undefined)[] = [];
  #lastHeardMs: number;
  #nextPingMs: number;
  #graceUntilMs = 0;
  #pingNumber = 0;
  #rttMs: number | undefined;

  constructor(timing: SessionTiming, nowMs: number) {
    this.#timing = timing;
    this.#lastHeardMs = nowMs;
    this.#nextPingMs = nowMs;
  }

  /** Round trip, EWMA, ms; undefined before the first answer. */
  get rttMs(): number | undefined {
    return this.#rttMs;
  }

  /** A whole frame came. */
  heard(nowMs: number): void {
    this.#lastHeardMs = nowMs;
  }

  /** When `dead` or `duePing` may change. */
  nextDeadlineMs(): number {
    return Math.min(this.#nextPingMs, this.#deadAtMs());
  }

  /** @returns true when the peer has been silent for too long. */
  dead(nowMs: number): boolean {
    // What the peer sent may still lie unread when this process was stopped: give it a heartbeat.
    const stalled = nowMs - this.nextDeadlineMs() > this.#timing.stallMs;
    if (stalled) this.#graceUntilMs = nowMs + this.#timing.heartbeatMs;
    return nowMs >= this.#deadAtMs();
  }

  /** @returns the number of the ping that is due; undefined when none is. */
  duePing(nowMs: number): number | undefined {
    if (nowMs < this.#nextPingMs) return undefined;
    this.#nextPingMs = nowMs + this.#timing.heartbeatMs;
    this.#pingNumber = (this.#pingNumber + 1) % 2 ** 32;
    this.#sentAtMs[this.#pingNumber % pingsKept] = nowMs;
    return this.#pingNumber;
  }

  /** An answer; one to a ping that was never sent, or was answered, changes nothing. */
  answered(pingNumber: number, nowMs: number): void {
    const age = (this.#pingNumber - pingNumber + 2 ** 32) % 2 ** 32;
    const slot = pingNumber % pingsKept;
    const sentAtMs = this.#sentAtMs[slot];
    if (age >= pingsKept || sentAtMs === undefined) return;
    this.#sentAtMs[slot] = undefined;
    const sampleMs = Math.max(0, nowMs - sentAtMs);
    const before = this.#rttMs ?? sampleMs;
    this.#rttMs = before + rttWeight * (sampleMs - before);
  }

  #deadAtMs(): number {
    return Math.max(this.#lastHeardMs + this.#timing.deadAfterMs, this.#graceUntilMs);
  }
}
