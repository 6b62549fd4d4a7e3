/**
 * The operator's side of every control stream, without IO: which stream is whose, what each is to be
 * told next, what each said. Like a telephone exchange that writes nothing down for a caller who does
 * not listen: a message is made when the line can take it (`take`), from what is wanted at that
 * moment, so that a slow sidecar gets one large change instead of many and costs no memory.
 *
 * Invariant: a session is told and heard only of the resources of its own pod's assignment.
 */
import { create } from "@bufbuild/protobuf";
import {
  type AttachRequest,
  CertificateWantedSchema,
  type Refusal,
  type QuiesceConfirmation,
} from "../../proto/gen/spillway/control/v1/control_pb.ts";
import {
  checkAcknowledgement,
  checkHello,
  checkQuiesceConfirmation,
  checkReport,
} from "./check-message.ts";
import { controlLimits } from "./control-limits.ts";
import type { HubEffect, HubInput, StreamId } from "./hub-messages.ts";
import {
  certificatePending,
  invalid,
  notLeader,
  notSelected,
  otherPod,
  podDeleted,
  podUnknown,
  replaced,
  silent,
  stopping,
  tokenExpired,
  tooManyCertificates,
  tooManyMessages,
  tooManyStreams,
  tooSlow,
} from "./hub-refusals.ts";
import { type HubOptions, type ResolvedHubOptions, resolveHubOptions } from "./hub-options.ts";
import type { PodAssignment } from "./pod-assignment.ts";
import type { PodIdentity } from "./pod-identity.ts";
import { PeerDirectory } from "./peer-directory.ts";
import { PodRecord } from "./pod-record.ts";
import { type Answer, Session } from "./session.ts";
import { nextAnswer, welcome } from "./session-answer.ts";
import type { SidecarState } from "./sidecar-state.ts";

type Input<T extends HubInput["type"]> = Extract<HubInput, { type: T }>;

/** Who leads. */
type Lead =
  | { readonly type: "leading"; readonly sinceMs: number }
  | { readonly type: "following"; readonly leaderAddress: string | undefined }
  | { readonly type: "stopping" };

/** The exchange. */
export class ControlHub {
  readonly #options: ResolvedHubOptions;
  readonly #sessions = new Map<StreamId, Session>();
  readonly #sessionOfPod = new Map<string, Session>();
  readonly #pods = new Map<string, PodRecord>();
  readonly #directory = new PeerDirectory();
  #lead: Lead = { type: "following", leaderAddress: undefined };
  #quiesceSequence: bigint;
  /** When changed peers are told; Infinity: none changed. */
  #refreshAtMs = Infinity;
  /** When sidecars that hold unknown peers are told of peers; Infinity: they are. */
  #settledAtMs = Infinity;
  /** Lower bound of all sessions' deadlines: exact after `advance`, early at most. */
  #nextSessionMs = Infinity;
  #effects: HubEffect[] = [];

  constructor(options: HubOptions) {
    this.#options = resolveHubOptions(options);
    this.#quiesceSequence = this.#options.firstSequence;
  }

  /** Streams that are attached. */
  get streamCount(): number {
    return this.#sessions.size;
  }

  /** What is known of a pod's sidecar; undefined for a pod that was not assigned. */
  sidecar(podUid: string): SidecarState | undefined {
    return this.#pods.get(podUid)?.state;
  }

  /** What is known of every assigned pod's sidecar. */
  *sidecars(): Generator<SidecarState> {
    for (const { state } of this.#pods.values()) yield state;
  }

  /** Why a stream would be refused now, whoever it is; undefined when it would not. */
  refusesAll(): Refusal | undefined {
    if (this.#lead.type === "stopping") return stopping();
    return this.#lead.type === "following" ? notLeader(this.#lead.leaderAddress) : undefined;
  }

  /** Takes one input. */
  handle(input: HubInput, nowMs: number): HubEffect[] {
    this.#dispatch(input, nowMs);
    return this.#taken();
  }

  /**
   * The next message of a stream, counted as sent. To be called when the stream can take one, until
   * there is none.
   */
  take(stream: StreamId, nowMs: number): Answer | undefined {
    const session = this.#sessions.get(stream);
    if (session === undefined) return undefined;
    const { podUid } = session.identity;
    return nextAnswer(session, {
      record: this.#pods.get(podUid),
      peers: this.#directory.peersOf(podUid),
      isSettled: nowMs >= this.#settledAtMs || this.#settledAtMs === Infinity,
      nowMs,
    });
  }

  /** When time alone may change something; Infinity when it can't. */
  nextDeadlineMs(): number {
    return Math.min(this.#refreshAtMs, this.#settledAtMs, this.#nextSessionMs);
  }

  /** Lets time pass; extra calls are harmless. Cost: a walk over the sessions when one may be due. */
  advance(nowMs: number): HubEffect[] {
    if (this.#refreshAtMs <= nowMs) this.#refreshPeers();
    if (this.#settledAtMs <= nowMs) {
      this.#settledAtMs = Infinity;
      for (const { stream } of this.#sessions.values()) this.#wake(stream);
    }
    if (this.#nextSessionMs <= nowMs) {
      this.#nextSessionMs = Infinity;
      for (const session of [...this.#sessions.values()]) this.#sessionDue(session, nowMs);
    }
    return this.#taken();
  }

  #dispatch(input: HubInput, nowMs: number): void {
    switch (input.type) {
      case "attached":
        return this.#attached(input, nowMs);
      case "message":
        return this.#message(input.stream, input.request, nowMs);
      case "detached":
        return this.#forget(this.#sessions.get(input.stream), nowMs);
      case "authenticated":
        return this.#authenticated(input, nowMs);
      case "notAuthenticated":
        return this.#end(this.#sessions.get(input.stream), input.refusal, nowMs);
      case "issued":
        return this.#issued(input, nowMs);
      case "assigned":
        return this.#assigned(input.assignment, nowMs);
      case "released":
        return this.#released(input.podUid, nowMs);
      case "quiesce":
        return this.#quiesce(input, nowMs);
      case "trustChanged":
        return this.#trustChanged();
      case "signerChanged":
        return this.#signerChanged(nowMs);
      default:
        return this.#leadChanged(input, nowMs);
    }
  }

  #attached(input: Input<"attached">, nowMs: number): void {
    const { stream, identity, hello, expiresInMs } = input;
    const refused = this.#refusesStream(input);
    if (refused !== undefined) {
      this.#effects.push({ type: "end", stream, refusal: refused });
      return;
    }
    this.#end(this.#sessionOfPod.get(identity.podUid), replaced(), nowMs);
    const silentMs = controlLimits.silentIntervals * this.#options.reportIntervalMs;
    const session = new Session({ stream, identity, hello, nowMs, expiresInMs, silentMs });
    this.#sessions.set(stream, session);
    this.#sessionOfPod.set(identity.podUid, session);
    session.push(welcome(session, this.#options, expiresInMs));
    const record = this.#pods.get(identity.podUid);
    if (record !== undefined) this.#known(session, record, nowMs);
    this.#bound(session);
    this.#wake(stream);
  }

  #refusesStream({ identity, hello }: Input<"attached">): Refusal | undefined {
    const refusesAll = this.refusesAll();
    if (refusesAll !== undefined) return refusesAll;
    const problem = checkHello(hello);
    if (problem !== undefined) return invalid("hello", problem);
    const pod = this.#pods.get(identity.podUid)?.assignment.pod;
    if (pod !== undefined && !samePod(pod, identity)) return otherPod();
    const { maxStreams } = this.#options;
    const isFull = this.#sessions.size >= maxStreams && !this.#sessionOfPod.has(identity.podUid);
    return isFull ? tooManyStreams(maxStreams) : undefined;
  }

  /** The pod of a session is known: now, or since before. */
  #known(session: Session, record: PodRecord, nowMs: number): void {
    session.assignmentDueAtMs = Infinity;
    record.attached(session, nowMs);
    // What it said before the pod was known counts; of a pod's change it can't have known.
    record.listen(session);
    this.#hostChanged(record, nowMs);
    this.#effects.push({ type: "changed", podUid: session.identity.podUid });
    if (session.certificateRequest !== undefined) this.#issue(session, record, nowMs);
  }

  #message(stream: StreamId, { kind }: AttachRequest, nowMs: number): void {
    const session = this.#sessions.get(stream);
    if (session === undefined) return;
    session.heard(nowMs);
    const turn = session.messages.take(nowMs);
    if (!turn.ok) return this.#end(session, tooManyMessages(turn.retryAfterMs), nowMs);
    switch (kind.case) {
      case "hello":
        return this.#end(session, invalid("hello", "it is the first message only"), nowMs);
      case "authenticate":
        return this.#authenticate(session, kind.value.token, nowMs);
      case "certificateRequest":
        return this.#certificateRequest(session, kind.value.request, nowMs);
      case "acknowledgement": {
        const problem = checkAcknowledgement(kind.value);
        if (problem !== undefined) {
          return this.#end(session, invalid("acknowledgement", problem), nowMs);
        }
        session.acknowledgement = kind.value;
        return this.#said(session, nowMs);
      }
      case "report": {
        const problem = checkReport(kind.value);
        if (problem !== undefined) return this.#end(session, invalid("report", problem), nowMs);
        session.report = kind.value;
        session.reportedAtMs = nowMs;
        session.peerAddress = kind.value.peerAddress;
        return this.#said(session, nowMs);
      }
      case "quiesceConfirmation":
        return this.#confirmed(session, kind.value, nowMs);
      default:
        // A kind of a newer sidecar: what it does not know of us, it can't depend on.
        return undefined;
    }
  }

  #said(session: Session, nowMs: number): void {
    const record = this.#pods.get(session.identity.podUid);
    if (record === undefined) return;
    const refused = record.listen(session);
    this.#hostChanged(record, nowMs);
    this.#effects.push({ type: "changed", podUid: session.identity.podUid });
    if (refused.length === 0) return;
    this.#answer(session, { case: "refusal", value: notSelected(refused) }, nowMs);
  }

  #confirmed(session: Session, confirmation: QuiesceConfirmation, nowMs: number): void {
    const problem = checkQuiesceConfirmation(confirmation);
    if (problem !== undefined) {
      return this.#end(session, invalid("quiesce_confirmation", problem), nowMs);
    }
    const { podUid } = session.identity;
    if (this.#pods.get(podUid)?.confirmed(confirmation) === true) {
      this.#effects.push({ type: "changed", podUid });
    }
  }

  #authenticate(session: Session, token: string, nowMs: number): void {
    if (session.isReviewing) {
      return this.#end(session, invalid("authenticate", "the one before is not answered"), nowMs);
    }
    session.isReviewing = true;
    this.#effects.push({ type: "review", stream: session.stream, token });
  }

  #authenticated(input: Input<"authenticated">, nowMs: number): void {
    const session = this.#sessions.get(input.stream);
    if (session === undefined) return;
    const { namespace, podUid, podName } = session.identity;
    if (!samePod({ namespace, uid: podUid, name: podName }, input.identity)) {
      return this.#end(session, otherPod(), nowMs);
    }
    session.isReviewing = false;
    session.tokenEndsAtMs = nowMs + input.expiresInMs;
    this.#bound(session);
  }

  #certificateRequest(session: Session, requestDer: Uint8Array, nowMs: number): void {
    if (session.isIssuing) {
      return this.#answer(session, { case: "refusal", value: certificatePending() }, nowMs);
    }
    session.certificateRequest = requestDer;
    const record = this.#pods.get(session.identity.podUid);
    if (record !== undefined) this.#issue(session, record, nowMs);
  }

  #issue(session: Session, { assignment, certificates }: PodRecord, nowMs: number): void {
    const requestDer = session.certificateRequest;
    session.certificateRequest = undefined;
    if (requestDer === undefined) return;
    const turn = certificates.take(nowMs);
    if (!turn.ok) {
      const limit = tooManyCertificates(turn.retryAfterMs);
      return this.#answer(session, { case: "refusal", value: limit }, nowMs);
    }
    session.isIssuing = true;
    const { namespace, uid: podUid, roles } = assignment.pod;
    const subject = { namespace, podUid, roles };
    this.#effects.push({ type: "issue", stream: session.stream, subject, requestDer });
  }

  #issued({ stream, answer }: Input<"issued">, nowMs: number): void {
    const session = this.#sessions.get(stream);
    if (session === undefined) return;
    session.isIssuing = false;
    this.#answer(
      session,
      answer.$typeName === "spillway.control.v1.Certificate"
        ? { case: "certificate", value: answer }
        : { case: "refusal", value: answer },
      nowMs,
    );
  }

  #assigned(assignment: PodAssignment, nowMs: number): void {
    const { pod, capabilities } = assignment;
    const trust = this.#options.trustOf(pod.namespace);
    const session = this.#sessionOfPod.get(pod.uid);
    const known = this.#pods.get(pod.uid);
    const record = known ?? new PodRecord(assignment, trust, nowMs);
    const rolesBefore = known?.assignment.pod.roles.join(" ");
    const changed = known?.assign(assignment, trust) ?? true;
    this.#pods.set(pod.uid, record);
    this.#directory.setRoutes(pod.uid, new Set(capabilities.map(({ route }) => route)));
    this.#hostChanged(record, nowMs);
    if (session === undefined) return;
    if (!samePod(pod, session.identity)) return this.#end(session, otherPod(), nowMs);
    if (known === undefined) this.#known(session, record, nowMs);
    else if (changed) record.listen(session);
    if (rolesBefore !== undefined && rolesBefore !== pod.roles.join(" ")) {
      this.#wantCertificate(session, nowMs);
    }
    this.#wake(session.stream);
  }

  #released(podUid: string, nowMs: number): void {
    this.#pods.delete(podUid);
    this.#directory.delete(podUid);
    this.#peersChanged(nowMs);
    this.#end(this.#sessionOfPod.get(podUid), podDeleted(), nowMs);
  }

  #quiesce({ podUid, capabilityUids, ttlMs }: Input<"quiesce">, nowMs: number): void {
    const record = this.#pods.get(podUid);
    if (record === undefined) return;
    if (capabilityUids.length === 0 && record.quiesce === undefined) return;
    this.#quiesceSequence += 1n;
    const uids = new Set(capabilityUids);
    record.order({ sequence: this.#quiesceSequence, uids, untilMs: nowMs + ttlMs }, nowMs);
    const session = this.#sessionOfPod.get(podUid);
    if (session !== undefined) this.#wake(session.stream);
  }

  #trustChanged(): void {
    for (const record of this.#pods.values()) {
      const { uid, namespace } = record.assignment.pod;
      const session = this.#sessionOfPod.get(uid);
      const changed = record.trust(this.#options.trustOf(namespace));
      if (changed && session !== undefined) this.#wake(session.stream);
    }
  }

  /** Sidecars are asked one after the other, so that their requests do not come at once. */
  #signerChanged(nowMs: number): void {
    let atMs = nowMs;
    for (const session of this.#sessions.values()) {
      session.certificateWantedAtMs = atMs;
      atMs += 1_000 / controlLimits.recertifyPerSecond;
    }
    if (this.#sessions.size > 0) this.#nextSessionMs = Math.min(this.#nextSessionMs, nowMs);
  }

  #leadChanged(input: Input<"leading" | "following" | "stopping">, nowMs: number): void {
    if (input.type === "leading") {
      if (this.#lead.type === "leading") return;
      this.#lead = { type: "leading", sinceMs: nowMs };
      this.#settledAtMs = nowMs + this.#options.settlePeersMs;
      return;
    }
    this.#lead = input;
    const ended = this.refusesAll() ?? stopping();
    for (const session of [...this.#sessions.values()]) this.#end(session, ended, nowMs);
  }

  #sessionDue(session: Session, nowMs: number): void {
    if (session.tokenEndsAtMs <= nowMs) return this.#end(session, tokenExpired(), nowMs);
    if (session.silentAtMs <= nowMs) {
      const silentMs = controlLimits.silentIntervals * this.#options.reportIntervalMs;
      return this.#end(session, silent(silentMs), nowMs);
    }
    if (session.assignmentDueAtMs <= nowMs) return this.#end(session, podUnknown(), nowMs);
    if (session.certificateWantedAtMs <= nowMs) {
      session.certificateWantedAtMs = Infinity;
      this.#wantCertificate(session, nowMs);
    }
    this.#bound(session);
  }

  #wantCertificate(session: Session, nowMs: number): void {
    const wanted = create(CertificateWantedSchema);
    this.#answer(session, { case: "certificateWanted", value: wanted }, nowMs);
  }

  #hostChanged({ assignment, endpoint }: PodRecord, nowMs: number): void {
    const { pod, demands } = assignment;
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
      const session = this.#sessionOfPod.get(podUid);
      if (session !== undefined) this.#wake(session.stream);
    }
  }

  #answer(session: Session, answer: Answer, nowMs: number): void {
    if (session.push(answer)) return this.#wake(session.stream);
    this.#end(session, tooSlow(), nowMs);
  }

  #end(session: Session | undefined, ended: Refusal, nowMs: number): void {
    if (session === undefined) return;
    this.#effects.push({ type: "end", stream: session.stream, refusal: ended });
    this.#forget(session, nowMs);
  }

  #forget(session: Session | undefined, nowMs: number): void {
    if (session === undefined) return;
    const { podUid } = session.identity;
    this.#sessions.delete(session.stream);
    if (this.#sessionOfPod.get(podUid) === session) this.#sessionOfPod.delete(podUid);
    const record = this.#pods.get(podUid);
    if (record === undefined) return;
    record.detached(nowMs);
    this.#effects.push({ type: "changed", podUid });
  }

  #wake(stream: StreamId): void {
    this.#effects.push({ type: "wake", stream });
  }

  #bound(session: Session): void {
    this.#nextSessionMs = Math.min(this.#nextSessionMs, session.nextDeadlineMs());
  }

  #taken(): HubEffect[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }
}

function samePod(
  pod: { readonly namespace: string; readonly name: string; readonly uid: string },
  { namespace, podName, podUid }: PodIdentity,
): boolean {
  return pod.uid === podUid && pod.namespace === namespace && pod.name === podName;
}
