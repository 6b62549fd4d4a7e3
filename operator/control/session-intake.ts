import {
  type Acknowledgement,
  type AttachRequest,
  type QuiesceConfirmation,
  RefusalCode,
  type Report,
} from "../../proto/gen/spillway/control/v1/control_pb.ts";
import type { CertificateDesk } from "./certificate-desk.ts";
import { checkAcknowledgement, checkQuiesceConfirmation, checkReport } from "./check-message.ts";
import type { HubInput, StreamId } from "./hub-messages.ts";
import { invalid, notSelected, tooManyMessages } from "./message-refusals.ts";
import { otherPod } from "./stream-refusals.ts";
import { isIdentityOf } from "./pod-identity.ts";
import type { PodRecord } from "./pod-record.ts";
import type { SessionBook } from "./session-book.ts";
import type { Session } from "./session.ts";

/** What the intake works with. */
export interface SessionIntakeComponents {
  readonly book: SessionBook;
  readonly desk: CertificateDesk;
  /** Undefined while the pod is not known. */
  readonly recordOf: (podUid: string) => PodRecord | undefined;
  /** The sidecar said something of its pod that was taken over. */
  readonly onSaid: (record: PodRecord, nowMs: number) => void;
}

/**
 * What sidecars say after their first message: held against its rate, its bounds and what selects
 * the pod.
 */
export class SessionIntake {
  readonly #components: SessionIntakeComponents;

  constructor(components: SessionIntakeComponents) {
    this.#components = components;
  }

  /** One message. */
  take(stream: StreamId, { kind }: AttachRequest, nowMs: number): void {
    const { book, desk, recordOf } = this.#components;
    const session = book.get(stream);
    if (session === undefined) return;
    session.heard(nowMs);
    const turn = session.messages.take(nowMs);
    if (!turn.ok) return book.end(session, tooManyMessages(turn.retryAfterMs), nowMs);
    switch (kind.case) {
      case "hello":
        return book.end(session, invalid("hello", "it is the first message only"), nowMs);
      case "authenticate":
        return this.#authenticate(session, kind.value.token, nowMs);
      case "certificateRequest": {
        const record = recordOf(session.identity.podUid);
        return desk.request(session, record, { requestDer: kind.value.request, nowMs });
      }
      case "acknowledgement":
        return this.#acknowledged(session, kind.value, nowMs);
      case "report":
        return this.#reported(session, kind.value, nowMs);
      case "quiesceConfirmation":
        return this.#confirmed(session, kind.value, nowMs);
      default:
        // A kind of a newer sidecar: what it does not know of us, it can't depend on.
        return undefined;
    }
  }

  /** The answer to a review that `take` asked for. */
  authenticated(input: Extract<HubInput, { type: "authenticated" }>, nowMs: number): void {
    const { book } = this.#components;
    const session = book.get(input.stream);
    if (session === undefined) return;
    const { namespace, podName: name, podUid: uid } = session.identity;
    if (!isIdentityOf(input.identity, { namespace, name, uid })) {
      return book.end(session, otherPod(), nowMs);
    }
    session.isReviewing = false;
    session.tokenEndsAtMs = nowMs + input.expiresInMs;
    book.bound(session);
  }

  /**
   * The other answer. A token that nobody could review says nothing against the one of the stream:
   * that one holds until it expires, and the fresh one may be shown again.
   */
  notAuthenticated(input: Extract<HubInput, { type: "notAuthenticated" }>, nowMs: number): void {
    const { book } = this.#components;
    const { stream, refusal } = input;
    const session = book.get(stream);
    if (session === undefined) return;
    if (refusal.code === RefusalCode.TOKEN_REFUSED) return book.end(session, refusal, nowMs);
    session.isReviewing = false;
    book.answer(session, { case: "refusal", value: refusal }, nowMs);
  }

  #authenticate(session: Session, token: string, nowMs: number): void {
    const { book } = this.#components;
    if (session.isReviewing) {
      return book.end(session, invalid("authenticate", "the one before is not answered"), nowMs);
    }
    session.isReviewing = true;
    book.push({ type: "review", stream: session.stream, token });
  }

  #acknowledged(session: Session, acknowledgement: Acknowledgement, nowMs: number): void {
    const problem = checkAcknowledgement(acknowledgement);
    if (problem !== undefined) return this.#end(session, "acknowledgement", { problem, nowMs });
    session.acknowledgement = acknowledgement;
    this.#said(session, nowMs);
  }

  #reported(session: Session, report: Report, nowMs: number): void {
    const problem = checkReport(report);
    if (problem !== undefined) return this.#end(session, "report", { problem, nowMs });
    session.report = report;
    session.reportedAtMs = nowMs;
    session.peerAddress = report.peerAddress;
    this.#said(session, nowMs);
  }

  #confirmed(session: Session, confirmation: QuiesceConfirmation, nowMs: number): void {
    const { onSaid, recordOf } = this.#components;
    const problem = checkQuiesceConfirmation(confirmation);
    if (problem !== undefined)
      return this.#end(session, "quiesce_confirmation", { problem, nowMs });
    const record = recordOf(session.identity.podUid);
    if (record?.confirmed(confirmation, nowMs) === true) onSaid(record, nowMs);
  }

  #said(session: Session, nowMs: number): void {
    const { book, onSaid, recordOf } = this.#components;
    const record = recordOf(session.identity.podUid);
    // Kept in the session until the pod is known.
    if (record === undefined) return;
    const { unreadUids = [] } = record.assignment;
    const refusedUids = record.listen(session).filter((uid) => !unreadUids.includes(uid));
    onSaid(record, nowMs);
    if (refusedUids.length === 0) return;
    book.answer(session, { case: "refusal", value: notSelected(refusedUids) }, nowMs);
  }

  #end(
    session: Session,
    kind: string,
    { problem, nowMs }: { readonly problem: string; readonly nowMs: number },
  ): void {
    this.#components.book.end(session, invalid(kind, problem), nowMs);
  }
}
