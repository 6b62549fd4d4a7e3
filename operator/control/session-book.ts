import type { Refusal } from "../../proto/gen/spillway/control/v1/control_pb.ts";
import type { HubEffect, StreamId } from "./hub-messages.ts";
import { tooSlow } from "./message-refusals.ts";
import type { Answer, Session } from "./session.ts";

/**
 * The sessions that are open, at most one for a pod, and what is to be done with them: the effects
 * of the input at hand.
 */
export class SessionBook {
  readonly #sessions = new Map<StreamId, Session>();
  readonly #ofPod = new Map<string, Session>();
  readonly #onGone: (session: Session, nowMs: number) => void;
  /** Lower bound of all sessions' deadlines: exact after `due`, early at most. */
  #nextDeadlineMs = Infinity;
  #effects: HubEffect[] = [];

  /** @param onGone called once for each session, when it is not listed any more. */
  constructor(onGone: (session: Session, nowMs: number) => void) {
    this.#onGone = onGone;
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** @returns undefined for a stream that is over: what comes of it is late. */
  get(stream: StreamId): Session | undefined {
    return this.#sessions.get(stream);
  }

  /** @returns undefined when the pod's sidecar is not attached. */
  ofPod(podUid: string): Session | undefined {
    return this.#ofPod.get(podUid);
  }

  /** All of them, also while some end. */
  all(): readonly Session[] {
    return [...this.#sessions.values()];
  }

  /** The pod must have none: end it first. */
  add(session: Session): void {
    this.#sessions.set(session.stream, session);
    this.#ofPod.set(session.identity.podUid, session);
    this.bound(session);
  }

  /** There is something to take. */
  wake(session: Session): void {
    this.push({ type: "wake", stream: session.stream });
  }

  /** Gives a session an answer, or ends it when it does not read. */
  answer(session: Session, answer: Answer, nowMs: number): void {
    if (session.push(answer)) this.wake(session);
    else this.end(session, tooSlow(), nowMs);
  }

  /** Ends a session with a refusal; extra calls are harmless. */
  end(session: Session | undefined, refusal: Refusal, nowMs: number): void {
    if (session === undefined || !this.#sessions.has(session.stream)) return;
    this.push({ type: "end", stream: session.stream, refusal });
    this.forget(session, nowMs);
  }

  /** The stream is over; extra calls are harmless. */
  forget(session: Session | undefined, nowMs: number): void {
    if (session === undefined || !this.#sessions.delete(session.stream)) return;
    this.#ofPod.delete(session.identity.podUid);
    this.#onGone(session, nowMs);
  }

  /** Something else is to be done. */
  push(effect: HubEffect): void {
    this.#effects.push(effect);
  }

  /** What is to be done since the last call. */
  takeEffects(): HubEffect[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  /** To be called when a deadline of the session may have come nearer. */
  bound(session: Session): void {
    this.#nextDeadlineMs = Math.min(this.#nextDeadlineMs, session.nextDeadlineMs());
  }

  /** When a session may be due; Infinity when none is open. */
  nextDeadlineMs(): number {
    return this.#nextDeadlineMs;
  }

  /** The sessions that are due. Cost: a walk over all when one may be. */
  due(nowMs: number): readonly Session[] {
    if (nowMs < this.#nextDeadlineMs) return [];
    this.#nextDeadlineMs = Infinity;
    const due: Session[] = [];
    for (const session of this.#sessions.values()) {
      if (session.nextDeadlineMs() <= nowMs) due.push(session);
      else this.bound(session);
    }
    return due;
  }
}
