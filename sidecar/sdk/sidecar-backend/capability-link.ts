/**
 * A Capability's source of work in the sidecar. While the presence stream is open the sidecar
 * renews the leases of what was pulled under it; when it ends, they are lost, and the attempts are
 * told.
 */
import type { ApplicationErrorView, LeaseVerb } from "../../api/ports.ts";
import { assertNever } from "../../core/ports.ts";
import { formatDuration } from "../../runtime/duration.ts";
import type { WarningListener } from "../warning.ts";
import type {
  CapabilityLink,
  CapabilityListener,
  CapabilitySpec,
  Delivery,
  SettleAnswer,
} from "../work-backend.ts";
import { deliveryOf, describe, field, parseData, refusalOf, text } from "./answers.ts";
import { Retry } from "../retry.ts";
import type { HttpAnswer, HttpCall, SidecarHttp } from "./sidecar-http.ts";

/** How long a pull waits for the first item. */
const pullWaitMs = 30_000;
/** A verb that nobody hears is given up after this long: its lease has long ended. */
const settleLimitMs = 60_000;

/** Parts that the link works with. */
export interface CapabilityLinkComponents {
  readonly http: SidecarHttp;
  readonly listener: CapabilityListener;
  readonly warn: WarningListener;
}

/** One Capability over HTTP. */
export class SidecarCapabilityLink implements CapabilityLink {
  readonly #spec: CapabilitySpec;
  readonly #http: SidecarHttp;
  readonly #listener: CapabilityListener;
  readonly #warn: WarningListener;
  readonly #path: string;
  readonly #closing = new AbortController();
  /** Leases pulled under the open presence whose last verb is not answered. */
  readonly #leases = new Set<string>();
  readonly #attending: Promise<void>;
  #presence: string | undefined;
  /** Replaced with every change of `#presence`. */
  #changed = Promise.withResolvers<void>();
  #refused = false;

  constructor(spec: CapabilitySpec, components: CapabilityLinkComponents) {
    this.#spec = spec;
    this.#http = components.http;
    this.#listener = components.listener;
    this.#warn = components.warn;
    this.#path = `/v1/capabilities/${encodeURIComponent(spec.name)}`;
    this.#attending = this.#attend();
  }

  async pull(signal: AbortSignal): Promise<Delivery | undefined> {
    const stop = AbortSignal.any([signal, this.#closing.signal]);
    const presence = await this.#openPresence(stop);
    if (presence === undefined) {
      return undefined;
    }
    const answer = await this.#http.call({
      method: "POST",
      path: `${this.#path}/pull`,
      headers: {
        // Binary, one item: an image as base64 in JSON would cost both sides a second copy.
        accept: "application/x-protobuf, application/problem+json",
        "content-type": "application/json",
        "spillway-presence": presence,
      },
      body: JSON.stringify({ max: 1, wait: formatDuration(pullWaitMs) }),
      signal: stop,
      lane: "held",
      waitMs: pullWaitMs,
    });
    const delivery = deliveryOf(answer);
    if (delivery !== undefined) {
      this.#leases.add(delivery.lease);
      if (this.#presence !== presence) {
        // Ended while the answer was on its way: told once the attempt has begun.
        queueMicrotask(() => this.#endLeases("The sidecar ended the presence of this program."));
      }
    } else if (answer.kind !== "answered" || answer.status !== 204) {
      // A lost or refusing sidecar: the presence stream says so too, and paces what comes next.
      const atLeastMs = answer.kind === "answered" ? Math.max(100, answer.retryAfterMs) : 0;
      await new Retry(stop).wait(atLeastMs);
    }
    return delivery;
  }

  async settle(lease: string, verb: LeaseVerb): Promise<SettleAnswer> {
    const { signal } = this.#closing;
    const retry = new Retry(signal);
    const begunAtMs = performance.now();
    const call = { ...verbCall(lease, verb), signal };
    let reason = "the Capability is closed";
    while (!signal.aborted && performance.now() - begunAtMs < settleLimitMs) {
      if (verb.verb === "release" && !this.#leases.has(lease)) {
        // It ended with its presence, and its slot with it: the slot here need not wait to say so.
        return { ok: false, code: "STALE_LEASE", message: "The lease has ended." };
      }
      const answer = await this.#http.call(call);
      if (answer.kind === "answered" && answer.status < 500) {
        if (verb.verb !== "heartbeat") {
          this.#leases.delete(lease);
        }
        if (answer.status === 200) {
          return { ok: true, cancelled: field(answer.json, "cancelled") === true };
        }
        return { ok: false, ...refusalOf(answer.status, answer.json) };
      }
      reason = describe(answer);
      await retry.wait(answer.kind === "answered" ? answer.retryAfterMs : 0);
    }
    return { ok: false, code: "SIDECAR_UNREACHABLE", message: `${reason}.` };
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#changed.resolve();
    await this.#attending;
  }

  /** Keeps the presence stream open until the link is closed. */
  async #attend(): Promise<void> {
    const { signal } = this.#closing;
    const retry = new Retry(signal);
    while (!signal.aborted) {
      const ended = await this.#http.stream({
        path: `${this.#path}/presence`,
        signal,
        onOpen: () => undefined,
        onEvent: (event) => {
          if (event.event === "presence") {
            retry.reset();
            this.#refused = false;
            this.#setPresence(text(parseData(event.data), "presence") ?? event.data);
          } else if (event.event === "lease-ended") {
            this.#onLeaseEnded(parseData(event.data));
          }
        },
      });
      if (signal.aborted) {
        return;
      }
      this.#lost(ended);
      await retry.wait(ended.kind === "answered" ? ended.retryAfterMs : 0);
    }
  }

  #onLeaseEnded(data: unknown): void {
    const lease = text(data, "lease");
    if (lease !== undefined) {
      this.#listener.onLeaseEnded(lease, text(data, "reason") ?? "The lease has ended.");
    }
  }

  #lost(ended: HttpAnswer): void {
    const { name } = this.#spec;
    const refused = ended.kind === "answered" && ended.status !== 200 && ended.status < 500;
    if (refused && !this.#refused) {
      this.#warn({ code: "REFUSED", message: `Capability ${name} is refused: ${describe(ended)}` });
    } else if (this.#presence !== undefined) {
      const message = `Capability ${name} lost its sidecar (${describe(ended)}); it goes on trying.`;
      this.#warn({ code: "SIDECAR_UNREACHABLE", message });
    }
    this.#refused = refused;
    this.#setPresence(undefined);
    this.#endLeases("The sidecar was lost, and the lease with it.");
  }

  #endLeases(reason: string): void {
    const leases = [...this.#leases];
    this.#leases.clear();
    leases.forEach((lease) => this.#listener.onLeaseEnded(lease, reason));
  }

  async #openPresence(signal: AbortSignal): Promise<string | undefined> {
    const stopped = Promise.withResolvers<void>();
    const stop = (): void => stopped.resolve();
    signal.addEventListener("abort", stop, { once: true });
    try {
      while (this.#presence === undefined && !signal.aborted) {
        await Promise.race([this.#changed.promise, stopped.promise]);
      }
      return signal.aborted ? undefined : this.#presence;
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }

  #setPresence(presence: string | undefined): void {
    this.#presence = presence;
    const before = this.#changed;
    this.#changed = Promise.withResolvers();
    before.resolve();
  }
}

/** The call that carries a verb. */
function verbCall(lease: string, verb: LeaseVerb): HttpCall {
  const path = `/v1/leases/${encodeURIComponent(lease)}/${verb.verb}`;
  if (verb.verb === "complete") {
    const headers = { "content-type": "application/x-protobuf" };
    return { method: "POST", path, headers, body: verb.result };
  }
  return {
    method: "POST",
    path,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(verbBody(verb)),
  };
}

function verbBody(verb: Exclude<LeaseVerb, { readonly verb: "complete" }>): unknown {
  switch (verb.verb) {
    case "fail": {
      const { error, delayMs } = verb;
      const delay = delayMs === undefined ? {} : { delay: formatDuration(delayMs) };
      return { retryable: error.retryable, ...delay, error: errorBody(error) };
    }
    case "reject":
      return { error: errorBody(verb.error) };
    case "release":
      return { reason: verb.reason };
    case "heartbeat":
      return verb.progress === undefined ? {} : { progress: verb.progress };
    default:
      return assertNever(verb);
  }
}

function errorBody(error: ApplicationErrorView): unknown {
  const { code, message, details } = error;
  return { code, message, ...(details === "" ? {} : { details: parseData(details) }) };
}
