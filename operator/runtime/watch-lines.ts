/**
 * The bytes of a watch as events: one JSON object a line. Source: Kubernetes API concepts,
 * "Efficient detection of changes".
 */
import { ApiError, codeOfStatus, retryAfterMsOf } from "./api-error.ts";
import { isRecord, type ApiObject, type ResourceType } from "./resource-type.ts";
import type { WatchEvent } from "./watch-event.ts";

/** Longest line, bytes: etcd takes objects of 1.5 MiB, JSON of the wire may be longer. */
export const maxLineBytes = 8 * 1024 * 1024;

const initialEventsEndAnnotation = "k8s.io/initial-events-end";
const lineFeed = 10;

/** Cuts a stream into events. */
export class WatchLines<T extends ApiObject> {
  readonly #type: ResourceType<T>;
  readonly #onEvent: (event: WatchEvent<T>) => void;
  /** Pieces of the line that is not yet whole. */
  #pieces: Uint8Array[] = [];
  #pendingBytes = 0;

  constructor(type: ResourceType<T>, onEvent: (event: WatchEvent<T>) => void) {
    this.#type = type;
    this.#onEvent = onEvent;
  }

  /**
   * Takes the next bytes.
   * @throws {ApiError} `GONE` and others that the stream reports, `MALFORMED_ANSWER`,
   *   `ANSWER_TOO_LARGE`.
   */
  push(chunk: Uint8Array): void {
    let from = 0;
    for (let at = chunk.indexOf(lineFeed); at >= 0; at = chunk.indexOf(lineFeed, from)) {
      const line = this.#line(chunk.subarray(from, at));
      from = at + 1;
      if (line.trim() !== "") this.#onEvent(this.#event(line));
    }
    if (from === chunk.length) return;
    // Copied: a piece of a reused buffer would change under us. (A Buffer's own slice does not
    // copy.)
    this.#pieces.push(new Uint8Array(chunk.subarray(from)));
    this.#pendingBytes += chunk.length - from;
    if (this.#pendingBytes > maxLineBytes) {
      const message = `watch of ${this.#type.plural}: a line of more than ${maxLineBytes} bytes`;
      throw new ApiError("ANSWER_TOO_LARGE", message);
    }
  }

  /** The line that these bytes end. Most lines come whole and are not copied together first. */
  #line(last: Uint8Array): string {
    if (this.#pieces.length === 0) return textOf(last);
    const line = textOf(Buffer.concat([...this.#pieces, last]));
    this.#pieces = [];
    this.#pendingBytes = 0;
    return line;
  }

  #event(line: string): WatchEvent<T> {
    const event = this.#parse(line);
    const { type, object } = event;
    switch (type) {
      case "ADDED":
      case "MODIFIED":
        if (this.#type.matches(object)) return { type: "upserted", object };
        break;
      case "DELETED":
        if (this.#type.matches(object)) return { type: "removed", object };
        break;
      case "BOOKMARK":
        return this.#bookmark(object);
      case "ERROR":
        throw errorOfStatus(object, this.#type.plural);
      default:
        break;
    }
    throw this.#malformed(`an event ${String(type)} without its object`);
  }

  #parse(line: string): Readonly<Record<string, unknown>> {
    let event: unknown;
    try {
      event = JSON.parse(line);
    } catch (cause) {
      throw this.#malformed("a line that is no JSON", cause);
    }
    if (isRecord(event)) return event;
    throw this.#malformed("a line that is no event");
  }

  #bookmark(object: unknown): WatchEvent<T> {
    const metadata = isRecord(object) ? object.metadata : undefined;
    if (!isRecord(metadata) || typeof metadata.resourceVersion !== "string") {
      throw this.#malformed("a bookmark without version");
    }
    const { resourceVersion, annotations } = metadata;
    const ends = isRecord(annotations) && annotations[initialEventsEndAnnotation] === "true";
    return { type: "bookmark", resourceVersion, initialEventsEnd: ends };
  }

  #malformed(what: string, cause?: unknown): ApiError {
    const message = `watch of ${this.#type.plural}: ${what}`;
    return new ApiError("MALFORMED_ANSWER", message, { cause });
  }
}

function textOf({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString("utf8");
}

/** The Status that an ERROR event carries. */
function errorOfStatus(object: unknown, plural: string): ApiError {
  const status = isRecord(object) ? object : {};
  const code = typeof status.code === "number" ? status.code : 500;
  const reason = typeof status.reason === "string" ? status.reason : undefined;
  const message = typeof status.message === "string" ? status.message : "no message";
  const details = isRecord(status.details) ? status.details : {};
  const retryAfterMs = retryAfterMsOf(
    typeof details.retryAfterSeconds === "number" ? String(details.retryAfterSeconds) : undefined,
  );
  const facts = { status: code, reason, retryAfterMs };
  return new ApiError(codeOfStatus(code, reason), `watch of ${plural}: ${code} ${message}`, facts);
}
