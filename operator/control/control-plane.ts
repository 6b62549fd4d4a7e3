/**
 * The whole of the operator's end: listener, hub, tokens, authority and its upkeep, behind the few
 * calls that the controllers need.
 */
import type { Clock } from "../../sidecar/core/ports.ts";
import type { Logger, Metrics, Timers, WallClock } from "../../sidecar/runtime/index.ts";
import type { Authority, Tended } from "./authority.ts";
import { ControlHub } from "./control-hub.ts";
import { ControlServer, type ListenOptions } from "./control-server.ts";
import { HubDriver } from "./hub-driver.ts";
import type { HubOptions } from "./hub-options.ts";
import { type ControlPlaneHandles, controlPlaneMetrics } from "./metrics.ts";
import type { PodAssignment } from "./pod-assignment.ts";
import type { TokenReviews } from "./ports.ts";
import type { SidecarState } from "./sidecar-state.ts";
import { TokenReviewer } from "./token-reviewer.ts";

/** What a control plane works with. */
export interface ControlPlaneComponents {
  readonly authority: Authority;
  readonly reviews: TokenReviews;
  /** Monotonic. */
  readonly clock: Clock;
  readonly wallClock: WallClock;
  readonly timers: Timers;
  readonly log: Logger;
  /** Takes `controlPlaneMetrics`. One control plane for each. */
  readonly metrics: Metrics;
  /** What is known of a pod's sidecar has changed: ask `sidecar`. Must not throw or block. */
  readonly onSidecarChange: (podUid: string) => void;
  /** The bundle has changed: sidecars are told, the injection's ConfigMap is the caller's. */
  readonly onBundleChange: (bundlePem: string) => void;
}

/** What a control plane is. */
export interface ControlPlaneOptions
  extends Omit<HubOptions, "clusterId" | "trustOf" | "firstSequence"> {
  readonly listen: ListenOptions;
  /** Names of the listener besides `control.spillway.dev`. @default none */
  readonly dnsNames?: readonly string[];
  /** How often the authority is looked after. @default 1 min */
  readonly tendIntervalMs?: number;
}

/** A third of a listener certificate's life of 24 h. */
const renewServerMs = 8 * 3_600_000;
const closeGraceMs = 2_000;

/** The operator's end of the control stream, running. */
export class ControlPlane {
  readonly #components: ControlPlaneComponents;
  readonly #options: ControlPlaneOptions;
  readonly #hub: ControlHub;
  readonly #driver: HubDriver;
  readonly #reviewer: TokenReviewer;
  readonly #server: ControlServer;
  #isLeading = false;
  #bundlePem: string;
  #signerPem: string;
  #serverRenewedAtMs: number;
  #cancelTend = (): void => undefined;
  #closed = false;
  /** Of the listener; 0 before it is open. */
  #port = 0;

  private constructor(
    components: ControlPlaneComponents,
    options: ControlPlaneOptions,
    certificate: Awaited<ReturnType<Authority["issueServer"]>>,
  ) {
    const { authority, clock, log, timers, wallClock } = components;
    this.#components = components;
    this.#options = options;
    this.#bundlePem = authority.bundlePem;
    this.#signerPem = authority.signerPem;
    this.#serverRenewedAtMs = clock.nowMs();
    this.#hub = new ControlHub({
      ...options,
      clusterId: authority.clusterId,
      trustOf: (namespace) => authority.trustOf(namespace),
      firstSequence: BigInt(wallClock.nowEpochMs()),
    });
    const hub = this.#hub;
    const metrics = registered(components.metrics, hub);
    this.#reviewer = new TokenReviewer({
      ...components,
      onReviewed: (result) => {
        metrics.reviews.inc({ result });
      },
    });
    const reviewer = this.#reviewer;
    this.#driver = new HubDriver({
      ...components,
      metrics,
      hub,
      reviewer,
      onChange: components.onSidecarChange,
    });
    const server = { hub, driver: this.#driver, reviewer, timers, log, metrics };
    this.#server = new ControlServer(server, certificate);
  }

  /**
   * Opens the listener. Until `lead` or `follow` is called every stream gets NOT_LEADER.
   * @throws {ControlError} `LISTEN_FAILED`, `OPTION_INVALID`.
   */
  static async start(
    components: ControlPlaneComponents,
    options: ControlPlaneOptions,
  ): Promise<ControlPlane> {
    const certificate = await components.authority.issueServer(options.dnsNames);
    const plane = new ControlPlane(components, options, certificate);
    plane.#port = await plane.#server.listen(options.listen);
    plane.#tendLater();
    return plane;
  }

  /** Port of the listener. */
  get port(): number {
    return this.#port;
  }

  /** Streams that are attached. */
  get streamCount(): number {
    return this.#hub.streamCount;
  }

  /** This operator leads: streams are taken, the authority is rotated here. */
  lead(): void {
    this.#isLeading = true;
    this.#driver.tell({ type: "leading" });
  }

  /** @param leaderAddress `IP:PORT` of the leader's control listener; undefined: not known. */
  follow(leaderAddress: string | undefined): void {
    this.#isLeading = false;
    this.#driver.tell({ type: "following", leaderAddress });
  }

  /** A pod with a sidecar, and what selects it: whole each time, repeated at will. */
  assign(assignment: PodAssignment): void {
    this.#driver.tell({ type: "assigned", assignment });
  }

  /** The pod was deleted: its stream ends, its token is forgotten. */
  release(podUid: string): void {
    this.#reviewer.forget(podUid);
    this.#driver.tell({ type: "released", podUid });
  }

  /**
   * Asks a pod's sidecar to take no further items for these capabilities; those not named take
   * items again. Repeat it before `ttlMs` is over to keep it so. `SidecarState.quiesced` has the
   * answer.
   */
  quiesce(podUid: string, capabilityUids: readonly string[], ttlMs: number): void {
    this.#driver.tell({ type: "quiesce", podUid, capabilityUids, ttlMs });
  }

  /** What is known of a pod's sidecar; undefined for a pod that was not assigned. */
  sidecar(podUid: string): SidecarState | undefined {
    return this.#hub.sidecar(podUid);
  }

  /** What is known of every assigned pod's sidecar. */
  sidecars(): Iterable<SidecarState> {
    return this.#hub.sidecars();
  }

  /**
   * Looks after the authority now: takes the due step of its rotation when this operator leads,
   * reads what the leader did when it does not. While the Secret's store is away the authority at
   * hand goes on, and the listener's certificate is renewed by it.
   * @throws what the Secret's store throws.
   */
  async tend(): Promise<void> {
    try {
      await this.#tendAuthority();
    } finally {
      await this.#authorityChanged();
    }
  }

  /** Begins a rotation of the authority now. Only while this operator leads. */
  async rotate(): Promise<void> {
    await this.#components.authority.rotate();
    await this.#authorityChanged();
  }

  /** Ends every stream with STOPPING and closes the listener; extra calls are harmless. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelTend();
    this.#driver.tell({ type: "stopping" });
    await this.#server.close(closeGraceMs);
    this.#driver.stop();
  }

  async #tendAuthority(): Promise<void> {
    const { authority } = this.#components;
    if (!this.#isLeading) return authority.reload();
    // A step may make the next one due.
    let tended: Tended;
    do tended = await authority.tend();
    while (tended.step !== "none");
  }

  async #authorityChanged(): Promise<void> {
    const { authority, clock } = this.#components;
    const signerChanged = authority.signerPem !== this.#signerPem;
    const renewalDue = clock.nowMs() - this.#serverRenewedAtMs >= renewServerMs;
    if (authority.bundlePem !== this.#bundlePem) {
      this.#bundlePem = authority.bundlePem;
      this.#driver.tell({ type: "trustChanged" });
      this.#components.onBundleChange(this.#bundlePem);
    }
    if (signerChanged || renewalDue) {
      const { signerPem } = authority;
      this.#server.updateCertificate(await authority.issueServer(this.#options.dnsNames));
      this.#signerPem = signerPem;
      this.#serverRenewedAtMs = clock.nowMs();
    }
    if (signerChanged) this.#driver.tell({ type: "signerChanged" });
  }

  #tendLater(): void {
    if (this.#closed) return;
    const { log, timers } = this.#components;
    this.#cancelTend = timers.after(this.#options.tendIntervalMs ?? 60_000, () => {
      this.tend()
        .catch((err: unknown) => {
          log.error({ err }, "the authority can't be looked after; tried again in a while");
        })
        .finally(() => {
          this.#tendLater();
        });
    });
  }
}

function registered(metrics: Metrics, hub: ControlHub): ControlPlaneHandles {
  const handles = metrics.register(controlPlaneMetrics);
  metrics.onCollect(() => {
    const lag = hub.lag();
    handles.streams.set({}, hub.streamCount);
    handles.unacknowledged.set({}, lag.resources);
    handles.generationLag.set({}, lag.generations);
  });
  return handles;
}
