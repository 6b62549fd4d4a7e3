import type { ClientHttp2Session } from "node:http2";
import type { ConnectionOptions, PeerCertificate, TLSSocket } from "node:tls";
import type { CertificateIdentity } from "../carrier.ts";
import type { DialTarget } from "../ports.ts";
import { TransportError } from "../transport-error.ts";
import type { Credentials } from "./credentials.ts";
import { http2WindowBytes, openTimeoutMs, packageOptions, sessionPath } from "./limits.ts";
import type { WebTransportPackage } from "./load-package.ts";
import {
  assertShape,
  type ClientInner,
  type ClientSessionFace,
  type ClientTransport,
  type HttpClient,
} from "./package-shape.ts";
import { hasCertificate, identityOf, nameDifference } from "./peer-certificate.ts";
import { withTlsConnect } from "./tls-connect.ts";
import { WebTransportCarrier } from "./webtransport-carrier.ts";

/** What a dial needs. */
export interface DialComponents {
  readonly library: WebTransportPackage;
  readonly credentials: Credentials;
  /** Told when the peer breaks the protocol after the opening. */
  readonly onFault: (reason: string, address: string) => void;
}

/**
 * Opens a connection to `target` and proves who answers.
 * @param signal as in `CarrierFactory.dial`; without an abort the dial fails after `openTimeoutMs`.
 * @throws {TransportError} `DIAL_FAILED`, `IDENTITY_MISMATCH`, `PACKAGE_CHANGED`.
 */
export async function dialPeer(
  components: DialComponents,
  target: DialTarget,
  signal: AbortSignal,
): Promise<WebTransportCarrier> {
  const attempt = new DialAttempt(components, target);
  return attempt.run(signal);
}

/** One dial, until it gives a carrier or has failed and left nothing behind. */
class DialAttempt {
  readonly #components: DialComponents;
  readonly #target: DialTarget;
  readonly #address: string;
  #socket: TLSSocket | undefined;
  #client: HttpClient | undefined;
  #http2Session: ClientHttp2Session | undefined;
  #peer: CertificateIdentity | undefined;
  #carrier: WebTransportCarrier | undefined;
  #settled = false;
  #resolve: (carrier: WebTransportCarrier) => void = () => undefined;
  #reject: (error: TransportError) => void = () => undefined;

  constructor(components: DialComponents, target: DialTarget) {
    this.#components = components;
    this.#target = target;
    const host = target.host.includes(":") ? `[${target.host}]` : target.host;
    this.#address = `${host}:${target.port}`;
  }

  async run(signal: AbortSignal): Promise<WebTransportCarrier> {
    const abort = () => {
      this.#fail("DIAL_FAILED", `${this.#where()}: the time for the opening is over`);
    };
    const timer = setTimeout(abort, openTimeoutMs);
    signal.addEventListener("abort", abort, { once: true });
    try {
      return await new Promise<WebTransportCarrier>((resolve, reject) => {
        this.#resolve = resolve;
        this.#reject = reject;
        if (signal.aborted) abort();
        else this.#begin();
      });
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
    }
  }

  #begin(): void {
    try {
      const { WebTransport } = this.#components.library;
      const url = `https://${this.#address}${sessionPath}`;
      const { made, socket } = withTlsConnect(
        (connect, options) => this.#connectSocket(connect, options),
        () => new WebTransport(url, { ...packageOptions, forceReliable: true }),
      );
      // Each is rejected at some end; nobody else listens.
      made.ready.catch(() => undefined);
      made.closed.catch(() => undefined);
      made.draining.catch(() => undefined);
      this.#socket = socket;
      this.#takeOver(made);
    } catch (cause) {
      const code = cause instanceof TransportError ? cause.code : "DIAL_FAILED";
      const text = cause instanceof Error ? cause.message : String(cause);
      this.#fail(code, `${this.#where()}: ${text}`, cause);
    }
  }

  /** Called once by the package, synchronously: the one place to give TLS what it needs. */
  #connectSocket(
    connect: (options: ConnectionOptions) => TLSSocket,
    options: ConnectionOptions,
  ): TLSSocket {
    const { noCa, secureContext } = this.#components.credentials;
    const socket = connect({
      ...options,
      ...secureContext,
      rejectUnauthorized: !noCa,
      checkServerIdentity: (_host, certificate) => this.#checkPeer(certificate),
    });
    socket.setNoDelay(true);
    socket.on("error", (cause: Error) => {
      this.#fail("DIAL_FAILED", `${this.#where()}: ${cause.message}`, cause);
    });
    socket.on("close", () => {
      this.#fail(
        "DIAL_FAILED",
        `${this.#where()}: closed while opening; if our certificate was refused, the reason is in ` +
          "the log of the other side",
      );
    });
    if (noCa) {
      // Before the package's own listener, which refuses what no authority vouches for.
      socket.on("secureConnect", () => {
        const difference = this.#nameDifference(socket.getPeerCertificate());
        if (difference === undefined) {
          socket.authorized = true;
          return;
        }
        // Not at once: the package's listener comes next and throws when its session is destroyed.
        process.nextTick(() => {
          this.#fail("IDENTITY_MISMATCH", `${this.#where()}: ${difference}`);
        });
      });
    }
    return socket;
  }

  /** @returns an error inside the handshake when the certificate is not the dialled node's. */
  #checkPeer(certificate: PeerCertificate): Error | undefined {
    const difference = this.#nameDifference(certificate);
    if (difference === undefined) return undefined;
    this.#fail("IDENTITY_MISMATCH", `${this.#where()}: ${difference}`);
    return new Error(difference);
  }

  /** Reads the certificate, once; @returns what differs from the node that was dialled. */
  #nameDifference(certificate: PeerCertificate): string | undefined {
    const peer = hasCertificate(certificate) ? identityOf(certificate) : undefined;
    this.#peer = peer;
    return nameDifference(peer, this.#components.credentials.identity, this.#target.nodeId);
  }

  #takeOver(made: ClientTransport): void {
    const face = clientFace(made.sessionint);
    const client = face.parentobj;
    assertShape<HttpClient>(client, "a client", {
      transportInt: "object",
      onClientWebTransportSupport: "function",
    });
    this.#client = client;
    assertShape<ClientInner>(client.transportInt, "a client transport", { clientInt: "object" });
    const http2Session = client.transportInt.clientInt;
    this.#http2Session = http2Session;
    // The package pings each second, also a session that is destroyed, which throws in a timer.
    http2Session.ping = () => false;
    http2Session.on("error", () => undefined);
    http2Session.settings({ initialWindowSize: http2WindowBytes });
    http2Session.once("connect", () => {
      if (!http2Session.destroyed) http2Session.setLocalWindowSize(http2WindowBytes);
    });
    const setSessionObj = face.setSessionObj.bind(face);
    face.setSessionObj = (native, reliable) => {
      setSessionObj(native, reliable);
      this.#adopt(native, http2Session);
    };
    made.ready.then(
      () => {
        this.#succeed();
      },
      (cause: unknown) => {
        const text = cause instanceof Error ? cause.message : String(cause);
        this.#fail("DIAL_FAILED", `${this.#where()}: ${text}`, cause);
      },
    );
  }

  /** The CONNECT is being sent: from here on every byte of the session is ours to read. */
  #adopt(native: unknown, http2Session: ClientHttp2Session): void {
    const [socket, peer] = [this.#socket, this.#peer];
    if (socket === undefined || peer === undefined || this.#settled) {
      http2Session.destroy();
      return;
    }
    const remoteAddress = `${socket.remoteAddress ?? this.#target.host}:${this.#target.port}`;
    this.#carrier = new WebTransportCarrier({
      native,
      dialled: true,
      peer,
      remoteAddress,
      http2Session,
      socket,
      onFault: (reason) => {
        this.#components.onFault(reason, remoteAddress);
      },
    });
  }

  #succeed(): void {
    const carrier = this.#carrier;
    if (carrier === undefined) {
      this.#fail("PACKAGE_CHANGED", "the session was ready before it was handed over");
      return;
    }
    if (this.#settled) return;
    this.#settled = true;
    this.#resolve(carrier);
  }

  /** Ends what was begun, so that no timer or socket of it stays; only the first call counts. */
  #fail(code: TransportError["code"], message: string, cause?: unknown): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#http2Session?.destroy(new Error(message));
    this.#socket?.destroy();
    // Ends the package's wait for settings, whose timer would keep the process alive.
    this.#client?.onClientWebTransportSupport({});
    this.#reject(new TransportError(code, message, cause === undefined ? undefined : { cause }));
  }

  #where(): string {
    return `dialling ${this.#target.nodeId} at ${this.#address}`;
  }
}

function clientFace(face: unknown): ClientSessionFace {
  assertShape<ClientSessionFace>(face, "a client session", {
    ready: "object",
    closed: "object",
    draining: "object",
    close: "function",
    onStream: "function",
    parentobj: "object",
    setSessionObj: "function",
  });
  return face;
}
