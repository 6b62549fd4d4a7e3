/**
 * Leader election by a Lease of `coordination.k8s.io/v1`. Decisions are core/lease-elector.ts; here
 * are the Lease and the clocks.
 */
import type { ApiClient } from "./api-client.ts";
import { ApiError } from "./api-error.ts";
import {
  LeaseElector,
  type ElectionEffect,
  type ElectionInput,
  type ElectionOptions,
  type LeaseNote,
} from "./core/lease-elector.ts";
import type { RuntimeMetrics } from "./metrics.ts";
import type { Surroundings } from "./ports.ts";
import { Pump } from "./pump.ts";
import { resourceType, type ApiObject } from "./resource-type.ts";
import { SleepDetector } from "./sleep-detector.ts";

/** A Lease. Source: Kubernetes API, `coordination.k8s.io/v1`. */
export interface Lease extends ApiObject {
  readonly spec?: {
    readonly holderIdentity?: string;
    readonly leaseDurationSeconds?: number;
    readonly acquireTime?: string;
    readonly renewTime?: string;
    readonly leaseTransitions?: number;
  };
}

/** Where Leases live. */
export const leases = resourceType<Lease>({
  group: "coordination.k8s.io",
  version: "v1",
  plural: "leases",
  kind: "Lease",
  namespaced: true,
});

/** Why a leader is none any more. */
export type LossReason = Extract<ElectionEffect, { type: "lost" }>["why"];

/** Settings of an election. */
export interface LeaderElectionOptions extends ElectionOptions {
  /** Namespace of the Lease. */
  readonly namespace: string;
  /** Name of the Lease. */
  readonly name: string;
  /** Our name in it, for example `10.0.0.7:8443`; unique among the candidates. */
  readonly identity: string;
  /** Called once, when this process leads. */
  readonly onElected: () => void;
  /** Called once after that, when it does not lead any more; for `released` not an accident. */
  readonly onLost: (why: LossReason) => void;
  /** Called with who leads; "" = nobody. */
  readonly onLeaderChanged?: (holder: string) => void;
}

/** What an election works with. */
export interface LeaderElectionComponents {
  /** A client that is not guarded by this election. */
  readonly client: ApiClient;
  readonly surroundings: Surroundings;
  readonly metrics: RuntimeMetrics;
}

/** One candidate of an election. */
export class LeaderElection {
  readonly #options: LeaderElectionOptions;
  readonly #components: LeaderElectionComponents;
  readonly #elector: LeaseElector;
  readonly #sleep: SleepDetector;
  readonly #pump: Pump;
  readonly #ended = Promise.withResolvers<undefined>();
  /** As read or written last. */
  #lease: Lease | undefined;

  /**
   * @throws {RangeError} for times that do not fit each other, and for a lease duration that is no
   *   whole number of seconds: the API has no others.
   */
  constructor(options: LeaderElectionOptions, components: LeaderElectionComponents) {
    this.#options = options;
    this.#components = components;
    const { clock, wallClock, timers, random } = components.surroundings;
    this.#sleep = new SleepDetector(clock, wallClock);
    this.#elector = new LeaseElector(options.identity, options, random);
    const { leaseDurationMs } = this.#elector.times;
    if (leaseDurationMs % 1_000 !== 0) {
      throw new RangeError(`leaseDurationMs is ${leaseDurationMs}; give whole seconds in ms`);
    }
    this.#pump = new Pump({
      clock,
      timers,
      nextDeadlineMs: () => this.#elector.nextDeadlineMs(),
      onDeadline: (nowMs) => {
        this.#mindSleep();
        this.#carryOut(this.#elector.advance(nowMs));
      },
    });
    components.metrics.leader.set({ name: options.name }, 0);
  }

  /** Who leads, as seen last; "" = nobody. */
  get holder(): string {
    return this.#elector.holder;
  }

  /** Whether this process may write at this moment: the guard of `ApiClient.guardedBy`. */
  readonly isLeader = (): boolean => {
    this.#mindSleep();
    return this.#elector.isLeader(this.#components.surroundings.clock.nowMs());
  };

  /** Becomes a candidate. Extra calls are harmless. */
  start(): void {
    this.#tell({ type: "start" });
  }

  /**
   * Gives the lease back, if it is ours, so that another leads within seconds; final. Stop the
   * controllers before: from the call on nothing is written.
   */
  async release(): Promise<void> {
    this.#tell({ type: "release" });
    await this.#ended.promise;
  }

  #tell(input: ElectionInput): void {
    this.#mindSleep();
    this.#carryOut(this.#elector.handle(input, this.#components.surroundings.clock.nowMs()));
  }

  #mindSleep(): void {
    const sleptMs = this.#sleep.sleptMs();
    if (sleptMs === 0) return;
    const { clock, log } = this.#components.surroundings;
    log.warn({ lease: this.#options.name, sleptMs }, "the machine slept, or its clock was set");
    this.#carryOut(this.#elector.handle({ type: "slept", sleptMs }, clock.nowMs()));
  }

  #carryOut(effects: readonly ElectionEffect[]): void {
    for (const effect of effects) this.#carryOutOne(effect);
    this.#pump.arm();
  }

  #carryOutOne(effect: ElectionEffect): void {
    const { log } = this.#components.surroundings;
    const { name, identity, onElected, onLost, onLeaderChanged } = this.#options;
    const { leader } = this.#components.metrics;
    switch (effect.type) {
      case "look":
        void this.#ask(async () => ({ type: "seen", note: await this.#look() }));
        break;
      case "write":
        void this.#ask(async () => ({ type: "written", note: await this.#write(effect) }));
        break;
      case "elected":
        leader.set({ name }, 1);
        log.info({ lease: name, identity }, "this process leads");
        onElected();
        break;
      case "lost":
        leader.set({ name }, 0);
        log.info({ lease: name, identity, why: effect.why }, "this process does not lead any more");
        onLost(effect.why);
        break;
      case "leaderChanged":
        log.info({ lease: name, holder: effect.holder }, "another leader");
        onLeaderChanged?.(effect.holder);
        break;
      case "ended":
        this.#pump.close();
        this.#ended.resolve(undefined);
        break;
      default: {
        const unknown: never = effect;
        throw new Error(`unreachable: ${JSON.stringify(unknown)}`);
      }
    }
  }

  async #ask(request: () => Promise<ElectionInput>): Promise<void> {
    let input: ElectionInput;
    try {
      input = await request();
    } catch (error) {
      const code = error instanceof ApiError ? error.code : undefined;
      const conflict = code === "CONFLICT" || code === "ALREADY_EXISTS";
      if (!conflict) {
        const fields = { lease: this.#options.name, code, error };
        this.#components.surroundings.log.warn(fields, "the lease could not be read or written");
      }
      input = { type: "failed", conflict };
    }
    this.#tell(input);
  }

  async #look(): Promise<LeaseNote | undefined> {
    const { namespace, name } = this.#options;
    try {
      const place = { namespace, name };
      this.#lease = await this.#components.client.get(leases, place, this.#bounds());
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== "NOT_FOUND") throw error;
      this.#lease = undefined;
    }
    return this.#lease === undefined ? undefined : this.#noteOf(this.#lease);
  }

  async #write(effect: Extract<ElectionEffect, { type: "write" }>): Promise<LeaseNote> {
    const { client, surroundings } = this.#components;
    const lease = this.#next(effect, surroundings.wallClock.nowEpochMs());
    const written =
      effect.resourceVersion === undefined
        ? await client.create(leases, lease, this.#bounds())
        : await client.update(leases, lease, this.#bounds());
    this.#lease = written;
    return this.#noteOf(written);
  }

  #next(
    { purpose, resourceVersion }: Extract<ElectionEffect, { type: "write" }>,
    nowEpochMs: number,
  ): Lease {
    const { namespace, name, identity } = this.#options;
    const before = this.#lease?.spec;
    const now = microTimeOf(nowEpochMs);
    const releases = purpose === "release";
    const spec = {
      ...before,
      holderIdentity: releases ? "" : identity,
      // One second, as client-go does: an older client that reads it does not wait.
      leaseDurationSeconds: releases ? 1 : this.#elector.times.leaseDurationMs / 1_000,
      renewTime: now,
      ...(purpose === "take" ? { acquireTime: now, leaseTransitions: transitions(before) } : {}),
    };
    const metadata = this.#lease?.metadata ?? { namespace, name };
    return resourceVersion === undefined
      ? { metadata: { namespace, name }, spec }
      : { metadata: { ...metadata, resourceVersion }, spec };
  }

  /** A renewal that hangs must leave time for another one. Not repeated below: the elector does. */
  /**
   * A server that turns everybody away asks them to wait longer than the renew deadline may last:
   * whoever leads must not lose the lead by keeping to it.
   */
  #bounds(): { readonly timeoutMs: number; readonly longestRetryAfterMs: number } {
    const { retryPeriodMs } = this.#elector.times;
    return { timeoutMs: 2 * retryPeriodMs, longestRetryAfterMs: retryPeriodMs / 4 };
  }

  #noteOf({ metadata, spec }: Lease): LeaseNote {
    const seconds = spec?.leaseDurationSeconds;
    return {
      holder: spec?.holderIdentity ?? "",
      durationMs: seconds === undefined ? this.#elector.times.leaseDurationMs : seconds * 1_000,
      resourceVersion: metadata.resourceVersion ?? "",
    };
  }
}

function transitions(before: Lease["spec"]): number {
  return before === undefined ? 0 : (before.leaseTransitions ?? 0) + 1;
}

/** The API's MicroTime: six digits of a second. */
function microTimeOf(nowEpochMs: number): string {
  return new Date(nowEpochMs).toISOString().replace(/Z$/, "000Z");
}
