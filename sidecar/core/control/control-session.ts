/**
 * The sidecar's end of the control stream. Picture a branch office: it keeps a copy of its orders,
 * so that it can open in the morning without a call to the head office; it calls, says which copy
 * it has, gets only what changed, says what of it is in force, and tells how business goes.
 *
 * States, and what leaves them:
 * - `stopped`: before `start` and after `stop`. → `connecting`.
 * - `waiting` until a time. → `connecting` when it has come.
 * - `connecting` until a time. → `attached` by Welcome; → `waiting` when the opening failed or took
 *   too long, or at once `connecting` to the leader that was named.
 * - `attached`. → `waiting` when the stream ends.
 *
 * What is held outlives all of them: a lost stream changes nothing that is in force.
 */
import { create } from "@bufbuild/protobuf";
import {
  AcknowledgementSchema,
  type AttachResponse,
  AuthenticateSchema,
  CertificateRequestSchema,
  type Refusal,
  RefusalCode,
  type Welcome,
} from "../../../proto/gen/spillway/control/v1/control_pb.ts";
import { assertNever, type Incarnation, type Random } from "../ports.ts";
import { CertificateRenewal } from "./certificate-renewal.ts";
import type {
  ControlEffect,
  ControlIdentity,
  ControlInput,
  ControlNote,
  FreshToken,
} from "./control-events.ts";
import { controlLimits } from "./control-limits.ts";
import { durationMs } from "./duration.ts";
import type { HeldConfig, StoredConfig } from "./held-config.ts";
import { helloOf, type RequestKind, toOperator } from "./messages.ts";
import type { NodeStatus } from "./node-status.ts";
import { Provision, type TakenDelta } from "./provision.ts";
import { Quiescence } from "./quiescence.ts";
import { Reconnect } from "./reconnect.ts";
import { Reporting, type ResourceOf } from "./reporting.ts";
import { TokenRenewal } from "./token-renewal.ts";

/** What a sidecar begins with. */
export interface ControlSessionOptions {
  /** Version of the program, at most 64 characters. */
  readonly sidecarVersion: string;
  /** This start, as peers are told. */
  readonly incarnation: Incarnation;
  /** What was kept of an earlier start. */
  readonly stored: StoredConfig;
  /** Whose certificate was kept, and when it is to be renewed, ms from now; undefined: none was. */
  readonly storedIdentity: (ControlIdentity & { readonly renewInMs: number }) | undefined;
}

type State =
  | { readonly type: "stopped" }
  | { readonly type: "waiting"; readonly untilMs: number; readonly address: string | undefined }
  | { readonly type: "connecting"; readonly untilMs: number }
  | {
      readonly type: "attached";
      readonly sinceMs: number;
      readonly reporting: Reporting;
      readonly token: TokenRenewal;
    };

/** For an operator that says none. */
const defaultPace = { intervalMs: 10_000, minIntervalMs: 1_000 };

/** One sidecar and its operator. Feed inputs in the order of time; carry out effects in order. */
export class ControlSession {
  readonly #options: ControlSessionOptions;
  readonly #provision: Provision;
  readonly #reconnect: Reconnect;
  readonly #renewal = new CertificateRenewal(-Infinity);
  readonly #quiescence = new Quiescence();
  #state: State = { type: "stopped" };
  #status: NodeStatus | undefined;
  #out: ControlEffect[] = [];

  constructor(options: ControlSessionOptions, random: Random) {
    this.#options = options;
    this.#provision = new Provision(options.stored, options.storedIdentity);
    this.#reconnect = new Reconnect(random);
  }

  /** What the operator told so far; for keeping it. */
  get held(): HeldConfig {
    return this.#provision.held;
  }

  /** True while the operator is at the other end. */
  get attached(): boolean {
    return this.#state.type === "attached";
  }

  /** Takes one input. @param nowMs monotonic, never less than before. */
  handle(input: ControlInput, nowMs: number): ControlEffect[] {
    this.#take(input, nowMs);
    return this.advance(nowMs);
  }

  /** When `advance` is due; Infinity when idle. */
  nextDeadlineMs(): number {
    const state = this.#state;
    const quietUntilMs = this.#quiescence.nextDeadlineMs();
    switch (state.type) {
      case "stopped":
        return Infinity;
      case "waiting":
      case "connecting":
        return Math.min(state.untilMs, quietUntilMs);
      case "attached":
        return Math.min(
          quietUntilMs,
          state.reporting.nextDeadlineMs(),
          state.token.nextDeadlineMs(),
          this.#renewal.nextDeadlineMs(),
        );
      default:
        return assertNever(state);
    }
  }

  /** Does what is due; extra calls are harmless. */
  advance(nowMs: number): ControlEffect[] {
    this.#openWhenDue(nowMs);
    if (this.#quiescence.expire(nowMs)) this.#tellQuiet(nowMs);
    this.#emit(...this.#provision.give());
    const state = this.#state;
    if (state.type === "attached") {
      if (this.#renewal.take(nowMs)) this.#emit({ type: "makeRequest" });
      const { token } = state;
      if (token.take(nowMs)) this.#emit({ type: "readToken", again: token.again });
      if (state.reporting.takeSample(nowMs)) this.#emit({ type: "sample" });
    }
    const out = this.#out;
    this.#out = [];
    return out;
  }

  #take(input: ControlInput, nowMs: number): void {
    switch (input.type) {
      case "start":
        this.#start(nowMs);
        return;
      case "received":
        this.#received(input.message, nowMs);
        return;
      case "ended":
        this.#ended(input.refusal, input.reason, nowMs);
        return;
      case "token":
        this.#takeToken(input.fresh, nowMs);
        return;
      case "requestMade": {
        const value = create(CertificateRequestSchema, { request: input.request });
        this.#send({ case: "certificateRequest", value });
        return;
      }
      case "certificateUsed":
        this.#certificateUsed(input.refused, input.renewAfterMs, nowMs);
        return;
      case "configured":
        this.#provision.configured(input.outcome);
        this.#emit({ type: "store", what: "config" });
        this.#acknowledge();
        if (this.#quiescence.asked) this.#tellQuiet(nowMs);
        this.#hurry(nowMs);
        return;
      case "sampled":
        this.#sampled(input.status, nowMs);
        return;
      case "stop":
        this.#leave(nowMs);
        this.#emit({ type: "disconnect", reason: "the sidecar ends" });
        this.#state = { type: "stopped" };
        return;
      default:
        assertNever(input);
    }
  }

  /** What was kept comes into force before anybody is asked. */
  #start(nowMs: number): void {
    if (this.#state.type !== "stopped") return;
    const { storedIdentity } = this.#options;
    if (storedIdentity !== undefined) {
      this.#emit(...this.#provision.useKept(storedIdentity.renewInMs));
    }
    this.#connect(undefined, nowMs);
  }

  #openWhenDue(nowMs: number): void {
    const state = this.#state;
    if (state.type === "waiting" && state.untilMs <= nowMs) this.#connect(state.address, nowMs);
    if (state.type === "connecting" && state.untilMs <= nowMs) {
      this.#breakOff("the operator did not answer in time", nowMs);
    }
  }

  #connect(address: string | undefined, nowMs: number): void {
    this.#state = { type: "connecting", untilMs: nowMs + controlLimits.welcomeTimeoutMs };
    const { sidecarVersion, incarnation } = this.#options;
    const self = { sidecarVersion, incarnation: BigInt(incarnation) };
    const hello = helloOf(self, this.held, this.#status?.peerAddress);
    this.#emit({ type: "connect", address, hello });
  }

  #received({ kind }: AttachResponse, nowMs: number): void {
    if (this.#state.type === "connecting") {
      if (kind.case === "welcome") this.#welcomed(kind.value, nowMs);
      else this.#breakOff("the operator's first message is no Welcome", nowMs);
      return;
    }
    if (this.#state.type !== "attached") return;
    switch (kind.case) {
      case undefined:
        return; // a message of a later version
      case "welcome":
        this.#breakOff("the operator said Welcome twice", nowMs);
        return;
      case "descriptorSet":
        if (this.held.takeDescriptorSet(kind.value)) return;
        this.#resync("more descriptor sets than can be held", nowMs);
        return;
      case "configDelta":
        this.#takeDelta(this.#provision.takeConfig(kind.value), "configuration", nowMs);
        return;
      case "peersDelta":
        this.#takeDelta(this.#provision.takePeers(kind.value), "peers", nowMs);
        return;
      case "certificate":
        this.#emit(...this.#provision.takeCertificate(kind.value));
        return;
      case "certificateWanted":
        this.#renewal.wanted(nowMs);
        return;
      case "quiesce":
        this.#quiescence.take(kind.value, nowMs);
        this.#tellQuiet(nowMs);
        return;
      case "refusal":
        this.#refused(kind.value, nowMs);
        return;
      default:
        assertNever(kind);
    }
  }

  #welcomed(welcome: Welcome, nowMs: number): void {
    const { namespace, nodeId } = welcome;
    if (!this.#provision.identify(welcome)) {
      // Another pod's token: whatever came over this stream would be another pod's too.
      const known = this.#provision.identity?.nodeId ?? "";
      this.#note("warn", "identity", `this node is ${known}; the operator says ${nodeId}`);
      this.#breakOff("the operator took this node for another", nowMs);
      return;
    }
    const pace = {
      intervalMs: durationMs(welcome.reportInterval) ?? defaultPace.intervalMs,
      minIntervalMs: durationMs(welcome.minReportInterval) ?? defaultPace.minIntervalMs,
    };
    const token = new TokenRenewal(durationMs(welcome.tokenExpiresIn) ?? Infinity, nowMs);
    const reporting = new Reporting(pace, nowMs);
    this.#state = { type: "attached", sinceMs: nowMs, reporting, token };
    this.#note("info", "attached", `attached to the operator as ${namespace}/${nodeId}`);
    this.#acknowledge();
  }

  #ended(refusal: Refusal | undefined, reason: string, nowMs: number): void {
    const state = this.#state;
    if (state.type !== "attached" && state.type !== "connecting") return;
    const wasOpen = state.type === "attached";
    if (wasOpen) this.#reconnect.held(nowMs - state.sinceMs);
    this.#leave(nowMs);
    const { delayMs, address } = this.#reconnect.next(wasOpen, refusal);
    if (address === undefined) {
      const wait = `asked again in ${String(Math.round(delayMs))} ms`;
      this.#note("warn", "lost", `${refusal?.message ?? reason}; ${wait}`);
    } else this.#note("info", "leader", `the leader is ${address}`);
    this.#state = { type: "waiting", untilMs: nowMs + delayMs, address };
  }

  /** What ends with a stream, whoever ended it. */
  #leave(nowMs: number): void {
    this.#quiescence.streamLost();
    this.#renewal.streamLost(nowMs);
  }

  /** This side ends the stream. */
  #breakOff(reason: string, nowMs: number): void {
    this.#emit({ type: "disconnect", reason });
    this.#ended(undefined, reason, nowMs);
  }

  /** What comes does not fit what is held: everything anew. What is in force stays meanwhile. */
  #resync(reason: string, nowMs: number): void {
    this.held.forgetVersions();
    this.#note("warn", "resync", `${reason}: the whole configuration is asked for`);
    this.#breakOff(reason, nowMs);
  }

  #takeDelta({ taken, effects }: TakenDelta, what: string, nowMs: number): void {
    this.#emit(...effects);
    if (taken === "gap") this.#resync(`a change of a version of the ${what} not held`, nowMs);
  }

  #certificateUsed(
    refused: string | undefined,
    renewAfterMs: number | undefined,
    nowMs: number,
  ): void {
    if (refused !== undefined) {
      this.#note("warn", "certificate", `the certificate cannot be used: ${refused}`);
      this.#renewal.failed(0, nowMs);
      return;
    }
    this.#provision.certificateUsed();
    if (renewAfterMs === undefined) return;
    this.#renewal.renewed(renewAfterMs, nowMs);
    const renewal = `to be renewed in ${String(Math.round(renewAfterMs / 1_000))} s`;
    this.#note("info", "certificate", `a certificate is in use, ${renewal}`);
  }

  #acknowledge(): void {
    const { outcome } = this.#provision;
    if (outcome === undefined) return;
    const { version, acknowledged } = outcome;
    const value = create(AcknowledgementSchema, {
      configVersion: version,
      resources: acknowledged.slice(),
    });
    this.#send({ case: "acknowledgement", value });
  }

  #takeToken(fresh: FreshToken | undefined, nowMs: number): void {
    const state = this.#state;
    if (fresh === undefined || state.type !== "attached") return;
    state.token.shown(fresh.expiresInMs, nowMs);
    const value = create(AuthenticateSchema, { token: fresh.token });
    this.#send({ case: "authenticate", value });
  }

  #refused(refusal: Refusal, nowMs: number): void {
    this.#note("warn", "refused", refusal.message);
    switch (refusal.code) {
      case RefusalCode.CERTIFICATE_REQUEST_INVALID:
      case RefusalCode.CERTIFICATE_LIMIT:
      case RefusalCode.CERTIFICATE_UNAVAILABLE:
        this.#renewal.failed(durationMs(refusal.retryAfter) ?? 0, nowMs);
        return;
      case RefusalCode.REVIEW_LIMIT:
      case RefusalCode.REVIEW_UNAVAILABLE:
        if (this.#state.type !== "attached") return;
        this.#state.token.notReviewed(durationMs(refusal.retryAfter) ?? 0, nowMs);
        return;
      default:
        return; // of no consequence here, or of a later version
    }
  }

  #sampled(status: NodeStatus, nowMs: number): void {
    this.#status = status;
    if (this.#state.type !== "attached") return;
    const { reporting } = this.#state;
    const quiet = this.#quiet();
    const resourceOf = (...named: Parameters<ResourceOf>) => this.#provision.inForce(...named);
    const report = reporting.report(status, resourceOf, quiet, nowMs);
    if (report !== undefined) this.#send({ case: "report", value: report });
    const confirmation = this.#quiescence.confirm(status, (uid) =>
      this.#provision.capabilityOf(uid),
    );
    if (confirmation !== undefined) {
      this.#send({ case: "quiesceConfirmation", value: confirmation });
    }
  }

  #tellQuiet(nowMs: number): void {
    this.#emit({ type: "quiesce", capabilities: this.#quiet() });
    this.#hurry(nowMs);
  }

  #quiet(): ReadonlySet<string> {
    return this.#quiescence.names((uid) => this.#provision.capabilityOf(uid));
  }

  #hurry(nowMs: number): void {
    if (this.#state.type === "attached") this.#state.reporting.hurry(nowMs);
  }

  #send(kind: RequestKind): void {
    if (this.#state.type === "attached") this.#emit({ type: "send", message: toOperator(kind) });
  }

  #note(level: "info" | "warn", event: ControlNote, detail: string): void {
    this.#emit({ type: "note", level, event, detail });
  }

  #emit(...effects: readonly ControlEffect[]): void {
    this.#out.push(...effects);
  }
}
