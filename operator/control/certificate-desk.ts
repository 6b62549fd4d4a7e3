import { create } from "@bufbuild/protobuf";
import { CertificateWantedSchema } from "../../proto/gen/spillway/control/v1/control_pb.ts";
import { controlLimits } from "./control-limits.ts";
import type { HubInput } from "./hub-messages.ts";
import { certificatePending, tooManyCertificates } from "./certificate-refusals.ts";
import type { PodRecord } from "./pod-record.ts";
import type { SessionBook } from "./session-book.ts";
import type { Session } from "./session.ts";

/**
 * Certificates: a request waits until the pod is known, since its name and roles are the operator's
 * word; one at a time, and not too many for one pod.
 */
export class CertificateDesk {
  readonly #book: SessionBook;

  constructor(book: SessionBook) {
    this.#book = book;
  }

  /** @param record undefined while the pod is not known. */
  request(
    session: Session,
    record: PodRecord | undefined,
    asked: { readonly requestDer: Uint8Array; readonly nowMs: number },
  ): void {
    if (session.isIssuing) {
      const answer = { case: "refusal" as const, value: certificatePending() };
      this.#book.answer(session, answer, asked.nowMs);
      return;
    }
    session.certificateRequest = asked.requestDer;
    if (record !== undefined) this.issue(session, record, asked.nowMs);
  }

  /** The pod is known: whatever waited is issued. */
  issue(session: Session, { assignment, certificates }: PodRecord, nowMs: number): void {
    const requestDer = session.certificateRequest;
    session.certificateRequest = undefined;
    if (requestDer === undefined) return;
    const turn = certificates.take(nowMs);
    if (!turn.ok) {
      const value = tooManyCertificates(turn.retryAfterMs);
      this.#book.answer(session, { case: "refusal", value }, nowMs);
      return;
    }
    session.isIssuing = true;
    const { namespace, uid: podUid, roles } = assignment.pod;
    const subject = { namespace, podUid, roles };
    this.#book.push({ type: "issue", stream: session.stream, subject, requestDer });
  }

  /** The certificate, or why there is none. */
  issued({ stream, answer }: Extract<HubInput, { type: "issued" }>, nowMs: number): void {
    const session = this.#book.get(stream);
    if (session === undefined) return;
    session.isIssuing = false;
    this.#book.answer(
      session,
      answer.$typeName === "spillway.control.v1.Certificate"
        ? { case: "certificate", value: answer }
        : { case: "refusal", value: answer },
      nowMs,
    );
  }

  /** The sidecar is to ask for a certificate. */
  want(session: Session, nowMs: number): void {
    session.certificateWantedAtMs = Infinity;
    const value = create(CertificateWantedSchema);
    this.#book.answer(session, { case: "certificateWanted", value }, nowMs);
  }

  /** All are to ask, one after the other, so that their requests do not come at once. */
  wantAll(nowMs: number): void {
    let atMs = nowMs;
    for (const session of this.#book.all()) {
      session.certificateWantedAtMs = atMs;
      this.#book.bound(session);
      atMs += 1_000 / controlLimits.recertifyPerSecond;
    }
  }
}
