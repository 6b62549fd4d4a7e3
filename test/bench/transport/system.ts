/** What is measured: something that sends a message and gets it back from another process. */
export interface EchoClient {
  /** Sends one message. */
  send(message: Buffer): void;
  /** Sets the one receiver of echoes. */
  onEcho(listener: (length: number) => void): void;
  close(): void;
}

/** One way of carrying messages between two processes. */
export interface EchoSystem {
  /** Starts a server that sends back each message; @returns its port on 127.0.0.1. */
  serve(): Promise<number>;
  connect(port: number): Promise<EchoClient>;
}
