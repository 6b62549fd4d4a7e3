/**
 * One control stream: Connect over HTTP/2 and TLS, from the opening to its end. Carries messages,
 * decides nothing. A connection that died without a word is noticed by HTTP/2 pings.
 */
import { connect, type TLSSocket } from "node:tls";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport, Http2SessionManager } from "@connectrpc/connect-node";
import {
  type AttachRequest,
  type AttachResponse,
  ControlService,
  type Refusal,
  RefusalSchema,
} from "../../proto/gen/spillway/control/v1/control_pb.ts";
import { controlServerName, streamLimits } from "./limits.ts";
import { Outbox } from "./outbox.ts";

/** How a dead connection is noticed. */
export interface StreamPings {
  /** A stream in silence for this long is asked whether it lives. */
  readonly pingIntervalMs: number;
  /** It is over when there is no answer within this. */
  readonly pingTimeoutMs: number;
}

/** What an opening needs. */
export interface ControlStreamOptions {
  /** "HOST:PORT". */
  readonly address: string;
  /** PEMs of the authorities that the operator is checked against, one certificate each. */
  readonly authorities: readonly string[];
  /** A ServiceAccount token; a secret. */
  readonly token: string;
  /** The first message. */
  readonly hello: AttachRequest;
  /** How a dead connection is noticed. @default streamLimits */
  readonly pings?: StreamPings;
}

/** What a stream tells. Nothing more comes after `ended`, and nothing after `close`. */
export interface ControlStreamEvents {
  readonly received: (message: AttachResponse) => void;
  readonly ended: (end: StreamEnd) => void;
}

/** How a stream ended. */
export interface StreamEnd {
  /** What the operator said, if it said anything. */
  readonly refusal: Refusal | undefined;
  /** One sentence. */
  readonly reason: string;
}

/** An open stream, or one at its opening. */
export class ControlStream {
  /** The token that the stream was opened with; a secret, kept to tell a fresh one. */
  token: string;
  readonly #events: ControlStreamEvents;
  readonly #outbox = new Outbox<AttachRequest>(streamLimits.waitingMessages);
  readonly #session: Http2SessionManager;
  readonly #abort = new AbortController();
  #socket: TLSSocket | undefined;
  #closed = false;

  /** Begins the opening; how it went is told by the events. */
  constructor(options: ControlStreamOptions, events: ControlStreamEvents) {
    this.#events = events;
    this.token = options.token;
    const baseUrl = `https://${options.address}`;
    const { pingIntervalMs, pingTimeoutMs } = options.pings ?? streamLimits;
    this.#session = new Http2SessionManager(
      baseUrl,
      { pingIntervalMs, pingTimeoutMs },
      { createConnection: () => this.#connect(options) },
    );
    this.#outbox.push(options.hello);
    void this.#run(baseUrl);
  }

  /** Sends a message; the stream ends when too many wait for an operator that does not read. */
  send(message: AttachRequest): void {
    if (this.#closed || this.#outbox.push(message)) return;
    const bound = String(streamLimits.waitingMessages);
    this.#end({ refusal: undefined, reason: `${bound} messages wait for the operator` });
  }

  /** Ends the stream; no event comes after it. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#outbox.close();
    this.#abort.abort();
    // The manager's own `abort` takes its listener of errors away first: the error of a connection
    // whose ping was not answered would then end the process.
    this.#socket?.destroy();
  }

  #connect({ address, authorities }: ControlStreamOptions): TLSSocket {
    const colon = address.lastIndexOf(":");
    this.#socket = connect({
      host: address.slice(0, colon).replace(/^\[|\]$/g, ""),
      port: Number(address.slice(colon + 1)),
      ca: authorities.slice(),
      // Whatever address is dialled: other sidecars' certificates come from the same authority.
      servername: controlServerName,
      minVersion: "TLSv1.3",
      ALPNProtocols: ["h2"],
    });
    if (this.#closed) this.#socket.destroy();
    return this.#socket;
  }

  async #run(baseUrl: string): Promise<void> {
    const { messageBytes } = streamLimits;
    const transport = createConnectTransport({
      baseUrl,
      httpVersion: "2",
      sessionManager: this.#session,
      readMaxBytes: messageBytes,
      writeMaxBytes: messageBytes,
      // Compressed on the way down, a message within the bound could be one far beyond it.
      acceptCompression: [],
    });
    const headers = { authorization: `Bearer ${this.token}` };
    const options = { headers, signal: this.#abort.signal };
    try {
      const answers = createClient(ControlService, transport).attach(this.#outbox, options);
      for await (const message of answers) {
        if (this.#closed) return;
        this.#events.received(message);
      }
      this.#end({ refusal: undefined, reason: "the operator ended the stream" });
    } catch (error) {
      this.#end(endOf(error));
    }
  }

  #end(end: StreamEnd): void {
    if (this.#closed) return;
    this.close();
    this.#events.ended(end);
  }
}

/** Errors of Connect, translated where they enter. */
function endOf(error: unknown): StreamEnd {
  const failure = ConnectError.from(error);
  const [refusal] = failure.findDetails(RefusalSchema);
  const reason = `the stream to the operator: ${Code[failure.code]}, ${failure.rawMessage}`;
  return { refusal, reason };
}
