import { randomBytes } from "node:crypto";
import type { Http2SecureServer, Http2Session } from "node:http2";
import { type DropArgument, Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Carrier, CarrierListener, CertificateIdentity } from "../carrier.ts";
import { TransportError } from "../transport-error.ts";
import type { Credentials } from "./credentials.ts";
import {
  http2WindowBytes,
  maxConnections,
  maxOpening,
  openTimeoutMs,
  packageOptions,
  sessionPath,
} from "./limits.ts";
import type { WebTransportPackage } from "./load-package.ts";
import {
  assertShape,
  type HttpServer,
  type NativeSession,
  type ServerTransport,
} from "./package-shape.ts";
import { hasCertificate, identityOf, nameDifference } from "./peer-certificate.ts";
import type { RefusalCode, Refusals } from "./refusal.ts";
import { WebTransportCarrier } from "./webtransport-carrier.ts";

/** What a listener needs. */
export interface ListenComponents {
  readonly library: WebTransportPackage;
  readonly credentials: Credentials;
  readonly refusals: Refusals;
}

/** A connection from its first packet to its CONNECT. */
interface Opening {
  readonly address: string;
  readonly timer: NodeJS.Timeout;
}

/** A peer whose certificate was found good. */
interface ProvenPeer {
  readonly socket: TLSSocket;
  readonly identity: CertificateIdentity;
  readonly address: string;
  /** Whether its one session exists. */
  open: boolean;
}

/**
 * Starts to accept peers.
 * @throws {TransportError} `LISTEN_FAILED`, `PACKAGE_CHANGED`.
 */
export async function listenForPeers(
  components: ListenComponents,
  address: { readonly host: string; readonly port: number },
  accept: (carrier: Carrier) => void,
): Promise<WebTransportListener> {
  const listener = new WebTransportListener(components, address, accept);
  await listener.ready();
  return listener;
}

/** The accepting side: one HTTP/2 server of the package, changed at run time. */
export class WebTransportListener implements CarrierListener {
  readonly #refusals: Refusals;
  readonly #accept: (carrier: Carrier) => void;
  readonly #wanted: { readonly host: string; readonly port: number };
  readonly #server: HttpServer;
  readonly #inner: Http2SecureServer;
  readonly #openings = new Map<string, Opening>();
  readonly #addresses = new WeakMap<Socket, string>();
  readonly #peers = new WeakMap<Http2Session, ProvenPeer>();
  #credentials: Credentials;
  /** The peer whose `secureConnection` is being told; HTTP/2 makes its session meanwhile. */
  #arriving: ProvenPeer | undefined;
  #closed = false;

  /** @throws {TransportError} `PACKAGE_CHANGED`. */
  constructor(
    components: ListenComponents,
    address: { readonly host: string; readonly port: number },
    accept: (carrier: Carrier) => void,
  ) {
    this.#refusals = components.refusals;
    this.#credentials = components.credentials;
    this.#accept = accept;
    this.#wanted = address;
    const { cert, key } = components.credentials.secureContext;
    this.#server = new components.library.Http2Server({
      ...packageOptions,
      ...address,
      cert,
      privKey: key,
      secret: randomBytes(16).toString("hex"),
    });
    this.#server.ready.catch(() => undefined);
    this.#server.closed.catch(() => undefined);
    this.#server.startServer();
    const transport = this.#server.transportInt;
    assertShape<ServerTransport>(transport, "a server transport", { serverInt: "object" });
    this.#inner = transport.serverInt;
    this.updateCredentials(components.credentials);
    this.#watchConnections();
    this.#watchSessions();
  }

  get address(): { readonly host: string; readonly port: number } {
    return this.#server.address() ?? this.#wanted;
  }

  /** @throws {TransportError} `LISTEN_FAILED`. */
  async ready(): Promise<void> {
    try {
      await this.#server.ready;
    } catch (cause) {
      const text = cause instanceof Error ? cause.message : String(cause);
      const { host, port } = this.#wanted;
      throw new TransportError("LISTEN_FAILED", `listening on ${host}:${port}: ${text}`, { cause });
    }
  }

  /** Proves and checks by these from the next handshake on; sessions stay. */
  updateCredentials(credentials: Credentials): void {
    this.#credentials = credentials;
    Reflect.set(this.#inner, "requestCert", true);
    Reflect.set(this.#inner, "rejectUnauthorized", !credentials.noCa);
    this.#inner.setSecureContext(credentials.secureContext);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#server.stopServer();
  }

  /** Below HTTP/2: who may connect, for how long, how many. */
  #watchConnections(): void {
    const inner = this.#inner;
    inner.maxConnections = maxConnections;
    inner.on("drop", (data: DropArgument | undefined) => {
      this.#refuse("LIMIT_EXCEEDED", `more than ${maxConnections} connections`, addressOf(data));
    });
    inner.prependListener("connection", (socket: Socket) => {
      this.#beginOpening(socket);
    });
    inner.on("tlsClientError", (error: Error & { code?: string }, socket: TLSSocket) => {
      this.#refuseHandshake(error, socket);
    });
    inner.prependListener("secureConnection", (socket: TLSSocket) => {
      socket.setNoDelay(true);
      socket.on("error", () => undefined);
      this.#arriving = this.#provePeer(socket);
    });
    // After HTTP/2's own listener, which needs a living socket.
    inner.on("secureConnection", (socket: TLSSocket) => {
      if (this.#arriving === undefined) socket.destroy();
      this.#arriving = undefined;
    });
  }

  /** HTTP/2 and above. */
  #watchSessions(): void {
    const inner = this.#inner;
    // Only CONNECT over HTTP/2 is for us; the package would also serve WebSocket upgrades.
    inner.removeAllListeners("upgrade");
    inner.updateSettings({ initialWindowSize: http2WindowBytes });
    inner.prependListener("session", (session: Http2Session) => {
      // The package pings each second, also a session that is destroyed, which throws in a timer.
      session.ping = () => false;
      session.on("error", () => undefined);
      session.setLocalWindowSize(http2WindowBytes);
      if (this.#arriving !== undefined) this.#peers.set(session, this.#arriving);
    });
    this.#server.setRequestCallback(async ({ header }) => {
      const wanted = header[":protocol"] === "webtransport" && header[":path"] === sessionPath;
      return { status: wanted && !this.#closed ? 200 : 404, path: sessionPath };
    });
    const visit = this.#server.onHttpWTSessionVisitor.bind(this.#server);
    this.#server.onHttpWTSessionVisitor = (args) => {
      visit(args);
      this.#adopt(args.session);
    };
  }

  #beginOpening(socket: Socket): void {
    const address = addressOf(socket);
    this.#addresses.set(socket, address);
    socket.on("error", () => undefined);
    if (this.#openings.size >= maxOpening || this.#closed) {
      this.#refuse("LIMIT_EXCEEDED", `more than ${maxOpening} connections at opening`, address);
      socket.destroy();
      return;
    }
    const timer = setTimeout(() => {
      this.#refuse("OPEN_TIMEOUT", `not open after ${openTimeoutMs} ms`, address);
      socket.destroy();
      this.#openings.delete(address);
    }, openTimeoutMs).unref();
    this.#openings.set(address, { address, timer });
    socket.on("close", () => {
      this.#endOpening(address);
    });
  }

  #endOpening(address: string): void {
    clearTimeout(this.#openings.get(address)?.timer);
    this.#openings.delete(address);
  }

  /** @returns undefined after a refusal. */
  #provePeer(socket: TLSSocket): ProvenPeer | undefined {
    const address = addressOf(socket);
    socket.on("close", () => {
      this.#endOpening(address);
    });
    if (socket.alpnProtocol !== "h2") {
      this.#refuse("REQUEST_REFUSED", "the peer did not choose HTTP/2", address);
      return undefined;
    }
    const certificate = socket.getPeerCertificate();
    if (!hasCertificate(certificate)) {
      this.#refuse("CERTIFICATE_MISSING", "the peer showed no certificate", address);
      return undefined;
    }
    const identity = identityOf(certificate);
    const difference = nameDifference(identity, this.#credentials.identity);
    if (identity === undefined || difference !== undefined) {
      this.#refuse("IDENTITY_MISMATCH", difference ?? "", address);
      return undefined;
    }
    return { socket, identity, address, open: false };
  }

  #adopt(native: unknown): void {
    assertShape<Pick<NativeSession, "capsParser">>(native, "a native session", {
      capsParser: "object",
    });
    const http2Session = native.capsParser.stream.session;
    const peer = http2Session === undefined ? undefined : this.#peers.get(http2Session);
    if (http2Session === undefined || peer === undefined || peer.open) {
      if (peer !== undefined) {
        this.#refuse("REQUEST_REFUSED", "a second session on one connection", peer.address);
      }
      native.capsParser.stream.destroy();
      return;
    }
    peer.open = true;
    this.#endOpening(peer.address);
    const carrier = new WebTransportCarrier({
      native,
      dialled: false,
      peer: peer.identity,
      remoteAddress: peer.address,
      http2Session,
      socket: peer.socket,
      onFault: (reason) => {
        this.#refuse("MALFORMED", reason, peer.address);
      },
    });
    this.#accept(carrier);
  }

  #refuseHandshake(error: Error & { code?: string }, socket: TLSSocket): void {
    // Set when the certificate was looked at and found wanting; typed as an Error, in truth a code.
    const found: unknown = socket.authorizationError;
    const address = this.#addressOfEnded(socket);
    if (typeof found === "string" || found instanceof Error) {
      const reason = `its certificate was refused: ${typeof found === "string" ? found : found.message}`;
      this.#refuse("CERTIFICATE_REFUSED", reason, address);
    } else if (error.code === "ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE") {
      this.#refuse("CERTIFICATE_MISSING", "the peer showed no certificate", address);
    } else {
      this.#refuse("TLS_FAILED", `${error.code ?? "no code"}: ${error.message}`, address);
    }
  }

  /** A destroyed TLS socket has forgotten its peer; the TCP socket beneath was asked in time. */
  #addressOfEnded(socket: TLSSocket): string {
    const beneath: unknown = Reflect.get(socket, "_parent");
    const known = beneath instanceof Socket ? this.#addresses.get(beneath) : undefined;
    return known ?? addressOf(socket);
  }

  #refuse(code: RefusalCode, reason: string, address: string): void {
    this.#refusals.add({ code, reason, address });
  }
}

function addressOf(
  socket:
    | {
        readonly remoteAddress?: string | undefined;
        readonly remotePort?: number | undefined;
      }
    | undefined,
): string {
  return `${socket?.remoteAddress ?? "unknown"}:${socket?.remotePort ?? 0}`;
}
