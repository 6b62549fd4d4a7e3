/** The control listener: Connect over HTTP/2 and TLS 1.3. */
import { once } from "node:events";
import { createSecureServer, type Http2SecureServer, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import { ConnectError, createContextKey, type HandlerContext } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import {
  type AttachRequest,
  type AttachResponse,
  ControlService,
  type Hello,
  type Refusal,
  RefusalCode,
} from "../../proto/gen/spillway/control/v1/control_pb.ts";
import type { IssuedCertificate } from "../../sidecar/runtime/certificate.ts";
import type { Logger, Timers } from "../../sidecar/runtime/index.ts";
import { ControlError } from "./control-error.ts";
import type { ControlHub } from "./control-hub.ts";
import { controlLimits } from "./control-limits.ts";
import type { HubDriver } from "./hub-driver.ts";
import type { StreamId } from "./hub-messages.ts";
import { invalid } from "./message-refusals.ts";
import type { PodIdentity } from "./pod-identity.ts";
import type { ControlPlaneHandles } from "./metrics.ts";
import { codeName, refusal } from "./refusal.ts";
import { refusalError } from "./refusal-error.ts";
import { StreamLine } from "./stream-line.ts";
import type { TokenReviewer } from "./token-reviewer.ts";

/** What a server works with. */
export interface ControlServerComponents {
  readonly hub: ControlHub;
  readonly driver: HubDriver;
  readonly reviewer: TokenReviewer;
  readonly timers: Timers;
  readonly log: Logger;
  readonly metrics: ControlPlaneHandles;
}

/** Where to listen. */
export interface ListenOptions {
  /** An IP address. */
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
}

/** A connection on which nothing moves is closed; reports move more often. */
const idleConnectionMs = 120_000;
const handshakeTimeoutMs = 10_000;

interface Authenticated {
  readonly identity: PodIdentity;
  readonly expiresInMs: number;
}

const authenticated = createContextKey<Authenticated | undefined>(undefined);

/** The listener. */
export class ControlServer {
  readonly #components: ControlServerComponents;
  readonly #server: Http2SecureServer;
  readonly #connections = new Set<ServerHttp2Session>();
  #lastStream: StreamId = 0;

  /** @param certificate of this listener, under the cluster's authority. */
  constructor(components: ControlServerComponents, certificate: IssuedCertificate) {
    this.#components = components;
    const handler = connectNodeAdapter({
      routes: (router) => {
        router.service(ControlService, {
          attach: (requests, context) => this.#attach(requests, context),
        });
      },
      grpc: false,
      grpcWeb: false,
      acceptCompression: [],
      readMaxBytes: controlLimits.maxMessageBytes,
      writeMaxBytes: controlLimits.maxMessageBytes,
      requestGate: (context) => this.#admit(context),
    });
    this.#server = createSecureServer(
      {
        ...keyPair(certificate),
        allowHTTP1: false,
        minVersion: "TLSv1.3",
        handshakeTimeout: handshakeTimeoutMs,
        settings: { maxConcurrentStreams: 4 },
      },
      handler,
    );
    this.#server.maxConnections = controlLimits.maxStreams;
    this.#watch();
  }

  /**
   * Opens the listener.
   * @returns the port.
   * @throws {ControlError} `LISTEN_FAILED`.
   */
  async listen({ host, port }: ListenOptions): Promise<number> {
    try {
      this.#server.listen(port, host);
      await once(this.#server, "listening");
    } catch (cause) {
      throw new ControlError(
        "LISTEN_FAILED",
        `${host}:${port.toString()} can't be listened on: ${messageOf(cause)}. Free the port, or ` +
          "configure another one.",
        { cause },
      );
    }
    return addressOf(this.#server).port;
  }

  /** From now on new connections see this certificate; open ones stay. */
  updateCertificate(certificate: IssuedCertificate): void {
    this.#server.setSecureContext({ ...keyPair(certificate), minVersion: "TLSv1.3" });
  }

  /**
   * Closes the listener. Streams end by what the hub told them; a connection that is not gone after
   * `graceMs` is cut.
   */
  async close(graceMs: number): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const connection of this.#connections) connection.close();
    const cancel = this.#components.timers.after(graceMs, () => {
      for (const connection of this.#connections) connection.destroy();
    });
    await closed;
    cancel();
  }

  /** Before anything of a stream is read: is this the leader, and whose token is this? */
  async #admit(context: HandlerContext): Promise<void> {
    const { hub, reviewer } = this.#components;
    const refused = hub.refusesAll();
    if (refused !== undefined) throw this.#refused(refused);
    const token = /^Bearer ([^\s]+)$/i.exec(context.requestHeader.get("authorization") ?? "")?.[1];
    if (token === undefined) throw this.#refused(tokenMissing());
    const reviewed = await reviewer.review(token);
    if (!reviewed.ok) throw this.#refused(reviewed.refusal);
    context.values.set(authenticated, reviewed);
  }

  async *#attach(
    requests: AsyncIterable<AttachRequest>,
    context: HandlerContext,
  ): AsyncGenerator<AttachResponse> {
    const { driver } = this.#components;
    const who = context.values.get(authenticated);
    if (who === undefined) throw this.#refused(tokenMissing());
    const line = new StreamLine();
    context.signal.addEventListener("abort", () => {
      line.close();
    });
    const incoming = requests[Symbol.asyncIterator]();
    const hello = await this.#hello(incoming);
    this.#lastStream += 1;
    const stream = this.#lastStream;
    driver.open(stream, line);
    try {
      driver.tell({ type: "attached", stream, ...who, hello });
      void this.#listen(stream, incoming, line);
      const ended = yield* line.messages(() => driver.take(stream));
      if (ended !== undefined) throw this.#refused(ended);
    } catch (error) {
      throw error instanceof ConnectError ? error : this.#refused(this.#failed(stream, error));
    } finally {
      driver.close(stream);
    }
  }

  async #hello(incoming: AsyncIterator<AttachRequest>): Promise<Hello> {
    const { helloTimeoutMs } = controlLimits;
    let cancel = (): void => undefined;
    const late = new Promise<"late">((resolve) => {
      cancel = this.#components.timers.after(helloTimeoutMs, () => {
        resolve("late");
      });
    });
    const first = await Promise.race([incoming.next(), late]).finally(() => {
      cancel();
    });
    if (first === "late") {
      throw this.#refused(
        invalid("hello", `it did not come within ${helloTimeoutMs.toString()} ms`),
      );
    }
    if (first.done === true || first.value.kind.case !== "hello") {
      throw this.#refused(invalid("hello", "it is not the first message"));
    }
    return first.value.kind.value;
  }

  async #listen(
    stream: StreamId,
    incoming: AsyncIterator<AttachRequest>,
    line: StreamLine,
  ): Promise<void> {
    try {
      for (;;) {
        const request = await this.#next(stream, incoming, line);
        if (request === undefined) return;
        this.#components.driver.tell({ type: "message", stream, request });
      }
    } catch (error) {
      line.end(this.#failed(stream, error));
    }
  }

  /** @returns the next message; undefined when none comes any more: the line has ended. */
  async #next(
    stream: StreamId,
    incoming: AsyncIterator<AttachRequest>,
    line: StreamLine,
  ): Promise<AttachRequest | undefined> {
    try {
      const next = await incoming.next();
      if (next.done !== true) return next.value;
      line.close();
    } catch (error) {
      // What is no message of ours, too long a one, or a connection that broke: the same end.
      this.#components.log.debug({ err: error, stream }, "control stream can't be read");
      line.end(invalid("stream", error instanceof ConnectError ? error.rawMessage : "it broke"));
    }
    return undefined;
  }

  /** The error that a stream ends with, counted. */
  #refused(ended: Refusal): ConnectError {
    this.#components.metrics.refusals.inc({ code: codeName(ended) });
    return refusalError(ended);
  }

  /** A fault of this program, not of the sidecar: it ends one stream. */
  #failed(stream: StreamId, error: unknown): Refusal {
    this.#components.log.error({ err: error, stream }, "a control stream failed in this operator");
    return operatorFailed();
  }

  /** Nothing that a client does on a connection may end the process. */
  #watch(): void {
    const { log } = this.#components;
    this.#server.on("session", (connection) => {
      this.#connections.add(connection);
      connection.setTimeout(idleConnectionMs, () => {
        connection.destroy();
      });
      connection.on("close", () => this.#connections.delete(connection));
      connection.on("error", (err) => {
        log.debug({ err }, "control connection failed");
      });
    });
    this.#server.on("tlsClientError", (err) => {
      log.debug({ err }, "control connection refused");
    });
    this.#server.on("error", (err) => {
      log.error({ err }, "control listener failed");
    });
  }
}

function keyPair({ certificatePem, privateKeyPem }: IssuedCertificate) {
  return { cert: certificatePem, key: privateKeyPem };
}

function addressOf(server: Http2SecureServer): AddressInfo {
  const address = server.address();
  if (address === null || typeof address === "string") {
    throw new ControlError("LISTEN_FAILED", "the listener has no port");
  }
  return address;
}

function tokenMissing() {
  const message =
    "There is no token: send the header authorization: Bearer TOKEN with the pod's projected " +
    "ServiceAccount token.";
  return refusal(RefusalCode.TOKEN_MISSING, message);
}

function operatorFailed() {
  const message = "The operator failed at this stream; its log says why. Attach again.";
  return refusal(RefusalCode.OPERATOR_FAILED, message, { retryAfterMs: 5_000 });
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
