/**
 * The life of a PeerSession, as far as it is decided on the control lane. Sans-IO: the driver owns
 * the connection, feeds what comes in and carries out what is asked.
 *
 * States:
 * - `handshake`: our advertisement is out, the peer's is awaited. Leaves with it or by time-out.
 * - `hello`: both know what was agreed. The dialler has said HELLO; both await the other's.
 * - `admission`: the peer is proven. The driver is asked whether it wants this session (another one
 *   with the same node may be there), and answers at once with `admitted` or `close`.
 * - `open`: pings, and everything on the data lanes. Leaves by GOODBYE, silence or loss.
 * - `closing`: GOODBYE was sent; the peer cuts the connection when it has read it, else we do.
 * - `closed`: nothing more happens.
 */
import { assertNever } from "../core/ports.ts";
import type { SessionCloseCode } from "./close-code.ts";
import { frameType, readU32, writeU32 } from "./frame.ts";
import { Liveness, type SessionTiming } from "./liveness.ts";
import {
  decodeGoodbye,
  decodeHello,
  encodeGoodbye,
  encodeHello,
  type HelloContent,
  type NodeName,
} from "./session-messages.ts";
import type { AgreedValues, SessionOffer } from "./session-offer.ts";

/** All that a session may be told. `heard` is apart, since it comes with every chunk. */
export type SessionInput =
  /** The control lane is there. */
  | { readonly type: "start" }
  /** The peer's opening blob. */
  | { readonly type: "blob"; readonly blob: Uint8Array }
  /** A frame of the control lane. */
  | { readonly type: "frame"; readonly frameType: number; readonly body: Uint8Array }
  /** The peer that `identified` named is wanted. */
  | { readonly type: "admitted" }
  /** This side ends the session: by will, or because of what the peer sent. */
  | { readonly type: "close"; readonly code: SessionCloseCode; readonly reason: string }
  /** The connection ended. */
  | { readonly type: "lost"; readonly reason: string };

/** All that a session asks for, to be carried out in order. */
export type SessionEffect =
  /** Length word and blob, unframed. */
  | { readonly type: "send-blob"; readonly blob: Uint8Array }
  | { readonly type: "send-frame"; readonly frameType: number; readonly body: Uint8Array }
  /** Answer with `admitted` or `close`, at once. */
  | { readonly type: "identified"; readonly hello: HelloContent }
  | { readonly type: "opened"; readonly hello: HelloContent; readonly agreed: AgreedValues }
  /** The session is over for everybody above; comes exactly once. */
  | {
      readonly type: "ended";
      readonly code: SessionCloseCode;
      readonly reason: string;
      readonly clean: boolean;
    }
  /** Cut the connection. */
  | { readonly type: "disconnect"; readonly reason: string };

/** What a session is made from. */
export interface SessionProtocolOptions {
  /** True on the side that dialled: it says HELLO first. */
  readonly dialled: boolean;
  readonly local: NodeName & { readonly incarnation: number };
  /** What the peer's certificate says. */
  readonly certificate: NodeName;
  /** Whom we dialled. */
  readonly expectedNodeId?: string;
  readonly offer: SessionOffer;
  readonly timing: SessionTiming;
  /** When the connection was made, on the clock of `handle`. */
  readonly nowMs: number;
}

type State =
  | { readonly type: "handshake" }
  | { readonly type: "hello"; readonly agreed: AgreedValues }
  | { readonly type: "admission"; readonly agreed: AgreedValues; readonly hello: HelloContent }
  | { readonly type: "open"; readonly liveness: Liveness }
  | { readonly type: "closing"; readonly deadlineMs: number }
  | { readonly type: "closed" };

/** See the head of the file. */
export class SessionProtocol {
  readonly #options: SessionProtocolOptions;
  readonly #openDeadlineMs: number;
  #state: State = { type: "handshake" };
  #liveness: Liveness | undefined;

  constructor(options: SessionProtocolOptions) {
    this.#options = options;
    this.#openDeadlineMs = options.nowMs + options.timing.openTimeoutMs;
  }

  /** Round trip, EWMA, ms; undefined before the first answer. */
  get rttMs(): number | undefined {
    return this.#liveness?.rttMs;
  }

  /** True between `opened` and `ended`. */
  get open(): boolean {
    return this.#state.type === "open";
  }

  /** A whole frame came, on any lane. Cost: one assignment. */
  heard(nowMs: number): void {
    this.#liveness?.heard(nowMs);
  }

  /** When `advance` has something to do; Infinity = never. Later than said does no harm. */
  nextDeadlineMs(): number {
    const state = this.#state;
    switch (state.type) {
      case "handshake":
      case "hello":
      case "admission":
        return this.#openDeadlineMs;
      case "open":
        return state.liveness.nextDeadlineMs();
      case "closing":
        return state.deadlineMs;
      case "closed":
        return Infinity;
      default:
        return assertNever(state);
    }
  }

  /** Time has passed. Extra calls are harmless. */
  advance(nowMs: number): SessionEffect[] {
    const state = this.#state;
    switch (state.type) {
      case "handshake":
      case "hello":
      case "admission":
        if (nowMs < this.#openDeadlineMs) return [];
        return this.#goodbye(nowMs, "OPEN_TIMEOUT", this.#openTimeoutReason());
      case "open":
        return this.#beat(state.liveness, nowMs);
      case "closing":
        return nowMs < state.deadlineMs ? [] : this.#closed("GOODBYE has had its time");
      case "closed":
        return [];
      default:
        return assertNever(state);
    }
  }

  /** The only way in, besides `heard`. Never throws for what a peer sent. */
  handle(input: SessionInput, nowMs: number): SessionEffect[] {
    const over = this.#state.type === "closing" || this.#state.type === "closed";
    switch (input.type) {
      case "start":
        return over ? [] : [{ type: "send-blob", blob: this.#options.offer.blob }];
      case "blob":
        return over ? [] : this.#onBlob(input.blob, nowMs);
      case "frame":
        // Both said GOODBYE at the same time: nothing is waited for any more.
        if (this.#state.type === "closing" && input.frameType === frameType.goodbye) {
          return this.#closed("both said GOODBYE");
        }
        return over ? [] : this.#onFrame(input.frameType, input.body, nowMs);
      case "admitted":
        return over ? [] : this.#onAdmitted(nowMs);
      case "close":
        return over ? [] : this.#goodbye(nowMs, input.code, input.reason);
      case "lost":
        return this.#onLost(input.reason);
      default:
        return assertNever(input);
    }
  }

  #onBlob(blob: Uint8Array, nowMs: number): SessionEffect[] {
    if (this.#state.type !== "handshake") return this.#malformed(nowMs, "a second opening");
    const result = this.#options.offer.agree(blob);
    if (!result.ok) return this.#goodbye(nowMs, result.breach.code, result.breach.reason);
    this.#state = { type: "hello", agreed: result.agreed };
    return this.#options.dialled ? [this.#ownHello(result.agreed)] : [];
  }

  #onFrame(type: number, body: Uint8Array, nowMs: number): SessionEffect[] {
    switch (type) {
      case frameType.hello:
        return this.#onHello(body, nowMs);
      case frameType.goodbye:
        return this.#onGoodbye(body, nowMs);
      case frameType.ping:
      case frameType.pong:
        return this.#onPing(type, body, nowMs);
      default:
        return this.#malformed(nowMs, `frame type ${type} is not known on the control lane`);
    }
  }

  #onHello(body: Uint8Array, nowMs: number): SessionEffect[] {
    const state = this.#state;
    if (state.type !== "hello") return this.#malformed(nowMs, "a HELLO out of turn");
    const hello = decodeHello(body);
    if (hello === undefined) return this.#malformed(nowMs, "a HELLO that cannot be read");
    const stranger = this.#identityMismatch(hello);
    if (stranger !== undefined) return this.#goodbye(nowMs, "IDENTITY_MISMATCH", stranger);
    const mismatch = state.agreed.mismatch(hello.negotiated);
    if (mismatch !== undefined) return this.#goodbye(nowMs, "NEGOTIATION_MISMATCH", mismatch);
    this.#state = { type: "admission", agreed: state.agreed, hello };
    return [{ type: "identified", hello }];
  }

  /** HELLO, certificate, what was dialled, and our own cluster and namespace must fit together. */
  #identityMismatch(hello: HelloContent): string | undefined {
    const { certificate, local, expectedNodeId } = this.#options;
    for (const field of ["clusterId", "namespace", "nodeId"] as const) {
      if (hello[field] !== certificate[field]) {
        return `HELLO says ${field} ${hello[field]}, the certificate ${certificate[field]}`;
      }
    }
    for (const field of ["clusterId", "namespace"] as const) {
      if (hello[field] !== local[field]) return `${field} ${hello[field]}, here ${local[field]}`;
    }
    if (hello.nodeId === local.nodeId) return `node ${hello.nodeId} is this node itself`;
    if (expectedNodeId !== undefined && hello.nodeId !== expectedNodeId) {
      return `node ${expectedNodeId} was dialled, ${hello.nodeId} answered`;
    }
    return undefined;
  }

  #onAdmitted(nowMs: number): SessionEffect[] {
    const state = this.#state;
    if (state.type !== "admission") return [];
    this.#liveness = new Liveness(this.#options.timing, nowMs);
    this.#state = { type: "open", liveness: this.#liveness };
    const { agreed, hello } = state;
    const answer = this.#options.dialled ? [] : [this.#ownHello(agreed)];
    return [...answer, { type: "opened", hello, agreed }, ...this.#beat(this.#liveness, nowMs)];
  }

  #onGoodbye(body: Uint8Array, nowMs: number): SessionEffect[] {
    const goodbye = decodeGoodbye(body);
    if (goodbye === undefined) return this.#malformed(nowMs, "a GOODBYE that cannot be read");
    this.#state = { type: "closed" };
    return [
      { type: "ended", code: goodbye.code, reason: goodbye.reason, clean: true },
      { type: "disconnect", reason: goodbye.code },
    ];
  }

  #onPing(type: number, body: Uint8Array, nowMs: number): SessionEffect[] {
    if (this.#state.type !== "open") return this.#malformed(nowMs, "a ping before the opening");
    if (body.length !== 4) return this.#malformed(nowMs, `a ping of ${body.length} bytes, not 4`);
    if (type === frameType.ping) {
      return [{ type: "send-frame", frameType: frameType.pong, body: body.slice() }];
    }
    this.#state.liveness.answered(readU32(body, 0), nowMs);
    return [];
  }

  #beat(liveness: Liveness, nowMs: number): SessionEffect[] {
    if (liveness.dead(nowMs)) {
      // No GOODBYE: a peer that only stood still keeps what it holds when it comes back in time.
      this.#state = { type: "closed" };
      const reason = `no frame for ${this.#options.timing.deadAfterMs} ms`;
      return [
        { type: "ended", code: "HEARTBEAT_TIMEOUT", reason, clean: false },
        { type: "disconnect", reason },
      ];
    }
    const number = liveness.duePing(nowMs);
    if (number === undefined) return [];
    const body = new Uint8Array(4);
    writeU32(body, 0, number);
    return [{ type: "send-frame", frameType: frameType.ping, body }];
  }

  #onLost(reason: string): SessionEffect[] {
    const before = this.#state.type;
    this.#state = { type: "closed" };
    // The connection is gone: nothing is left to cut.
    if (before === "closing" || before === "closed") return [];
    return [{ type: "ended", code: "TRANSPORT_LOST", reason, clean: false }];
  }

  #malformed(nowMs: number, reason: string): SessionEffect[] {
    return this.#goodbye(nowMs, "MALFORMED", reason);
  }

  #goodbye(nowMs: number, code: SessionCloseCode, reason: string): SessionEffect[] {
    this.#state = { type: "closing", deadlineMs: nowMs + this.#options.timing.lingerMs };
    const body = encodeGoodbye(code, reason);
    return [
      { type: "send-frame", frameType: frameType.goodbye, body },
      { type: "ended", code, reason, clean: true },
    ];
  }

  #closed(reason: string): SessionEffect[] {
    this.#state = { type: "closed" };
    return [{ type: "disconnect", reason }];
  }

  #ownHello(agreed: AgreedValues): SessionEffect {
    const hello = encodeHello({ ...this.#options.local, negotiated: agreed.shared });
    return { type: "send-frame", frameType: frameType.hello, body: hello };
  }

  #openTimeoutReason(): string {
    const awaited = this.#state.type === "handshake" ? "advertisement" : "HELLO";
    return `no ${awaited} within ${this.#options.timing.openTimeoutMs} ms`;
  }
}
