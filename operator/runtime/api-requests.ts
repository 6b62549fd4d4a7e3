/**
 * Requests with everything around them that does not depend on resources: bounds of time,
 * repetition where it is safe (core/retry-policy.ts), the guard of writes, counting, errors as
 * codes.
 */
import type { ApiConnection, HttpMethod, WireRequest } from "./api-connection.ts";
import { ApiError, codeOfStatus, retryAfterMsOf } from "./api-error.ts";
import type { WireAnswer } from "./api-exchange.ts";
import { retryDelayMs } from "./core/retry-policy.ts";
import type { RuntimeMetrics } from "./metrics.ts";
import type { Surroundings } from "./ports.ts";
import { isRecord } from "./resource-type.ts";

/** Of every request. */
export interface RequestOptions {
  /** Ends the request, its repetitions included. */
  readonly signal?: AbortSignal | undefined;
  /** For all attempts together, ms. @default 30,000 */
  readonly timeoutMs?: number;
  /**
   * Longest Retry-After that is kept to, ms; a longer one is cut. For what cannot wait, such as a
   * Lease. @default each is kept to
   */
  readonly longestRetryAfterMs?: number;
}

/** Any request: for subresources and reviews that are no stored objects. */
export interface RawRequest extends RequestOptions {
  readonly method: HttpMethod;
  /** Path with its query, for example `/apis/authentication.k8s.io/v1/tokenreviews`. */
  readonly path: string;
  readonly body?: unknown;
  /** @default "application/json" */
  readonly contentType?: string;
  /** Whether sending it twice does what sending it once does. @default only GET */
  readonly idempotent?: boolean;
  /**
   * What is wanted of the answer, taken out of it as soon as it is there; what it throws is thrown.
   * @default all of it
   */
  readonly pick?: (answer: unknown) => unknown;
}

/** What a client works with. */
export interface ApiClientComponents {
  readonly surroundings: Surroundings;
  readonly metrics: RuntimeMetrics;
}

/** For all attempts of a request together, where its caller says nothing else. */
const defaultTimeoutMs = 30_000;

/** Sends requests over one connection pool. */
export class ApiRequests {
  readonly #connection: ApiConnection;
  readonly #components: ApiClientComponents;
  readonly #mayWrite: (() => boolean) | undefined;

  /** @param mayWrite asked before each write; undefined = always. */
  constructor(
    connection: ApiConnection,
    components: ApiClientComponents,
    mayWrite?: () => boolean,
  ) {
    this.#connection = connection;
    this.#components = components;
    this.#mayWrite = mayWrite;
  }

  /** The same requests with a guard of writes. */
  guardedBy(mayWrite: () => boolean): ApiRequests {
    return new ApiRequests(this.#connection, this.#components, mayWrite);
  }

  /** Ends every request; final. */
  close(): Promise<void> {
    return this.#connection.close();
  }

  /**
   * A request with a JSON answer.
   * @throws {ApiError}
   */
  async send(raw: RawRequest): Promise<unknown> {
    const { clock, random } = this.#components.surroundings;
    const { timeoutMs = defaultTimeoutMs, idempotent = raw.method === "GET" } = raw;
    const wire = this.#wireOf(raw, timeoutMs);
    const startedAtMs = clock.nowMs();
    for (let attempts = 1; ; attempts++) {
      const leftMs = timeoutMs - (clock.nowMs() - startedAtMs);
      try {
        return await this.#once({ ...wire, timeoutMs: Math.max(1, Math.ceil(leftMs)) });
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        const failed = {
          error,
          idempotent,
          attempts,
          elapsedMs: clock.nowMs() - startedAtMs,
          timeoutMs,
          longestAskedMs: raw.longestRetryAfterMs,
          chance: random.next(),
        };
        const delayMs = this.#mayBeRenewed(error, attempts) ? 0 : retryDelayMs(failed);
        if (delayMs === undefined) throw error;
        await this.#pause(delayMs, wire);
      }
    }
  }

  /**
   * A GET whose answer comes in pieces; never repeated here.
   * @param onChunk gets each piece; what it throws ends the request.
   * @throws {ApiError} also for an answer of another status than 200.
   */
  async stream(
    path: string,
    options: { readonly signal: AbortSignal; readonly onChunk: (chunk: Uint8Array) => void },
  ): Promise<void> {
    const { signal, onChunk } = options;
    const wire = { method: "GET", path, timeoutMs: defaultTimeoutMs, signal } as const;
    let counted = false;
    const count = (code: string): void => {
      if (!counted) this.#count(wire, code);
      counted = true;
    };
    try {
      const answer = await this.#connection.stream(wire, {
        onStatus: (status) => {
          count(String(status));
        },
        onChunk,
      });
      if (answer?.ok === false) throw this.#refusal(answer, wire);
    } catch (error) {
      if (!signal.aborted) count("<error>");
      throw error;
    }
  }

  /** The token may have been renewed since it was read: one more attempt with fresh credentials. */
  #mayBeRenewed(error: ApiError, attempts: number): boolean {
    return error.code === "UNAUTHORIZED" && attempts === 1;
  }

  #wireOf(raw: RawRequest, timeoutMs: number): WireRequest {
    const { method, path, body, contentType = "application/json", signal } = raw;
    const { pick = whole } = raw;
    const text = body === undefined ? undefined : JSON.stringify(body);
    return {
      method,
      path,
      body: text === undefined ? undefined : { text, contentType },
      timeoutMs,
      signal,
      mayWrite: method === "GET" ? undefined : this.#mayWrite,
      read: (answer) => pick(parse(answer, raw)),
    };
  }

  async #once(wire: WireRequest): Promise<unknown> {
    let answer: WireAnswer;
    try {
      answer = await this.#connection.whole(wire);
    } catch (error) {
      // As client-go names it. What was never sent, or was ended by its caller, is no failure.
      const code = error instanceof ApiError ? error.code : undefined;
      if (code !== "WRITE_REFUSED" && code !== "ABORTED") this.#count(wire, "<error>");
      throw error;
    }
    this.#count(wire, String(answer.status));
    if (!answer.ok) throw this.#refusal(answer, wire);
    return answer.value;
  }

  #count({ method }: WireRequest, code: string): void {
    this.#components.metrics.requests.inc({ code, method, host: this.#connection.host });
  }

  #refusal(answer: Refusal, wire: WireRequest): ApiError {
    if (answer.status === 401) this.#connection.distrustCredentials();
    return errorOfAnswer(answer, wire);
  }

  /** @throws {ApiError} `ABORTED` when the caller's signal ends the wait. */
  #pause(delayMs: number, { method, path, signal }: WireRequest): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        cancel();
        reject(new ApiError("ABORTED", `${method} ${path}: ended by its caller`));
      };
      const cancel = this.#components.surroundings.timers.after(delayMs, () => {
        signal?.removeEventListener("abort", end);
        resolve();
      });
      if (signal?.aborted === true) end();
      else signal?.addEventListener("abort", end, { once: true });
    });
  }
}

type Refusal = Extract<WireAnswer, { ok: false }>;

const whole = (answer: unknown): unknown => answer;

function parse(text: string, { method, path }: RawRequest): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ApiError("MALFORMED_ANSWER", `${method} ${path}: the answer is no JSON`, { cause });
  }
}

/** A sentence out of a Status, or the beginning of whatever came instead of one. */
function errorOfAnswer(answer: Refusal, { method, path }: WireRequest): ApiError {
  let reason: string | undefined;
  let message = answer.text.slice(0, 200).trim();
  try {
    const status: unknown = JSON.parse(answer.text);
    if (isRecord(status) && typeof status.reason === "string") reason = status.reason;
    if (isRecord(status) && typeof status.message === "string") message = status.message;
  } catch {
    // Some refusals (of proxies, or before the API is up) are plain text; it is quoted as it is.
  }
  const code = codeOfStatus(answer.status, reason);
  const what = `${method} ${path.split("?", 1)[0] ?? ""}: ${answer.status} ${message}`;
  const retryAfterMs = retryAfterMsOf(answer.retryAfter);
  return new ApiError(code, what, { status: answer.status, reason, retryAfterMs });
}
