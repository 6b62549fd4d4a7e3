/**
 * One forwarded connection as a stream of bytes. Each message of the web socket begins with the
 * number of a channel: 0 carries data both ways, 1 what went wrong. The first message of each
 * channel from the pod is the port, two bytes.
 * Source: k8s.io/kubelet, `portforward/websocket.go` (v4.channel.k8s.io).
 */
import { Duplex } from "node:stream";

/** Words of the protocol, in the order of preference. */
export const forwardProtocols = ["v4.channel.k8s.io"] as const;

/** What is used of a web socket. */
export interface MessageSocket {
  send(data: Uint8Array, sent: (error?: Error | null) => void): void;
  /** Stops and goes on reading. */
  pause(): void;
  resume(): void;
  close(): void;
  /** Drops it without a word. */
  terminate(): void;
  onMessage(listener: (message: Uint8Array) => void): void;
  onClose(listener: (reason: string) => void): void;
}

const dataChannel = 0;
const errorChannel = 1;
const portBytes = 2;
/** Characters of an error that are kept. */
const maxErrorLength = 2_000;

/** See the head of the file. Ends with an error when the pod said what went wrong. */
export class ForwardStream extends Duplex {
  readonly #socket: MessageSocket;
  /** Channels whose port has come. */
  readonly #begun = new Set<number>();
  #refusal = "";

  /** @param errorOf makes an error of what the pod said, or of a connection that broke. */
  constructor(socket: MessageSocket, errorOf: (said: string) => Error) {
    super();
    this.#socket = socket;
    socket.onMessage((message) => {
      this.#take(message);
    });
    socket.onClose((reason) => {
      if (this.#refusal !== "") this.destroy(errorOf(this.#refusal));
      else if (reason !== "") this.destroy(errorOf(reason));
      else this.push(null);
    });
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(
    chunk: Uint8Array,
    _encoding: BufferEncoding,
    done: (error?: Error | null) => void,
  ): void {
    const message = new Uint8Array(chunk.length + 1);
    message[0] = dataChannel;
    message.set(chunk, 1);
    this.#socket.send(message, done);
  }

  /** The protocol cannot say that one direction has ended. */
  override _final(done: (error?: Error | null) => void): void {
    this.#socket.close();
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.terminate();
    done(error);
  }

  #take(message: Uint8Array): void {
    const [channel] = message;
    if (channel !== dataChannel && channel !== errorChannel) return;
    const skip = this.#begun.has(channel) ? 0 : portBytes;
    this.#begun.add(channel);
    const rest = message.subarray(1 + skip);
    if (rest.length === 0) return;
    if (channel === dataChannel) {
      if (!this.push(rest)) this.#socket.pause();
      return;
    }
    this.#refusal = (this.#refusal + new TextDecoder().decode(rest)).slice(0, maxErrorLength);
    // The pod says one thing and then leaves the connection open.
    this.#socket.close();
  }
}
