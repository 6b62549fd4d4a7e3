import type {
  Acknowledgement,
  AttachResponse,
  Hello,
  Peer,
  PeerAddress,
  Report,
} from "../../proto/gen/spillway/control/v1/control_pb.ts";
import { controlLimits } from "./control-limits.ts";
import type { ConfigPart } from "./desired-resource.ts";
import { Follower } from "./follower.ts";
import type { StreamId } from "./hub-messages.ts";
import type { PodIdentity } from "./pod-identity.ts";
import { RateBucket } from "../../sidecar/core/rate-bucket.ts";

/** One message down. */
export type Answer = AttachResponse["kind"];

/** What a session is made of. */
export interface SessionOptions {
  readonly stream: StreamId;
  /** Of the reviewed token. */
  readonly identity: PodIdentity;
  /** Within its bounds: `checkHello` found nothing. */
  readonly hello: Hello;
  /** Monotonic, ms: when it begins. */
  readonly nowMs: number;
  /** Until when its token holds, from now, ms. Above 0. */
  readonly expiresInMs: number;
  /** Silence that ends it, ms. */
  readonly silentMs: number;
}

/** One stream: what its sidecar holds, what waits for it, what it said last. */
export class Session {
  readonly stream: StreamId;
  readonly identity: PodIdentity;
  readonly sidecarVersion: string;
  readonly incarnation: bigint;
  readonly config: Follower<ConfigPart>;
  readonly peers: Follower<Peer>;
  /** Hashes of the descriptor sets that it holds: named by Hello or sent, and not dropped since. */
  readonly descriptorSets: Set<string>;
  readonly messages = new RateBucket({
    perSecond: controlLimits.messagesPerSecond,
    burst: controlLimits.messageBurst,
  });
  /** Answers, first first; `push` keeps them bounded. */
  readonly #answers: Answer[] = [];
  readonly #silentMs: number;
  #heardAtMs: number;
  tokenEndsAtMs: number;
  /** While the operator does not know the pod; Infinity once it does. */
  assignmentDueAtMs: number;
  /** When it is told to ask for a certificate; Infinity: not. */
  certificateWantedAtMs = Infinity;
  /** A request that waits for the pod to be known, or is being answered. */
  certificateRequest: Uint8Array | undefined;
  isIssuing = false;
  isReviewing = false;
  /** Of the Quiesce that it was told last. */
  quiesceSequence = 0n;
  peerAddress: PeerAddress | undefined;
  /** As it came: what selects the pod may change after it. */
  report: Report | undefined;
  reportedAtMs = 0;
  acknowledgement: Acknowledgement | undefined;

  constructor({ stream, identity, hello, nowMs, expiresInMs, silentMs }: SessionOptions) {
    this.stream = stream;
    this.identity = identity;
    this.sidecarVersion = hello.sidecarVersion;
    this.incarnation = hello.incarnation;
    this.config = new Follower(hello.configVersion);
    this.peers = new Follower(hello.peersVersion);
    this.descriptorSets = new Set(hello.descriptorSets);
    this.peerAddress = hello.peerAddress;
    this.#silentMs = silentMs;
    this.#heardAtMs = nowMs;
    this.tokenEndsAtMs = nowMs + expiresInMs;
    this.assignmentDueAtMs = nowMs + controlLimits.assignmentTimeoutMs;
  }

  /** Something came. */
  heard(nowMs: number): void {
    this.#heardAtMs = nowMs;
  }

  /** When nothing will have come for too long. */
  get silentAtMs(): number {
    return this.#heardAtMs + this.#silentMs;
  }

  /** The earliest moment at which anything may be due. */
  nextDeadlineMs(): number {
    return Math.min(
      this.tokenEndsAtMs,
      this.silentAtMs,
      this.assignmentDueAtMs,
      this.certificateWantedAtMs,
    );
  }

  /** @returns false when too many wait: its reader does not read. */
  push(answer: Answer): boolean {
    if (this.#answers.length >= controlLimits.maxAnswers) return false;
    this.#answers.push(answer);
    return true;
  }

  /** The next answer; undefined when none waits. */
  shift(): Answer | undefined {
    return this.#answers.shift();
  }
}
