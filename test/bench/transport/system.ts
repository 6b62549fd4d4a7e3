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
  /** Starts a server that sends back each message; @returns what a client needs to reach it. */
  serve(): Promise<Address>;
  connect(address: Address): Promise<EchoClient>;
}

/** Where a server is, and whatever else its client must know. */
export interface Address {
  readonly port: number;
  readonly detail?: string;
}
