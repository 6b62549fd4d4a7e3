/**
 * Carries out what the hub asks for: wakes and ends streams, asks for reviews and certificates,
 * lets time pass. It decides nothing.
 */
import { create } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import {
  type Certificate,
  CertificateSchema,
  type Refusal,
  RefusalCode,
} from "../../proto/gen/spillway/control/v1/control_pb.ts";
import type { Clock } from "../../sidecar/core/ports.ts";
import { type Logger, RuntimeError, Scheduler, type Timers } from "../../sidecar/runtime/index.ts";
import { answerBytes, answerKind } from "./answer-size.ts";
import type { Authority } from "./authority.ts";
import type { ControlHub } from "./control-hub.ts";
import { controlLimits } from "./control-limits.ts";
import type { HubEffect, HubInput, StreamId } from "./hub-messages.ts";
import type { CertificateResult, ControlPlaneHandles } from "./metrics.ts";
import { codeName, refusal } from "./refusal.ts";
import type { Answer } from "./session.ts";
import type { StreamLine } from "./stream-line.ts";
import type { TokenReviewer } from "./token-reviewer.ts";
import { TurnQueue } from "./turn-queue.ts";

/** What a driver works with. */
export interface HubDriverComponents {
  readonly hub: ControlHub;
  readonly authority: Authority;
  readonly reviewer: TokenReviewer;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Logger;
  readonly metrics: ControlPlaneHandles;
  /** Called after each change of what is known of a pod's sidecar. Must not throw or block. */
  readonly onChange: (podUid: string) => void;
}

/** The hub in real time. */
export class HubDriver {
  readonly #components: HubDriverComponents;
  readonly #scheduler: Scheduler;
  readonly #lines = new Map<StreamId, StreamLine>();
  readonly #issuing = new TurnQueue(controlLimits.maxIssuing);

  constructor(components: HubDriverComponents) {
    this.#components = components;
    const { clock, hub, timers } = components;
    this.#scheduler = new Scheduler({
      clock,
      timers,
      nextDeadlineMs: () => hub.nextDeadlineMs(),
      onDeadline: (nowMs) => {
        this.#carryOut(hub.advance(nowMs));
      },
    });
  }

  /** Tells the hub. */
  tell(input: HubInput): void {
    const { clock, hub } = this.#components;
    this.#carryOut(hub.handle(input, clock.nowMs()));
    this.#scheduler.arm();
  }

  /** Where the messages of a stream go. */
  open(stream: StreamId, line: StreamLine): void {
    this.#lines.set(stream, line);
  }

  /** The next message of a stream. */
  take(stream: StreamId): Answer | undefined {
    const { clock, hub, metrics } = this.#components;
    const answer = hub.take(stream, clock.nowMs());
    if (answer === undefined) return undefined;
    const kind = answerKind(answer);
    metrics.messages.inc({ kind });
    metrics.messageBytes.inc({ kind }, answerBytes(answer));
    if (answer.case === "refusal") metrics.refusals.inc({ code: codeName(answer.value) });
    return answer;
  }

  /** The stream is over. */
  close(stream: StreamId): void {
    this.#lines.delete(stream);
    this.tell({ type: "detached", stream });
  }

  /** Time stands still from here on. */
  stop(): void {
    this.#scheduler.close();
  }

  #carryOut(effects: readonly HubEffect[]): void {
    for (const effect of effects) this.#effect(effect);
  }

  #effect(effect: HubEffect): void {
    switch (effect.type) {
      case "wake":
        this.#lines.get(effect.stream)?.wake();
        return;
      case "end": {
        const { stream, refusal: ended } = effect;
        const fields = { stream, code: codeName(ended), reason: ended.message };
        this.#components.log.debug(fields, "control stream ended");
        this.#lines.get(stream)?.end(ended);
        return;
      }
      case "review":
        void this.#review(effect.stream, effect.token);
        return;
      case "issue":
        void this.#issue(effect);
        return;
      default:
        this.#components.onChange(effect.podUid);
    }
  }

  async #review(stream: StreamId, token: string): Promise<void> {
    const reviewed = await this.#components.reviewer.review(token);
    this.tell(
      reviewed.ok
        ? { ...reviewed, type: "authenticated", stream }
        : { ...reviewed, type: "notAuthenticated", stream },
    );
  }

  async #issue(effect: Extract<HubEffect, { type: "issue" }>): Promise<void> {
    const answer = await this.#issuing.run(() => this.#certificate(effect));
    this.#components.metrics.certificates.inc({ result: resultOf(answer) });
    this.tell({ type: "issued", stream: effect.stream, answer });
  }

  async #certificate({
    subject,
    requestDer,
  }: Extract<HubEffect, { type: "issue" }>): Promise<Certificate | Refusal> {
    try {
      const leaf = await this.#components.authority.issue(subject, requestDer);
      return create(CertificateSchema, {
        certificatePem: leaf.certificatePem,
        validFor: durationFromMs(leaf.validForMs),
        renewAfter: durationFromMs(leaf.renewAfterMs),
      });
    } catch (error) {
      if (error instanceof RuntimeError && error.code === "CERTIFICATE_REQUEST_INVALID") {
        return refusal(
          RefusalCode.CERTIFICATE_REQUEST_INVALID,
          `${error.message}. Make a new one.`,
        );
      }
      this.#components.log.error({ err: error, pod: subject.podUid }, "no certificate was issued");
      const message = "No certificate can be issued now; the operator's log says why. Ask again.";
      return refusal(RefusalCode.CERTIFICATE_UNAVAILABLE, message, { retryAfterMs: 5_000 });
    }
  }
}

function resultOf(answer: Certificate | Refusal): CertificateResult {
  if (answer.$typeName === "spillway.control.v1.Certificate") return "issued";
  return answer.code === RefusalCode.CERTIFICATE_REQUEST_INVALID ? "refused" : "failed";
}
