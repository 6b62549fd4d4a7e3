/**
 * Where and when the stream is opened next. Picture a caller whose shop moves: told the new
 * address it goes there at once, a few times in a row at most; told only that it moves, it asks
 * around in short steps for a while; when nobody opens it waits longer each time, and after a crash
 * of the shop not all callers come in the same second.
 * Full jitter: AWS Architecture Blog, Exponential Backoff And Jitter.
 */
import { type Refusal, RefusalCode } from "../../../proto/gen/spillway/control/v1/control_pb.ts";
import type { Random } from "../ports.ts";
import { controlLimits } from "./control-limits.ts";
import { durationMs } from "./duration.ts";

/** The next opening. */
export interface NextOpening {
  /** Wait before it, ms. */
  readonly delayMs: number;
  /** "HOST:PORT" of a leader; undefined: the address of the configuration. */
  readonly address: string | undefined;
}

/** Decides about openings. */
export class Reconnect {
  readonly #random: Random;
  #failures = 0;
  #hops = 0;
  /** What is left for looking around in short steps, ms. */
  #handOverMs = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** A stream was open. @param heldMs for how long. */
  held(heldMs: number): void {
    this.#hops = 0;
    this.#handOverMs = 0;
    if (heldMs >= controlLimits.steadyAfterMs) this.#failures = 0;
  }

  /**
   * The stream ended or did not open.
   * @param wasOpen it had been welcomed.
   * @param refusal what the operator said, if anything.
   */
  next(wasOpen: boolean, refusal: Refusal | undefined): NextOpening {
    const leader = this.#leaderOf(refusal);
    if (leader !== undefined) {
      this.#hops += 1;
      return { delayMs: 0, address: leader };
    }
    this.#hops = 0;
    const stepMs = this.#handOverStepMs(refusal);
    if (stepMs !== undefined) return { delayMs: stepMs, address: undefined };
    this.#failures += 1;
    const leastMs = durationMs(refusal?.retryAfter) ?? 0;
    return { delayMs: leastMs + this.#jitterMs(wasOpen, refusal), address: undefined };
  }

  /**
   * The operator ended in order and asked for no delay: the next one leads within seconds, while
   * those that are asked know no leader, or still name the one that is gone.
   * @returns undefined when this is no such time.
   */
  #handOverStepMs(refusal: Refusal | undefined): number | undefined {
    const { handOverMs, handOverStepMs } = controlLimits;
    const leastMs = durationMs(refusal?.retryAfter);
    if (refusal?.code === RefusalCode.STOPPING) {
      this.#handOverMs = leastMs === undefined ? handOverMs : 0;
      return leastMs === undefined ? this.#random.next() * handOverStepMs : undefined;
    }
    const goesOn = refusal === undefined || refusal.code === RefusalCode.NOT_LEADER;
    if (!goesOn || this.#handOverMs <= 0) return undefined;
    const stepMs = (leastMs ?? handOverStepMs / 2) + (this.#random.next() * handOverStepMs) / 2;
    this.#handOverMs -= stepMs;
    return stepMs;
  }

  #leaderOf(refusal: Refusal | undefined): string | undefined {
    const address = refusal?.leaderAddress ?? "";
    const isHop = refusal?.code === RefusalCode.NOT_LEADER && address !== "";
    return isHop && this.#hops < controlLimits.leaderHops ? address : undefined;
  }

  #jitterMs(wasOpen: boolean, refusal: Refusal | undefined): number {
    const { backoffInitialMs, backoffMaxMs, reconnectJitterMs } = controlLimits;
    const backoffMs = Math.min(backoffMaxMs, backoffInitialMs * 2 ** Math.min(this.#failures, 20));
    const spread = wasOpen || refusal?.retryAfter !== undefined;
    const boundMs = spread ? Math.max(backoffMs, reconnectJitterMs) : backoffMs;
    // Two sidecars that take one pod's place from each other would do so as fast as they can.
    const replaced = refusal?.code === RefusalCode.REPLACED ? reconnectJitterMs : 0;
    return replaced + this.#random.next() * boundMs;
  }
}
