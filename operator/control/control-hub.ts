/**
 * The operator's side of every control stream, without IO: which stream is whose, what each is to
 * be told next, what each said. Like a telephone exchange that writes nothing down for a caller who
 * does not listen: a message is made when the line can take it (`take`), from what is wanted at
 * that moment, so that a slow sidecar gets one large change instead of many and costs no memory.
 *
 * Invariant: a session is told and heard only of the resources of its own pod's assignment.
 */
import type { Refusal } from "../../proto/gen/spillway/control/v1/control_pb.ts";
import { CertificateDesk } from "./certificate-desk.ts";
import { checkHello } from "./check-message.ts";
import { controlLimits } from "./control-limits.ts";
import { type GenerationLag, generationLag } from "./generation-lag.ts";
import type { HubEffect, HubInput, StreamId } from "./hub-messages.ts";
import { type HubOptions, type ResolvedHubOptions, resolveHubOptions } from "./hub-options.ts";
import { notLeader, stopping } from "./lead-refusals.ts";
import { invalid } from "./message-refusals.ts";
import {
  otherPod,
  podDeleted,
  podUnknown,
  replaced,
  silent,
  tokenExpired,
  tooManyStreams,
} from "./stream-refusals.ts";
import { PeerDirectory } from "./peer-directory.ts";
import type { NamespaceTrust, PodAssignment } from "./pod-assignment.ts";
import { isIdentityOf } from "./pod-identity.ts";
import { PodRecord } from "./pod-record.ts";
import { QuiesceDesk } from "./quiesce-desk.ts";
import { nextAnswer, welcome } from "./session-answer.ts";
import { SessionBook } from "./session-book.ts";
import { SessionIntake } from "./session-intake.ts";
import { type Answer, Session } from "./session.ts";
import type { SidecarState } from "./sidecar-state.ts";

type Input<T extends HubInput["type"]> = Extract<HubInput, { type: T }>;

/** Who leads; `following` before anything is known. */
type Lead =
  | { readonly type: "leading" }
  | { readonly type: "following"; readonly leaderAddress: string | undefined }
  | { readonly type: "stopping" };

/** The exchange. */
export class ControlHub {
  readonly #options: ResolvedHubOptions;
  readonly #pods = new Map<string, PodRecord>();
  readonly #book: SessionBook;
  readonly #desk: CertificateDesk;
  readonly #intake: SessionIntake;
  readonly #orders: QuiesceDesk;
  readonly #directory = new PeerDirectory();
  /** Of the namespaces that have pods. */
  readonly #trust = new Map<string, NamespaceTrust>();
  #lead: Lead = { type: "following", leaderAddress: undefined };
  /** When changed peers are told; Infinity: none changed. */
  #refreshAtMs = Infinity;
  /** When sidecars that hold unknown peers are told of peers; Infinity: they are. */
  #settledAtMs = Infinity;

  /** @throws {ControlError} `OPTION_INVALID`. */
  constructor(options: HubOptions) {
    this.#options = resolveHubOptions(options);
    this.#book = new SessionBook((session, nowMs) => {
      this.#gone(session, nowMs);
    });
    this.#desk = new CertificateDesk(this.#book);
    this.#orders = new QuiesceDesk(this.#book, this.#options.firstSequence);
    this.#intake = new SessionIntake({
      book: this.#book,
      desk: this.#desk,
      recordOf: (podUid) => this.#pods.get(podUid),
      onSaid: (record, nowMs) => {
        this.#said(record, nowMs);
      },
    });
  }

  /** Streams that are attached. */
  get streamCount(): number {
    return this.#book.size;
  }

  /** What is known of a pod's sidecar; undefined for a pod that was not assigned. */
  sidecar(podUid: string): SidecarState | undefined {
    return this.#pods.get(podUid)?.state;
  }

  /** What is known of every assigned pod's sidecar. */
  *sidecars(): Generator<SidecarState> {
    for (const { state } of this.#pods.values()) yield state;
  }

  /** How far attached sidecars are behind. Cost: one walk over everything that pods are told. */
  lag(): GenerationLag {
    return generationLag(this.#pods.values());
  }

  /** Why a stream would be refused now, whoever it is; undefined when it would not. */
  refusesAll(): Refusal | undefined {
    if (this.#lead.type === "stopping") return stopping(this.#book.size);
    return this.#lead.type === "following" ? notLeader(this.#lead.leaderAddress) : undefined;
  }

  /** Takes one input. */
  handle(input: HubInput, nowMs: number): HubEffect[] {
    this.#dispatch(input, nowMs);
    return this.#book.takeEffects();
  }

  /**
   * The next message of a stream, counted as sent. To be called when the stream can take one, until
   * there is none.
   */
  take(stream: StreamId, nowMs: number): Answer | undefined {
    const session = this.#book.get(stream);
    if (session === undefined) return undefined;
    const { podUid } = session.identity;
    return nextAnswer(session, {
      record: this.#pods.get(podUid),
      peers: this.#directory.peersOf(podUid),
      isSettled: this.#settledAtMs === Infinity,
      nowMs,
    });
  }

  /** When time alone may change something; Infinity when it can't. */
  nextDeadlineMs(): number {
    return Math.min(
      this.#refreshAtMs,
      this.#settledAtMs,
      this.#orders.nextDeadlineMs(),
      this.#book.nextDeadlineMs(),
    );
  }

  /**
   * Lets time pass; extra calls are harmless. Cost: a walk over the sessions when one may be due.
   */
  advance(nowMs: number): HubEffect[] {
    if (this.#refreshAtMs <= nowMs) this.#refreshPeers();
    if (this.#settledAtMs <= nowMs) {
      this.#settledAtMs = Infinity;
      for (const session of this.#book.all()) this.#book.wake(session);
    }
    this.#orders.expire(nowMs);
    for (const session of this.#book.due(nowMs)) this.#due(session, nowMs);
    return this.#book.takeEffects();
  }

  #dispatch(input: HubInput, nowMs: number): void {
    switch (input.type) {
      case "attached":
        return this.#attached(input, nowMs);
      case "message":
        return this.#intake.take(input.stream, input.request, nowMs);
      case "detached":
        return this.#book.forget(this.#book.get(input.stream), nowMs);
      case "authenticated":
        return this.#intake.authenticated(input, nowMs);
      case "notAuthenticated":
        return this.#intake.notAuthenticated(input, nowMs);
      case "issued":
        return this.#desk.issued(input, nowMs);
      case "assigned":
        return this.#assigned(input.assignment, nowMs);
      case "released":
        return this.#released(input.podUid, nowMs);
      case "quiesce":
        return this.#orders.order(this.#pods.get(input.podUid), input, nowMs);
      case "trustChanged":
        return this.#trustChanged();
      case "signerChanged":
        return this.#desk.wantAll(nowMs);
      default:
        return this.#leadChanged(input, nowMs);
    }
  }

  #attached(input: Input<"attached">, nowMs: number): void {
    const { stream, identity, hello, expiresInMs } = input;
    const refused = this.#refuses(input);
    if (refused !== undefined) {
      this.#book.push({ type: "end", stream, refusal: refused });
      return;
    }
    this.#book.end(this.#book.ofPod(identity.podUid), replaced(), nowMs);
    const silentMs = this.#silentMs();
    const session = new Session({ stream, identity, hello, nowMs, expiresInMs, silentMs });
    session.push(welcome(session, this.#options, expiresInMs));
    const record = this.#pods.get(identity.podUid);
    if (record !== undefined) this.#known(session, record, nowMs);
    this.#book.add(session);
    this.#book.wake(session);
  }

  #refuses({ identity, hello }: Input<"attached">): Refusal | undefined {
    const refusesAll = this.refusesAll();
    if (refusesAll !== undefined) return refusesAll;
    const problem = checkHello(hello);
    if (problem !== undefined) return invalid("hello", problem);
    const pod = this.#pods.get(identity.podUid)?.assignment.pod;
    if (pod !== undefined && !isIdentityOf(identity, pod)) return otherPod();
    const { maxStreams } = this.#options;
    const isNew = this.#book.ofPod(identity.podUid) === undefined;
    return isNew && this.#book.size >= maxStreams ? tooManyStreams(maxStreams) : undefined;
  }

  /** The pod of a session is known: since before, or now. What it said until now counts. */
  #known(session: Session, record: PodRecord, nowMs: number): void {
    session.assignmentDueAtMs = Infinity;
    record.attached(session, nowMs);
    record.listen(session);
    this.#said(record, nowMs);
    this.#desk.issue(session, record, nowMs);
  }

  #assigned(assignment: PodAssignment, nowMs: number): void {
    const { pod, capabilities } = assignment;
    const trust = this.#trustOf(pod.namespace);
    const known = this.#pods.get(pod.uid);
    const rolesBefore = known?.assignment.pod.roles;
    const record = known ?? new PodRecord(assignment, trust, nowMs);
    known?.assign(assignment, trust);
    this.#pods.set(pod.uid, record);
    this.#directory.setRoutes(pod.uid, new Set(capabilities.map(({ route }) => route)));
    this.#hostChanged(record, nowMs);
    const session = this.#book.ofPod(pod.uid);
    if (session === undefined) return;
    if (!isIdentityOf(session.identity, pod)) return this.#book.end(session, otherPod(), nowMs);
    if (known === undefined) this.#known(session, record, nowMs);
    else record.listen(session);
    if (rolesBefore !== undefined && rolesBefore.join(" ") !== pod.roles.join(" ")) {
      this.#desk.want(session, nowMs);
    }
    this.#book.wake(session);
  }

  #released(podUid: string, nowMs: number): void {
    this.#orders.forget(this.#pods.get(podUid));
    this.#pods.delete(podUid);
    this.#directory.delete(podUid);
    this.#peersChanged(nowMs);
    this.#book.end(this.#book.ofPod(podUid), podDeleted(), nowMs);
  }

  #trustChanged(): void {
    this.#trust.clear();
    for (const record of this.#pods.values()) {
      const { uid, namespace } = record.assignment.pod;
      const session = this.#book.ofPod(uid);
      const changed = record.trust(this.#trustOf(namespace));
      if (changed && session !== undefined) this.#book.wake(session);
    }
  }

  #trustOf(namespace: string): NamespaceTrust {
    const trust = this.#trust.get(namespace) ?? this.#options.trustOf(namespace);
    this.#trust.set(namespace, trust);
    return trust;
  }

  #leadChanged(input: Input<"leading" | "following" | "stopping">, nowMs: number): void {
    const wasLeading = this.#lead.type === "leading";
    this.#lead = input;
    const refused = this.refusesAll();
    if (refused === undefined) {
      if (!wasLeading) this.#settledAtMs = nowMs + this.#options.settlePeersMs;
      return;
    }
    for (const session of this.#book.all()) this.#book.end(session, refused, nowMs);
  }

  #due(session: Session, nowMs: number): void {
    if (session.tokenEndsAtMs <= nowMs) this.#book.end(session, tokenExpired(), nowMs);
    else if (session.silentAtMs <= nowMs) {
      this.#book.end(session, silent(this.#silentMs()), nowMs);
    } else if (session.assignmentDueAtMs <= nowMs) this.#book.end(session, podUnknown(), nowMs);
    else {
      this.#desk.want(session, nowMs);
      this.#book.bound(session);
    }
  }

  #gone({ identity }: Session, nowMs: number): void {
    const record = this.#pods.get(identity.podUid);
    if (record === undefined) return;
    record.detached(nowMs);
    this.#book.push({ type: "changed", podUid: identity.podUid });
  }

  #said(record: PodRecord, nowMs: number): void {
    this.#hostChanged(record, nowMs);
    this.#book.push({ type: "changed", podUid: record.assignment.pod.uid });
  }

  #hostChanged({ assignment, endpoint, state }: PodRecord, nowMs: number): void {
    const { pod } = assignment;
    // What is kept has a queue only where its sidecar says so.
    const demands = assignment.demands.filter(
      ({ uid, descriptorSet }) => descriptorSet !== undefined || state.acknowledged?.has(uid),
    );
    const isHost = endpoint !== undefined && demands.length > 0;
    const host = isHost ? { nodeId: pod.uid, ...endpoint, demands } : undefined;
    this.#directory.setHost(pod.uid, host);
    this.#peersChanged(nowMs);
  }

  #peersChanged(nowMs: number): void {
    if (!this.#directory.isStale || this.#refreshAtMs !== Infinity) return;
    this.#refreshAtMs = nowMs + controlLimits.gatherPeersMs;
  }

  #refreshPeers(): void {
    this.#refreshAtMs = Infinity;
    for (const podUid of this.#directory.refresh()) {
      const session = this.#book.ofPod(podUid);
      if (session !== undefined) this.#book.wake(session);
    }
  }

  #silentMs(): number {
    return controlLimits.silentIntervals * this.#options.reportIntervalMs;
  }
}
