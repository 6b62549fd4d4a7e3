/**
 * Says whose a token is, with as few questions to the API server as possible: the answer is
 * remembered by the token's hash until the token ends; a refusal for a few seconds; several who ask
 * at once share one question; and no more than 50 questions are asked a second.
 */
import { createHash } from "node:crypto";
import { type Refusal, RefusalCode } from "../../proto/gen/spillway/control/v1/control_pb.ts";
import type { Clock } from "../../sidecar/core/ports.ts";
import type { Logger, Timers, WallClock } from "../../sidecar/runtime/index.ts";
import { tokenEndMs } from "../../sidecar/runtime/token-end.ts";
import { controlLimits } from "./control-limits.ts";
import type { ReviewResult } from "./metrics.ts";
import { type PodIdentity, podIdentityOf, tokenAudience } from "./pod-identity.ts";
import type { TokenReviews, TokenReviewStatus } from "./ports.ts";
import { RateBucket } from "../../sidecar/core/rate-bucket.ts";
import { RecentMap } from "./recent-map.ts";
import { refusal } from "./refusal.ts";

/** Whose a token is, or why that is not said. */
export type Reviewed =
  | {
      readonly ok: true;
      readonly identity: PodIdentity;
      /** Above 0. */
      readonly expiresInMs: number;
    }
  | { readonly ok: false; readonly refusal: Refusal };

/** What a reviewer works with. */
export interface TokenReviewerComponents {
  readonly reviews: TokenReviews;
  /** Monotonic. */
  readonly clock: Clock;
  /** A token's end is a wall-clock time. */
  readonly wallClock: WallClock;
  readonly timers: Timers;
  readonly log: Logger;
  /** A token was judged; `remembered`: without a question of its own. */
  readonly onReviewed: (result: ReviewResult) => void;
}

type Remembered =
  | { readonly ok: true; readonly identity: PodIdentity; readonly untilMs: number }
  | { readonly ok: false; readonly refusal: Refusal; readonly untilMs: number };

/** Reviews tokens. */
export class TokenReviewer {
  readonly #components: TokenReviewerComponents;
  readonly #turns = new RateBucket({
    perSecond: controlLimits.reviewsPerSecond,
    burst: controlLimits.reviewsPerSecond,
  });
  /** By SHA-256 of the token: no token is kept. Oldest use first. */
  readonly #known = new RecentMap<string, Remembered & { ok: true }>(controlLimits.maxKnownTokens);
  readonly #refused = new RecentMap<string, Remembered & { ok: false }>(
    controlLimits.maxRefusedTokens,
  );
  readonly #asking = new Map<string, Promise<Reviewed>>();

  constructor(components: TokenReviewerComponents) {
    this.#components = components;
  }

  /** Never rejects; waits at most 5 s for its turn, then for the API server. */
  async review(token: string): Promise<Reviewed> {
    const { onReviewed } = this.#components;
    if (token.length > controlLimits.maxTokenBytes) {
      const { length } = token;
      onReviewed("refused");
      return tokenRefused(`it has ${length.toString()} characters, allowed are 16384`);
    }
    const hash = createHash("sha256").update(token).digest("hex");
    const known = this.#remembered(hash) ?? this.#asking.get(hash);
    if (known !== undefined) {
      onReviewed("remembered");
      return known;
    }
    const asked = this.#ask(token, hash).finally(() => this.#asking.delete(hash));
    this.#asking.set(hash, asked);
    const reviewed = await asked;
    onReviewed(resultOf(reviewed));
    return reviewed;
  }

  /** Forgets the tokens of a pod: it was deleted, and its tokens with it. Cost: one walk. */
  forget(podUid: string): void {
    for (const [hash, { identity }] of this.#known) {
      if (identity.podUid === podUid) this.#known.delete(hash);
    }
  }

  #remembered(hash: string): Reviewed | undefined {
    const nowMs = this.#components.clock.nowMs();
    const refused = this.#refused.get(hash);
    if (refused !== undefined) {
      if (refused.untilMs > nowMs) return refused;
      this.#refused.delete(hash);
    }
    const known = this.#known.get(hash);
    // An ended token is asked about once more: the API server's word, not this clock's, refuses it.
    if (known === undefined || known.untilMs <= nowMs) return undefined;
    this.#known.set(hash, known);
    return { ok: true, identity: known.identity, expiresInMs: known.untilMs - nowMs };
  }

  async #ask(token: string, hash: string): Promise<Reviewed> {
    const { clock, reviews, timers } = this.#components;
    const turn = this.#turns.take(clock.nowMs(), controlLimits.maxReviewWaitMs);
    if (!turn.ok) return reviewLimit(turn.retryAfterMs);
    if (turn.waitMs > 0) {
      await new Promise<void>((resolve) => timers.after(turn.waitMs, resolve));
    }
    let status: TokenReviewStatus;
    try {
      status = await reviews.review(token, tokenAudience);
    } catch (error) {
      this.#components.log.warn({ err: error }, "the API server can't review tokens");
      return reviewUnavailable();
    }
    return this.#remember(token, hash, status);
  }

  #remember(token: string, hash: string, status: TokenReviewStatus): Reviewed {
    const { clock, wallClock } = this.#components;
    const nowMs = clock.nowMs();
    const read = podIdentityOf(status);
    if (!read.ok) {
      const answer = tokenRefused(read.reason);
      const untilMs = nowMs + controlLimits.refusedTokenMs;
      this.#refused.set(hash, { ...answer, untilMs });
      return answer;
    }
    const endMs = tokenEndMs(token);
    const expiresInMs =
      endMs === undefined
        ? controlLimits.tokenWithoutEndMs
        : // The API server has just accepted it: a second is left, whatever our clock says.
          Math.max(1_000, endMs - wallClock.nowEpochMs());
    const { identity } = read;
    const untilMs = nowMs + expiresInMs;
    this.#known.set(hash, { ok: true, identity, untilMs });
    return { ok: true, identity, expiresInMs };
  }
}

function resultOf(reviewed: Reviewed): ReviewResult {
  if (reviewed.ok) return "accepted";
  if (reviewed.refusal.code === RefusalCode.REVIEW_LIMIT) return "limited";
  return reviewed.refusal.code === RefusalCode.REVIEW_UNAVAILABLE ? "unavailable" : "refused";
}

function tokenRefused(reason: string): Reviewed & { ok: false } {
  const message =
    `The token is refused: ${reason}. Mount a projected ServiceAccount token with the audience ` +
    `${tokenAudience} and present the current one.`;
  return { ok: false, refusal: refusal(RefusalCode.TOKEN_REFUSED, message) };
}

function reviewLimit(retryAfterMs: number): Reviewed {
  const { maxReviewWaitMs, reviewsPerSecond } = controlLimits;
  const message =
    `Too many tokens wait for a review: ${reviewsPerSecond.toString()} a second, a wait of ` +
    `${maxReviewWaitMs.toString()} ms at most. Try again later.`;
  return { ok: false, refusal: refusal(RefusalCode.REVIEW_LIMIT, message, { retryAfterMs }) };
}

function reviewUnavailable(): Reviewed {
  const message = "The API server can't review tokens now. Try again later.";
  const details = { retryAfterMs: 1_000 };
  return { ok: false, refusal: refusal(RefusalCode.REVIEW_UNAVAILABLE, message, details) };
}
