/**
 * A simulated network of sessions between nodes. A session delivers in order each way, with random
 * delays; sessions are independent of each other. It breaks as a whole: what is in flight is lost,
 * and each end notices in its own time, so that a new session can be open while one end still
 * believes in the old one.
 */
import type { SeededRandom } from "../support/seeded-random.ts";
import type { World } from "./world.ts";

/** One end of a session. */
export interface SessionEnd {
  /** A message arrived on a channel. */
  onMessage(channel: number, bytes: Uint8Array): void;
  /** The other end closed a channel. */
  onChannelClosed(channel: number): void;
  /** The session is over. */
  onDown(): void;
}

/** How bad the network is. */
export interface NetworkWeather {
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
  /** An end that is not told of a break notices it by its heartbeat after at most this. */
  readonly maxNoticeMs: number;
}

/** A session as one of its ends uses it. */
export class SimSession {
  readonly #world: World;
  readonly #random: SeededRandom;
  readonly #weather: () => NetworkWeather;
  readonly #ends: { readonly dialler: SessionEnd; readonly acceptor: SessionEnd };
  #alive = true;
  #lastArrivalMs = { dialler: 0, acceptor: 0 };

  constructor(
    ends: { readonly dialler: SessionEnd; readonly acceptor: SessionEnd },
    components: {
      readonly world: World;
      readonly random: SeededRandom;
      readonly weather: () => NetworkWeather;
    },
  ) {
    this.#ends = ends;
    this.#world = components.world;
    this.#random = components.random;
    this.#weather = components.weather;
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** Sends on a channel towards one end. */
  send(to: "dialler" | "acceptor", channel: number, bytes: Uint8Array): void {
    this.#deliver(to, () => {
      this.#ends[to].onMessage(channel, bytes);
    });
  }

  closeChannel(to: "dialler" | "acceptor", channel: number): void {
    this.#deliver(to, () => {
      this.#ends[to].onChannelClosed(channel);
    });
  }

  /** The connection is gone; each end notices at once or by its heartbeat. */
  break(): void {
    if (!this.#alive) return;
    this.#alive = false;
    for (const end of ["dialler", "acceptor"] as const) {
      const { maxNoticeMs } = this.#weather();
      const noticeMs = this.#random.chance(0.5) ? 1 : this.#random.integer(1, maxNoticeMs);
      this.#world.after(noticeMs, () => {
        this.#ends[end].onDown();
      });
    }
  }

  #deliver(to: "dialler" | "acceptor", run: () => void): void {
    const { minDelayMs, maxDelayMs } = this.#weather();
    const delayMs = minDelayMs + this.#random.next() * (maxDelayMs - minDelayMs);
    const atMs = Math.max(this.#world.nowMs + delayMs, this.#lastArrivalMs[to]);
    this.#lastArrivalMs[to] = atMs;
    this.#world.at(atMs, () => {
      if (this.#alive) run();
    });
  }
}
