/**
 * Who leads. A Lease object is a note on a door: who is inside writes the time on it every 2 s. Who
 * stands outside looks at the note; when it has not changed for 15 s by his own watch, he writes
 * his own name on it, and the version of the note sees to it that only one can. Who is inside and
 * could not write for 10 s leaves, 5 s before anybody else may come in.
 *
 * States:
 * - idle: before `start`.
 * - following: somebody else leads, or nobody. Left by a write of ours that succeeds (leading).
 * - leading: we do. Left when a renewal is too late or somebody else's name is found (ended).
 * - releasing: the last write, without our name. Left by its answer or after 3 s (ended).
 * - ended: final; the process is to exit. A new leader starts from a fresh view of the world.
 *
 * Times of the note itself are never compared with our clock: only when we saw it change counts.
 *
 * Source: k8s.io/client-go `tools/leaderelection`. Differences: a retry waits for at most 1.2
 * periods instead of 2.2, and never beyond the moment when the lease can be taken.
 */
import type { Random } from "../ports.ts";

/** Times of an election, ms. Relation: retryPeriod · 1.2 < renewDeadline < leaseDuration. */
export interface ElectionOptions {
  /** How long others wait after the note changed last, ms. @default 15,000 */
  readonly leaseDurationMs?: number;
  /** A leader that could not renew for this long leaves, ms. @default 10,000 */
  readonly renewDeadlineMs?: number;
  /** Between looks and between renewals, ms. @default 2,000 */
  readonly retryPeriodMs?: number;
}

/** The note: what of a Lease counts here. */
export interface LeaseNote {
  /** Name of the holder; "" = given back. */
  readonly holder: string;
  /** How long others wait, ms. */
  readonly durationMs: number;
  /** Changes with each write. */
  readonly resourceVersion: string;
}

/** Everything an elector may be told. */
export type ElectionInput =
  | { readonly type: "start" }
  /** Answers `look`; undefined = there is no note. */
  | { readonly type: "seen"; readonly note: LeaseNote | undefined }
  /** Answers `write`; what stands there now. */
  | { readonly type: "written"; readonly note: LeaseNote }
  /** Answers `look` or `write`. `conflict`: somebody else wrote in between. */
  | { readonly type: "failed"; readonly conflict: boolean }
  /** Time that our clock did not count, but those of others did: a leader holds for less. */
  | { readonly type: "slept"; readonly sleptMs: number }
  /** Gives the lease back. */
  | { readonly type: "release" };

/** Everything an elector asks for. One request at a time. */
export type ElectionEffect =
  | { readonly type: "look" }
  | {
      readonly type: "write";
      /** Version that must stand there; undefined = there must be no note. */
      readonly resourceVersion: string | undefined;
      /** `take` is a new holder, `renew` the same one, `release` none. */
      readonly purpose: "take" | "renew" | "release";
    }
  | { readonly type: "elected" }
  /** The lease is gone: nothing may be written any more. Once, after `elected`. */
  | { readonly type: "lost"; readonly why: "notRenewed" | "taken" | "released" }
  /** Somebody else leads now; "" = nobody. */
  | { readonly type: "leaderChanged"; readonly holder: string }
  /** The election is over. Once. */
  | { readonly type: "ended" };

type State =
  | { readonly type: "idle" | "ended" }
  | { readonly type: "following" }
  | { readonly type: "leading"; heldUntilMs: number }
  | { readonly type: "releasing"; readonly untilMs: number; sent: boolean };

const defaultTimes = { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2_000 };

/** Retries of many followers spread over this share of a period. */
const jitter = 0.2;

/** A release that is not answered by then is left: the lease runs out by itself. */
const releaseWithinMs = 3_000;

/** Decides who leads, for one of the candidates. */
export class LeaseElector {
  /** Our name. */
  readonly identity: string;
  /** Times with defaults filled in. */
  readonly times: Required<ElectionOptions>;
  readonly #random: Random;
  #state: State = { type: "idle" };
  #note: LeaseNote | undefined;
  /** Whom the outside was told of last; undefined = nobody yet. */
  #toldHolder: string | undefined;
  /** When the note was seen to change. */
  #changedAtMs = 0;
  /** What was asked and is not answered. */
  #asked: "look" | "write" | undefined;
  #askedAtMs = 0;
  #nextAskMs = Infinity;

  /** @throws {RangeError} for times that do not fit each other. */
  constructor(identity: string, options: ElectionOptions, random: Random) {
    const times = { ...defaultTimes, ...options };
    const { leaseDurationMs, renewDeadlineMs, retryPeriodMs } = times;
    if (
      identity === "" ||
      !(retryPeriodMs > 0) ||
      !(renewDeadlineMs > retryPeriodMs * (1 + jitter)) ||
      !(leaseDurationMs > renewDeadlineMs)
    ) {
      throw new RangeError(
        `leader election "${identity}": a name, and retryPeriodMs ${retryPeriodMs} · 1.2 < ` +
          `renewDeadlineMs ${renewDeadlineMs} < leaseDurationMs ${leaseDurationMs}`,
      );
    }
    this.identity = identity;
    this.times = times;
    this.#random = random;
  }

  /** Who leads, as seen last; "" = nobody. */
  get holder(): string {
    return this.#note?.holder ?? "";
  }

  /** Whether this candidate may write at this moment. Ask before each write. */
  isLeader(nowMs: number): boolean {
    return this.#state.type === "leading" && nowMs < this.#state.heldUntilMs;
  }

  /** Takes one input; an answer to nothing changes nothing. */
  handle(input: ElectionInput, nowMs: number): ElectionEffect[] {
    if (this.#state.type === "ended") return [];
    // Time first: an answer that comes too late must not make a leader of us.
    const late = this.advance(nowMs);
    if (this.#hasEnded()) return late;
    switch (input.type) {
      case "start":
        return this.#state.type === "idle" ? this.#start(nowMs) : late;
      case "seen":
        return this.#answers("look") ? [...late, ...this.#seen(input.note, nowMs)] : late;
      case "written":
        return this.#answers("write") ? [...late, ...this.#written(input.note, nowMs)] : late;
      case "failed":
        return [...late, ...this.#failed(input.conflict, nowMs)];
      case "slept":
        return [...late, ...this.#slept(input.sleptMs, nowMs)];
      case "release":
        return [...late, ...this.#release(nowMs)];
      default: {
        const unknown: never = input;
        throw new Error(`unreachable: ${JSON.stringify(unknown)}`);
      }
    }
  }

  /** @returns when it wants to be asked again, ms; Infinity = only when something comes. */
  nextDeadlineMs(): number {
    const askMs = this.#asked === undefined ? this.#nextAskMs : Infinity;
    if (this.#state.type === "leading") return Math.min(askMs, this.#state.heldUntilMs);
    if (this.#state.type === "releasing") return this.#state.untilMs;
    return this.#state.type === "following" ? askMs : Infinity;
  }

  /** Lets time pass. */
  advance(nowMs: number): ElectionEffect[] {
    if (nowMs < this.nextDeadlineMs()) return [];
    switch (this.#state.type) {
      case "leading":
        if (nowMs >= this.#state.heldUntilMs) return this.#end("notRenewed");
        return [this.#write("renew", nowMs)];
      case "releasing":
        return this.#end(undefined);
      case "following":
        return [this.#look(nowMs)];
      default:
        return [];
    }
  }

  #hasEnded(): boolean {
    return this.#state.type === "ended";
  }

  #start(nowMs: number): ElectionEffect[] {
    this.#state = { type: "following" };
    return [this.#look(nowMs)];
  }

  #answers(asked: "look" | "write"): boolean {
    if (this.#asked !== asked) return false;
    this.#asked = undefined;
    return true;
  }

  #seen(note: LeaseNote | undefined, nowMs: number): ElectionEffect[] {
    const effects = this.#remember(note, nowMs);
    if (this.#state.type === "leading") {
      // After a conflict: is the name on it still ours?
      if (note?.holder !== this.identity) return [...effects, ...this.#end("taken")];
      return [...effects, this.#write("renew", nowMs)];
    }
    if (this.#state.type === "releasing") return [...effects, ...this.#giveBack(nowMs)];
    if (this.#state.type !== "following") return effects;
    if (nowMs >= this.#freeAtMs()) return [...effects, this.#write("take", nowMs)];
    this.#nextAskMs = Math.min(this.#retryAtMs(nowMs), this.#freeAtMs());
    return effects;
  }

  #written(note: LeaseNote, nowMs: number): ElectionEffect[] {
    const effects = this.#remember(note, nowMs);
    if (this.#state.type === "releasing") return [...effects, ...this.#giveBack(nowMs)];
    // Counted from when the write was sent: the server may have taken it that early.
    const heldUntilMs = this.#askedAtMs + this.times.renewDeadlineMs;
    if (nowMs >= heldUntilMs) {
      // The answer came too late to rely on it. A follower looks again; a leader has ended above.
      this.#nextAskMs = nowMs;
      return effects;
    }
    this.#nextAskMs = this.#askedAtMs + this.times.retryPeriodMs;
    if (this.#state.type === "leading") {
      this.#state.heldUntilMs = heldUntilMs;
      return effects;
    }
    this.#state = { type: "leading", heldUntilMs };
    return [...effects, { type: "elected" }];
  }

  #failed(conflict: boolean, nowMs: number): ElectionEffect[] {
    const asked = this.#asked;
    if (asked === undefined) return [];
    this.#asked = undefined;
    if (this.#state.type === "releasing") return this.#end(undefined);
    if (conflict && asked === "write") return [this.#look(nowMs)];
    this.#nextAskMs = this.#retryAtMs(nowMs);
    return [];
  }

  /** A follower waits by its own clock: what it slept makes it wait longer, never shorter. */
  #slept(sleptMs: number, nowMs: number): ElectionEffect[] {
    // An answer that is on its way is older than it seems, too.
    this.#askedAtMs -= sleptMs;
    if (this.#state.type === "leading") this.#state.heldUntilMs -= sleptMs;
    return this.advance(nowMs);
  }

  #release(nowMs: number): ElectionEffect[] {
    if (this.#state.type === "releasing") return [];
    if (this.#state.type !== "leading") return this.#end(undefined);
    this.#state = { type: "releasing", untilMs: nowMs + releaseWithinMs, sent: false };
    const lost: ElectionEffect = { type: "lost", why: "released" };
    // A renewal that is on its way changes the version that has to stand there.
    return this.#asked === undefined ? [lost, ...this.#giveBack(nowMs)] : [lost];
  }

  /** Writes the note without our name, once; then it is over. */
  #giveBack(nowMs: number): ElectionEffect[] {
    if (this.#state.type !== "releasing") return [];
    const ours = this.#note?.holder === this.identity;
    if (this.#state.sent || !ours) return this.#end(undefined);
    this.#state.sent = true;
    return [this.#write("release", nowMs)];
  }

  #end(why: "notRenewed" | "taken" | undefined): ElectionEffect[] {
    this.#state = { type: "ended" };
    const ended: ElectionEffect = { type: "ended" };
    return why === undefined ? [ended] : [{ type: "lost", why }, ended];
  }

  /** Remembers the note and when it changed. */
  #remember(note: LeaseNote | undefined, nowMs: number): ElectionEffect[] {
    if (this.#note?.resourceVersion !== note?.resourceVersion) this.#changedAtMs = nowMs;
    this.#note = note;
    const holder = note?.holder ?? "";
    if (holder === this.#toldHolder) return [];
    this.#toldHolder = holder;
    return [{ type: "leaderChanged", holder }];
  }

  /** From when on the lease may be taken. */
  #freeAtMs(): number {
    const note = this.#note;
    // Our own name: an earlier start of this process wrote it, and it is gone.
    const free = note === undefined || note.holder === "" || note.holder === this.identity;
    if (free) return -Infinity;
    return this.#changedAtMs + note.durationMs;
  }

  #retryAtMs(nowMs: number): number {
    return nowMs + this.times.retryPeriodMs * (1 + jitter * this.#random.next());
  }

  #look(nowMs: number): ElectionEffect {
    this.#asked = "look";
    this.#askedAtMs = nowMs;
    return { type: "look" };
  }

  #write(purpose: "take" | "renew" | "release", nowMs: number): ElectionEffect {
    this.#asked = "write";
    this.#askedAtMs = nowMs;
    return { type: "write", resourceVersion: this.#note?.resourceVersion, purpose };
  }
}
