/**
 * A Demand's queue in the sidecar. Adds are repeated with one idempotency key until an answer
 * comes, so a cut connection neither loses nor doubles an item. Outcomes come by an event stream;
 * after each time it was down, every open ticket is asked for, so a restarted sidecar is noticed.
 */
import { randomUUID } from "node:crypto";
import type { AddOptions } from "../../api/ports.ts";
import { assertNever } from "../../core/ports.ts";
import { formatDuration } from "../../runtime/duration.ts";
import { systemOutcome, type SystemError } from "../outcome.ts";
import type { WarningListener } from "../warning.ts";
import type { AddAnswer, DemandLink, DemandListener, DemandSpec } from "../work-backend.ts";
import { describe, outcomeOf, parseData, refusalOf, text } from "./answers.ts";
import { pause, Retry } from "../retry.ts";
import type { HttpAnswer, SidecarHttp } from "./sidecar-http.ts";

/** An add or cancel that nobody hears is given up after this long. */
const unreachableLimitMs = 60_000;
/** Longest that a queue with overflow `wait` holds an add. Source: work.md, HTTP wait. */
const addWaitMs = 300_000;
/** Questions after a reconnect that are under way at once. */
const questionLimit = 8;
/** Tickets that another submitter may hold (an idempotency key of the caller's) are asked for. */
const sharedPollMs = 2_000;
/** While a Demand is refused, its state is looked at this often. */
const refusedPollMs = 1_000;

/** Parts that the link works with. */
export interface DemandLinkComponents {
  readonly http: SidecarHttp;
  readonly listener: DemandListener;
  readonly warn: WarningListener;
}

/**
 * Where the watch stands. `connecting`: left by the first answer. `open`: outcomes are seen; left
 * when the stream ends. `refused`: the sidecar has no such Demand, or another one of that name;
 * left when that changes.
 */
type Watch =
  | { readonly state: "connecting" }
  | { readonly state: "open" }
  | { readonly state: "refused"; readonly refusal: SystemError };

/** One Demand over HTTP. */
export class SidecarDemandLink implements DemandLink {
  readonly #spec: DemandSpec;
  readonly #http: SidecarHttp;
  readonly #listener: DemandListener;
  readonly #warn: WarningListener;
  readonly #path: string;
  /** Narrows the stream to this object's items. */
  readonly #submitter = randomUUID();
  readonly #closing = new AbortController();
  readonly #shared = new Set<string>();
  #watch: Watch = { state: "connecting" };
  /** Replaced with every change of `#watch`. */
  #changed = Promise.withResolvers<void>();
  /** Grows with each opening of the stream. */
  #openings = 0;
  #lastEventId: string | undefined;
  #watching: Promise<unknown> | undefined;

  constructor(spec: DemandSpec, components: DemandLinkComponents) {
    this.#spec = spec;
    this.#http = components.http;
    this.#listener = components.listener;
    this.#warn = components.warn;
    this.#path = `/v1/demands/${encodeURIComponent(spec.name)}`;
  }

  async announce(): Promise<void> {
    this.#watching ??= Promise.all([this.#watchOutcomes(), this.#pollShared()]);
    while (this.#watch.state !== "open" && !this.#closing.signal.aborted) {
      await this.#changed.promise;
    }
  }

  async add(request: Uint8Array, options: AddOptions, signal: AbortSignal): Promise<AddAnswer> {
    const headers = this.#addHeaders(options);
    const retry = new Retry(signal);
    const begunAtMs = performance.now();
    let reason = "it has not answered yet";
    while (!signal.aborted && performance.now() - begunAtMs < unreachableLimitMs) {
      const watch = await this.#settledWatch(signal, begunAtMs + unreachableLimitMs);
      if (watch.state === "refused") {
        return { ok: false, refusal: watch.refusal };
      }
      if (watch.state === "connecting") {
        continue;
      }
      const openings = this.#openings;
      const answer = await this.#http.call({
        method: "POST",
        path: `${this.#path}/items`,
        headers,
        body: request,
        signal,
        lane: "add",
        waitMs: addWaitMs,
      });
      const ticket = answer.kind === "answered" ? text(answer.json, "ticket") : undefined;
      if (ticket !== undefined) {
        this.#afterAdd(ticket, answer, options.idempotencyKey !== undefined, openings);
        return { ok: true, ticket };
      }
      const refusal = finalRefusal(answer);
      if (refusal !== undefined) {
        return { ok: false, refusal };
      }
      reason = describe(answer);
      await retry.wait(answer.kind === "answered" ? answer.retryAfterMs : 0);
    }
    const message = `The sidecar could not be reached for ${unreachableLimitMs / 1_000} s: ${reason}.`;
    return { ok: false, refusal: { code: "SIDECAR_UNREACHABLE", message } };
  }

  async cancel(ticket: string): Promise<void> {
    const { signal } = this.#closing;
    const retry = new Retry(signal);
    const begunAtMs = performance.now();
    while (!signal.aborted && performance.now() - begunAtMs < unreachableLimitMs) {
      const path = `/v1/items/${encodeURIComponent(ticket)}`;
      const answer = await this.#http.call({ method: "DELETE", path, signal });
      // Any definite answer will do: the outcome itself comes by the stream.
      if (answer.kind === "answered" && answer.status < 500) {
        return;
      }
      await retry.wait();
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#changed.resolve();
    await this.#watching;
  }

  #addHeaders(options: AddOptions): Record<string, string> {
    const headers: Record<string, string> = {
      "content-type": "application/x-protobuf",
      "idempotency-key": options.idempotencyKey ?? randomUUID(),
      "spillway-submitter": this.#submitter,
    };
    const optional: readonly (readonly [string, string | undefined])[] = [
      ["spillway-priority", options.priority?.toString()],
      ["spillway-delay", durationText(options.delayMs)],
      ["spillway-deadline", durationText(options.deadlineMs)],
      ["spillway-fairness-key", options.fairnessKey],
      ["spillway-ordering-key", options.orderingKey],
      ["traceparent", options.traceparent],
    ];
    for (const [name, value] of optional) {
      if (value !== undefined) {
        headers[name] = value;
      }
    }
    return headers;
  }

  /** The watch once it is more than connecting; `connecting` after the time or on the signal. */
  async #settledWatch(signal: AbortSignal, untilMs: number): Promise<Watch> {
    while (this.#watch.state === "connecting" && !signal.aborted) {
      const leftMs = untilMs - performance.now();
      if (leftMs <= 0) {
        break;
      }
      const waiting = new AbortController();
      const limit = AbortSignal.any([signal, waiting.signal]);
      await Promise.race([this.#changed.promise, pause(leftMs, limit)]);
      waiting.abort();
    }
    return this.#watch;
  }

  #afterAdd(ticket: string, answer: HttpAnswer, ownKey: boolean, openings: number): void {
    const state = answer.kind === "answered" ? text(answer.json, "state") : undefined;
    const ended = state !== undefined && !["ready", "leased", "delayed"].includes(state);
    if (ownKey) {
      this.#shared.add(ticket);
    }
    if (ended || openings !== this.#openings) {
      // Its outcome may have been told to another submitter, or while the stream was down.
      queueMicrotask(() => void this.#ask(ticket));
    }
  }

  async #watchOutcomes(): Promise<void> {
    const { signal } = this.#closing;
    const retry = new Retry(signal);
    while (!signal.aborted) {
      const described = await this.#http.call({ method: "GET", path: this.#path, signal });
      const refusal = this.#contractRefusal(described);
      if (refusal !== undefined) {
        this.#refuse(refusal);
        await pause(refusedPollMs, signal);
        continue;
      }
      if (described.kind !== "answered" || described.status !== 200) {
        this.#lost(describe(described));
        await retry.wait();
        continue;
      }
      const ended = await this.#streamOutcomes(() => retry.reset());
      this.#lost(describe(ended));
      await retry.wait();
    }
  }

  #streamOutcomes(onOpen: () => void): Promise<HttpAnswer> {
    const resume = this.#lastEventId;
    return this.#http.stream({
      path: `${this.#path}/outcomes?submitter=${this.#submitter}`,
      headers: resume === undefined ? {} : { "last-event-id": resume },
      signal: this.#closing.signal,
      onOpen: () => {
        onOpen();
        this.#openings += 1;
        this.#setWatch({ state: "open" });
        void this.#askAll(this.#listener.openTickets());
      },
      onEvent: (event) => {
        this.#lastEventId = event.id ?? this.#lastEventId;
        this.#tell(undefined, parseData(event.data));
      },
    });
  }

  /** Tells an item's outcome, if it has one. */
  #tell(asked: string | undefined, item: unknown): void {
    const ticket = asked ?? text(item, "ticket");
    const outcome = outcomeOf(item);
    if (ticket !== undefined && outcome !== undefined) {
      this.#shared.delete(ticket);
      this.#listener.onOutcome(ticket, outcome);
    }
  }

  async #askAll(tickets: readonly string[]): Promise<void> {
    const waiting = tickets.values();
    const asker = async (): Promise<void> => {
      for (const ticket of waiting) {
        await this.#ask(ticket);
      }
    };
    await Promise.all(Array.from({ length: questionLimit }, asker));
  }

  /** Asks for one ticket: it may have ended, or its queue may be gone. */
  async #ask(ticket: string): Promise<void> {
    const { signal } = this.#closing;
    const path = `/v1/items/${encodeURIComponent(ticket)}`;
    const answer = await this.#http.call({ method: "GET", path, signal });
    if (answer.kind !== "answered") {
      // The stream is down as well then; its next opening asks again.
      return;
    }
    if (answer.status === 200) {
      this.#tell(ticket, answer.json);
    } else if ([404, 410, 421].includes(answer.status)) {
      const { code, message } = refusalOf(answer.status, answer.json);
      const lost = code === "OUTCOME_DROPPED" ? code : "QUEUE_LOST";
      this.#shared.delete(ticket);
      this.#listener.onOutcome(ticket, systemOutcome(lost, message, 1));
    }
  }

  async #pollShared(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      await pause(sharedPollMs, signal);
      if (this.#shared.size > 0 && this.#watch.state === "open") {
        await this.#askAll([...this.#shared]);
      }
    }
  }

  #contractRefusal(answer: HttpAnswer): SystemError | undefined {
    if (answer.kind !== "answered" || answer.status >= 500) {
      return undefined;
    }
    if (answer.status !== 200) {
      return refusalOf(answer.status, answer.json);
    }
    const { request, response } = this.#spec.contract;
    const theirs = [text(answer.json, "request"), text(answer.json, "response")] as const;
    if (theirs[0] === request && theirs[1] === response) {
      return undefined;
    }
    const message =
      `The sidecar's demand ${this.#spec.name} sends ${theirs[0]} and wants ${theirs[1]}; this ` +
      `program's sends ${request} and wants ${response}. Change one of them.`;
    return { code: "CONTRACT_MISMATCH", message };
  }

  #refuse(refusal: SystemError): void {
    if (this.#watch.state !== "refused") {
      const message = `Demand ${this.#spec.name} is refused: ${refusal.message}`;
      this.#warn({ code: "REFUSED", message });
    }
    this.#setWatch({ state: "refused", refusal });
  }

  #lost(reason: string): void {
    if (this.#watch.state === "open" && !this.#closing.signal.aborted) {
      const message = `Demand ${this.#spec.name} lost its sidecar (${reason}); it goes on trying.`;
      this.#warn({ code: "SIDECAR_UNREACHABLE", message });
    }
    this.#setWatch({ state: "connecting" });
  }

  #setWatch(watch: Watch): void {
    const changed = watch.state !== this.#watch.state;
    this.#watch = watch;
    if (changed) {
      const before = this.#changed;
      this.#changed = Promise.withResolvers();
      before.resolve();
    }
  }
}

/** A refusal that another try would not change; undefined when one would. */
function finalRefusal(answer: HttpAnswer): SystemError | undefined {
  switch (answer.kind) {
    case "answered": {
      const code = text(answer.json, "code");
      return answer.status >= 500 && code !== "DRAINING"
        ? undefined
        : refusalOf(answer.status, answer.json);
    }
    case "invalid":
      return {
        code: "INVALID_ARGUMENT",
        message: `The item's options are refused: ${answer.reason}.`,
      };
    case "unreachable":
    case "aborted":
      return undefined;
    default:
      return assertNever(answer);
  }
}

function durationText(valueMs: number | undefined): string | undefined {
  return valueMs === undefined ? undefined : formatDuration(valueMs);
}
