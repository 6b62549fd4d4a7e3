/** Every bound of the HTTP interfaces; docs/limits.md names them. */

/** Largest binary payload: a message of 16 MiB holds it beside its other fields. */
const payloadBytes = 16 * 1024 * 1024 - 64 * 1024;

/** Bounds; times in ms, sizes in bytes. */
export const apiLimits = {
  payloadBytes,
  /** A JSON body: bytes fields are a third longer as base64. Also the bound of a whole batch. */
  jsonBodyBytes: 24 * 1024 * 1024,
  /** A body of the verbs and of pull: an application error has at most 16 KiB of details. */
  verbBodyBytes: 128 * 1024,
  /** Request bodies of payloads that are being received or worked on, over all clients. */
  bodiesInFlightBytes: 128 * 1024 * 1024,
  batchItems: 1_000,
  pullItems: 100,
  /** `Prefer: wait`, `?wait=`, the wait of a pull, and the time an add waits for room. */
  waitMs: 300_000,
  /** The head of a request must be there. */
  headersTimeoutMs: 10_000,
  /** The whole request must be there. */
  requestTimeoutMs: 30_000,
  /** How often both are looked at. */
  timeoutCheckMs: 5_000,
  /** An idle kept-alive connection is closed. */
  keepAliveMs: 75_000,
  /** An answer must have been taken by its client. */
  answerTimeoutMs: 60_000,
  /** An event stream whose client takes nothing is cut off. */
  streamStallMs: 30_000,
  /** A comment on a silent event stream, so that both sides notice a dead one. */
  streamCommentMs: 15_000,
  /** Event streams of one sidecar. */
  streams: 1_000,
  /** Events that wait for a slow reader of one stream. */
  streamEvents: 20_000,
  /** Open connections of one listener. */
  connections: 4_096,
  /** Entries of one page. */
  pageItems: 1_000,
  /** Entries of one page when nothing is asked for. */
  defaultPageItems: 100,
  /** Results of one page of items; the page ends sooner, after one item at least. */
  pageResultBytes: 4 * 1024 * 1024,
  /** Length of a ticket or lease in a path. */
  tokenLength: 512,
} as const;
