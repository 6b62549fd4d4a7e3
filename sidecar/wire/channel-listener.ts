import type { WireBreach } from "./wire-breach.ts";

/** Whom a mux tells. One object for its life, so that nothing is allocated per message. */
export interface ChannelListener {
  /** @param message a view that is valid only during the call. */
  onMessage(channel: number, message: Uint8Array): void;
  /** The peer closed the channel; all its messages have been delivered. */
  onChannelClosed(channel: number): void;
  /** Something waits to be sent: call `pump` and flush the writer at the end of the turn. */
  onPending(): void;
  /** The session is to be ended. The mux has stopped. */
  onBreach(breach: WireBreach): void;
}
