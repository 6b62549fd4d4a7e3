/**
 * Push delivery: pulls items of a capability as an application would, and posts each to the
 * application's port. While the port does not accept, nothing is pulled, so the capability has no
 * credit and no demand sends it anything.
 */
import type { Random } from "../core/ports.ts";
import { formatDuration, type Logger, type Timers, type WallClock } from "../runtime/index.ts";
import type { ApiMetrics } from "./api-context.ts";
import { contractOf } from "./contract-of.ts";
import { apiLimits } from "./limits.ts";
import { jsonMediaType } from "./media-type.ts";
import { invalidPayload } from "./payload.ts";
import type {
  ApplicationObstacle,
  LeaseVerb,
  NodeService,
  ProviderService,
  PulledItem,
} from "./ports.ts";
import { exchange, type PushAnswer } from "./push-exchange.ts";
import { notListening, notReady, probePort } from "./push-probe.ts";
import { verbOfAnswer } from "./push-verb.ts";

/** Where the items of a capability go. */
export interface PushTarget {
  readonly capability: string;
  /** On 127.0.0.1. */
  readonly port: number;
  /** Path of each POST. @default "/" when empty */
  readonly path: string;
  /** Path that answers 2xx when the application is ready; empty: a TCP connection is enough. */
  readonly readyPath: string;
  /** Items at the application at once, 1 or more. */
  readonly concurrency: number;
}

/** What a delivery works with. */
export interface PushComponents {
  readonly node: ProviderService & Pick<NodeService, "contractOf">;
  readonly logger: Logger;
  readonly metrics: ApiMetrics;
  readonly timers: Timers;
  readonly wallClock: WallClock;
  readonly random: Random;
}

/** A pull waits this long, then asks again. */
const pullWaitMs = 30_000;
/** Pause between two probes of a port that does not accept: doubles, with jitter. */
const probePause = { initialMs: 100, maxMs: 5_000 } as const;

/** Says that the exchange has ended on an item whose lease had ended before. */
const endedRelease: LeaseVerb = { verb: "release", reason: "the lease had ended" };

/** Delivers the items of one capability until it is closed. */
export class PushDelivery {
  readonly #target: PushTarget;
  readonly #components: PushComponents;
  /** Ends everything that waits: probes, pauses, pulls. */
  readonly #closing = new AbortController();
  /** Deliveries under way; each can be cut. */
  readonly #deliveries = new Map<Promise<void>, AbortController>();
  /** Replaced for each time the port accepts; aborts the pull when it stops to. */
  #accepting = new AbortController();
  #presence: { readonly id: string; readonly close: () => void } | undefined;
  /** Why nothing is pulled; undefined while the port accepts. */
  #obstacle: ApplicationObstacle | undefined;
  /** Probes and deliveries in a row that met no listener. */
  #failures = 0;
  #running: Promise<void> | undefined;

  constructor(target: PushTarget, components: PushComponents) {
    this.#target = target;
    this.#components = components;
    const { port } = target;
    this.#obstacle = notReady(port, `application not probed yet on port ${String(port)}`);
  }

  /** Items at the application now. */
  get runningCount(): number {
    return this.#deliveries.size;
  }

  /** Begins; extra calls are harmless. */
  start(): void {
    this.#tellObstacle(this.#obstacle);
    this.#running ??= this.#run();
  }

  /**
   * Pulls nothing more, lets items finish, then closes their connections and releases them.
   * @param graceMs time for items under way.
   */
  async close(graceMs: number): Promise<void> {
    this.#closing.abort();
    // Before anything is waited for: the next delivery of this capability says its own.
    this.#tellObstacle(undefined);
    await this.#running;
    const cancel = this.#components.timers.after(graceMs, () => {
      for (const delivery of this.#deliveries.values()) delivery.abort();
    });
    await Promise.all(this.#deliveries.keys());
    cancel();
    this.#presence?.close();
    this.#presence = undefined;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    const { port, readyPath } = this.#target;
    while (!signal.aborted) {
      const obstacle = await probePort({ port, readyPath, signal }, this.#components.timers);
      if (signal.aborted) return;
      this.#setAccepting(obstacle);
      if (obstacle === undefined) await this.#pullWhileAccepting();
      this.#failures += 1;
      const ceilingMs = Math.min(
        probePause.maxMs,
        probePause.initialMs * 2 ** (this.#failures - 1),
      );
      await this.#pause(ceilingMs * (0.5 + this.#components.random.next() / 2));
    }
  }

  #tellObstacle(obstacle: ApplicationObstacle | undefined): void {
    this.#components.node.tellObstacle(this.#target.capability, obstacle);
  }

  #setAccepting(obstacle: ApplicationObstacle | undefined): void {
    const { capability } = this.#target;
    const { logger, metrics } = this.#components;
    if (obstacle?.detail !== this.#obstacle?.detail) {
      logger.info({ capability, reason: obstacle?.detail ?? "" }, "push delivery changed");
    }
    this.#obstacle = obstacle;
    if (!this.#closing.signal.aborted) this.#tellObstacle(obstacle);
    metrics.pushAccepting.set({ capability }, obstacle === undefined ? 1 : 0);
    if (obstacle === undefined) {
      this.#accepting = new AbortController();
    } else {
      this.#accepting.abort();
    }
  }

  async #pullWhileAccepting(): Promise<void> {
    const { node, logger } = this.#components;
    const { capability, concurrency } = this.#target;
    const stop = AbortSignal.any([this.#closing.signal, this.#accepting.signal]);
    while (!stop.aborted) {
      const presence = this.#openPresence();
      const free = concurrency - this.#deliveries.size;
      if (presence === undefined || free <= 0) {
        await (free <= 0 ? this.#anyDelivery(stop) : this.#pause(1_000));
        continue;
      }
      const max = Math.min(free, apiLimits.pullItems);
      const pulled = await node.pull(capability, { max, waitMs: pullWaitMs, presence }, stop);
      if (pulled.ok) {
        for (const item of pulled.value) this.#begin(item);
        continue;
      }
      const { code, detail } = pulled.refusal;
      logger.debug({ capability, code, detail }, "a pull was refused");
      if (code === "UNKNOWN_PRESENCE") this.#presence = undefined;
      await this.#pause(pulled.refusal.retryAfterMs ?? 1_000);
    }
  }

  #openPresence(): string | undefined {
    if (this.#presence === undefined) {
      const opened = this.#components.node.openPresence(this.#target.capability);
      if (opened.ok) this.#presence = opened.value;
    }
    return this.#presence?.id;
  }

  #begin(item: PulledItem): void {
    const cut = new AbortController();
    const delivery = this.#deliver(item, cut).catch((err: unknown) => {
      this.#components.logger.error({ ticket: item.ticket, err }, "a delivery failed by a bug");
    });
    this.#deliveries.set(delivery, cut);
    void delivery.then(() => this.#deliveries.delete(delivery));
  }

  async #deliver(item: PulledItem, cut: AbortController): Promise<void> {
    const { node, metrics, logger } = this.#components;
    const { ticket, lease } = item;
    // A cancelled item or a lost lease closes the connection.
    let held = true;
    const unsubscribe = node.onLeaseEnded(lease, () => {
      held = false;
      cut.abort();
    });
    try {
      const answered = await this.#work(item, cut.signal);
      // Only a verb frees the slot of an ended lease; a result may still be taken.
      const verb = held || answered.verb === "complete" ? answered : endedRelease;
      metrics.pushed.inc({ capability: this.#target.capability, verb: verb.verb });
      const settled = await node.settle(lease, verb);
      if (!settled.ok) {
        const { code } = settled.refusal;
        logger.debug({ ticket, verb: verb.verb, code }, "a verb came too late");
      }
    } finally {
      unsubscribe();
    }
  }

  /** Has the application do it; what came of it. */
  async #work(item: PulledItem, signal: AbortSignal): Promise<LeaseVerb> {
    const contract = contractOf(this.#components.node, "capability", this.#target.capability);
    if (!contract.ok) return { verb: "release", reason: contract.refusal.detail };
    const { request, response } = contract.value;
    const body = request.decodeToJson(item.request);
    if (!body.ok) {
      const { code, detail } = invalidPayload(body.failure);
      return { verb: "reject", error: { code, message: detail, retryable: false, details: "" } };
    }
    const answer = await this.#post(item, JSON.stringify(body.value), signal);
    if (answer.kind === "aborted") return { verb: "release", reason: "the sidecar is ending" };
    if (answer.kind === "refused") this.#setAccepting(notListening(this.#target.port));
    else this.#failures = 0;
    return verbOfAnswer(answer, response, this.#components.wallClock.nowEpochMs());
  }

  #post(item: PulledItem, json: string, signal: AbortSignal): Promise<PushAnswer> {
    const { port, path } = this.#target;
    const { ticket, lease, attempt, deadlineMs, traceparent } = item;
    const body = Buffer.from(json);
    const headers = {
      "content-type": jsonMediaType,
      "content-length": String(body.length),
      accept: "application/json, application/x-protobuf",
      connection: "close",
      "spillway-ticket": ticket,
      "spillway-lease": lease,
      "spillway-attempt": String(attempt),
      ...(deadlineMs === undefined ? {} : { "spillway-deadline": formatDuration(deadlineMs) }),
      ...(traceparent === undefined ? {} : { traceparent }),
    };
    const push = {
      method: "POST",
      port,
      path: path === "" ? "/" : path,
      headers,
      body,
      maxBodyBytes: apiLimits.jsonBodyBytes,
      signal,
    } as const;
    return exchange(push, this.#components.timers);
  }

  /** Waits for a free slot. */
  async #anyDelivery(stop: AbortSignal): Promise<void> {
    const stopped = Promise.withResolvers<void>();
    const resolve = (): void => {
      stopped.resolve();
    };
    stop.addEventListener("abort", resolve, { once: true });
    await Promise.race([...this.#deliveries.keys(), stopped.promise]);
    stop.removeEventListener("abort", resolve);
  }

  #pause(delayMs: number): Promise<void> {
    const { signal } = this.#closing;
    if (signal.aborted) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = (): void => {
      cancel();
      signal.removeEventListener("abort", wake);
      resolve();
    };
    const cancel = this.#components.timers.after(delayMs, wake);
    signal.addEventListener("abort", wake, { once: true });
    return promise;
  }
}
