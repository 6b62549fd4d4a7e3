/**
 * Why an item is not moving: every code that `explain` answers with. Closed; docs/errors.md lists
 * it.
 */
export const reasonCodes = [
  /** It waits until a time: its delay, or the backoff after a failed attempt. */
  "DELAYED",
  /** An earlier item with the same ordering key is not over. */
  "ORDERING_KEY_BLOCKED",
  /** The Demand is paused: nothing is granted. */
  "PAUSED",
  /** The sidecar is ending: no new provider is let in, those connected go on. */
  "DRAINING",
  /** No provider is connected to the queue. */
  "NO_PROVIDER",
  /** Providers are connected and give no credit: their slots are taken, or nobody pulls. */
  "NO_CREDIT",
  /** Nothing accepts a connection on the port of a provider's application. */
  "APPLICATION_NOT_LISTENING",
  /** A provider's application listens and says that it is not ready, or was not asked yet. */
  "APPLICATION_NOT_READY",
  /** A provider is not let in: its contract is another one. */
  "TYPE_MISMATCH",
  /** A provider has the item. */
  "LEASED",
  /** The provider that has the item cannot be reached; its lease runs. */
  "PROVIDER_LOST",
  /** The item has its outcome. */
  "ENDED",
] as const;

/** One of the closed list. */
export type ReasonCode = (typeof reasonCodes)[number];
