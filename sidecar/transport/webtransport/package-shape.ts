/**
 * The inside of `@fails-components/webtransport` 1.6.8 that this folder reaches into, as types,
 * each with a check that it is there. A missing part is one error that names it, never a silent
 * fall-back: see the tests under test/integration/transport, one for each change at run time.
 */
import type { EventEmitter } from "node:events";
import type { ClientHttp2Session, Http2SecureServer, ServerHttp2Stream } from "node:http2";
import { TransportError } from "../transport-error.ts";

/** `HttpServer` (lib/server.js). */
export interface HttpServer {
  readonly ready: Promise<unknown>;
  readonly closed: Promise<unknown>;
  transportInt: unknown;
  startServer(): void;
  stopServer(): void;
  address(): { readonly host: string; readonly port: number } | null;
  setRequestCallback(callback: RequestCallback): void;
  /** Ours replaces it on the instance: it gets each session before any byte of it is read. */
  onHttpWTSessionVisitor(args: SessionVisit): void;
  /** Ours replaces it on the instance, to know which HTTP/2 stream asks. */
  onSessionRequest(args: { readonly session: ServerHttp2Stream }): void;
}

/** Decides on a CONNECT; must answer always and never throw. */
export type RequestCallback = (request: {
  readonly header: Readonly<Record<string, unknown>>;
}) => Promise<{ readonly status: number; readonly path: string }>;

/** What `onHttpWTSessionVisitor` is told. */
export interface SessionVisit {
  readonly session: unknown;
}

/** `Http2WebTransportServer` (lib/http2/node/server.js). */
export interface ServerTransport {
  readonly serverInt: Http2SecureServer;
}

/** `WebTransport` (lib/webtransport.node.js). */
export interface ClientTransport {
  readonly ready: Promise<unknown>;
  readonly closed: Promise<unknown>;
  readonly draining: Promise<unknown>;
  readonly sessionint: unknown;
}

/** `HttpWTSession` (lib/session.js): the package's public face of a session. */
export interface SessionFace {
  readonly ready: Promise<unknown>;
  readonly closed: Promise<unknown>;
  readonly draining: Promise<unknown>;
  close(info: { readonly closeCode: number; readonly reason: string }): void;
  /** Ours replaces it on the instance: no web streams are made. */
  onStream(args: { readonly stream: unknown; readonly incoming: boolean }): void;
}

/** `HttpWTSession` at the dialling side, before its native session exists. */
export interface ClientSessionFace extends SessionFace {
  readonly parentobj: unknown;
  /** Ours wraps it on the instance: it gets the native session before any byte of it is read. */
  setSessionObj(session: unknown, reliable: boolean): void;
}

/** `HttpClient` (lib/client.js). */
export interface HttpClient {
  readonly transportInt: unknown;
  onClientWebTransportSupport(args: object): void;
}

/** `Http2WebTransportClient` (lib/http2/node/client.js). */
export interface ClientInner {
  readonly clientInt: ClientHttp2Session;
}

/** `Http2WebTransportSession` (lib/http2/session.js). */
export interface NativeSession {
  readonly jsobj: SessionFace;
  readonly capsParser: CapsuleParser;
  readonly flowController: FlowController;
  orderBidiStream(options: {
    readonly sendGroup: null;
    readonly sendOrder: number;
    readonly waitUntilAvailable: boolean;
  }): boolean;
}

/** `FlowController` (lib/http2/flowcontroller.js): only its initial values are read. */
export interface FlowController {
  readonly sendWindowOffset: bigint;
  readonly receiveWindowOffset: bigint;
}

/** `Http2CapsuleParser` (lib/http2/node/capsuleparser.js). */
export interface CapsuleParser {
  readonly stream: CapsuleStream;
  readonly initialStreamSendWindowOffsetBidi: number;
  readonly initialStreamReceiveWindowOffset: number;
  readonly wtstreams: { delete(id: bigint): boolean };
  readonly scheduler: { Unregister(id: bigint): void };
  /** Ours replaces it on the instance. */
  parseData(chunk: Uint8Array): void;
  /** Ours replaces it on the instance; the package calls it at `drain`. */
  drainWrites(): void;
  newStream(
    id: bigint,
    priority: { readonly sendOrder: number; readonly sendGroupId: bigint },
  ): unknown;
  onCloseWebTransportSession(close: { readonly code: number; readonly reason: string }): void;
}

/** The part of an HTTP/2 stream that carries the capsules. */
export type CapsuleStream = EventEmitter &
  Pick<
    ServerHttp2Stream,
    "cork" | "destroy" | "destroyed" | "resume" | "session" | "uncork" | "writableLength" | "write"
  >;

/** `Http2WebTransportStream` (lib/http2/stream.js). */
export interface NativeStream {
  readonly streamid: bigint;
}

/** What `typeof` must answer for a member. */
type Kind = "function" | "object" | "number" | "bigint";

/**
 * Checks that a part of the package has the members we use, and gives it their type.
 * @param what name of the part, for the error.
 * @throws {TransportError} `PACKAGE_CHANGED` naming version, part and member.
 */
export function assertShape<T>(
  value: unknown,
  what: string,
  members: Readonly<Record<keyof T & string, Kind>>,
): asserts value is T {
  for (const [member, kind] of Object.entries(members)) {
    const found: unknown =
      typeof value === "object" && value !== null ? Reflect.get(value, member) : undefined;
    if (typeof found !== kind || found === null) {
      throw new TransportError(
        "PACKAGE_CHANGED",
        `@fails-components/webtransport 1.6.8 is expected: ${what} has no ${member} ` +
          `(${String(kind)} wanted, ${found === null ? "null" : typeof found} found)`,
      );
    }
  }
}
