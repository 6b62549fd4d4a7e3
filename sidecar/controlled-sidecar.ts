/**
 * A sidecar in a cluster: the operator tells it what to be. The application's listener is there
 * from the first moment and answers NOT_CONFIGURED; the start waits a little for a configuration
 * and then passes, so that a pod is not held by an operator that is away.
 */
import { writeFileSync } from "node:fs";
import { apiMetrics } from "./api/index.ts";
import { ControlClient, controlMetrics } from "./control/index.ts";
import { LateControlledNode, type PodPlace } from "./controlled-node.ts";
import { Deliveries } from "./deliveries.ts";
import { lateNode, unconfiguredNode } from "./late-node.ts";
import { listenerEndMs, Listeners, type SocketPlace } from "./listeners.ts";
import type { RunningNode } from "./node/index.ts";
import { nextIncarnation } from "./runtime/incarnation.ts";
import {
  createMetrics,
  Health,
  realClock,
  realRandom,
  realTimers,
  realWallClock,
  type RootLogger,
  Shutdown,
} from "./runtime/index.ts";
import type { SidecarAddresses } from "./sidecar.ts";

/** What a sidecar in a cluster is started with. */
export interface ControlledSidecarOptions extends PodPlace {
  /** "HOST:PORT" of the operator's control listener. */
  readonly control: string;
  /** The pod's projected ServiceAccount token. */
  readonly tokenFile: string;
  /** PEM of the authorities that came with the pod. */
  readonly trustBundleFile: string;
  /** Where incarnation, certificate and last configuration are kept. */
  readonly stateFolder: string;
  /** Unix socket of the application API, at most 107 bytes. */
  readonly appSocket: string;
  /** Probes and metrics, on the pod's address; port 0 takes a free one. */
  readonly admin: SocketPlace;
  /** Operations, on loopback; port 0 takes a free one. */
  readonly ops: SocketPlace;
  /** File that receives the bound addresses, again when they change; empty: none. */
  readonly readyFile: string;
  /** Version of the program. */
  readonly sidecarVersion: string;
  /** Ends the process: what the machine gives does not do for a node. */
  readonly failed: (error: unknown) => void;
}

/** The start passes after this without a configuration. */
const configurationWaitMs = 5_000;
const notConfigured = "no configuration has come from the operator yet";

/** One sidecar process in a cluster. */
export class ControlledSidecar {
  readonly #options: ControlledSidecarOptions;
  readonly #logger: RootLogger;
  readonly #health = new Health();
  readonly #metrics = createMetrics({ processFigures: true });
  readonly #shutdown: Shutdown;
  readonly #listeners: Listeners;
  readonly #deliveries: Deliveries;
  readonly #node: LateControlledNode;
  readonly #configured = Promise.withResolvers<void>();
  readonly #incarnation: number;
  #running: RunningNode | undefined;
  #addresses: SidecarAddresses = {};

  private constructor(options: ControlledSidecarOptions, logger: RootLogger) {
    this.#options = options;
    this.#logger = logger;
    this.#shutdown = new Shutdown({
      timers: realTimers,
      logger: logger.forComponent("sidecar:main"),
    });
    const unconfigured = unconfiguredNode(this.#health);
    const service = lateNode(() => this.#node.service ?? unconfigured);
    const api = logger.forComponent("sidecar:api");
    const metrics = this.#metrics.register(apiMetrics);
    this.#incarnation = nextIncarnation(options.stateFolder, realWallClock.nowEpochMs());
    this.#deliveries = new Deliveries({
      node: service,
      logger: api,
      metrics,
      timers: realTimers,
      wallClock: realWallClock,
      random: realRandom,
    });
    this.#node = new LateControlledNode(options, {
      logger,
      metrics: this.#metrics,
      health: this.#health,
      deliveries: this.#deliveries,
      incarnation: this.#incarnation,
      started: (node) => {
        this.#started(node);
      },
      failed: options.failed,
    });
    this.#listeners = new Listeners({
      node: service,
      logger: api,
      apiMetrics: metrics,
      metrics: this.#metrics,
      health: this.#health,
      shutdown: this.#shutdown,
    });
    this.#health.set("control", notConfigured);
  }

  /** Where it can be reached, as far as it listens. */
  get addresses(): SidecarAddresses {
    return this.#addresses;
  }

  /**
   * Opens the listeners of the application and of operations, and looks for the operator.
   * @throws {ApiError} when a listener can't be opened.
   * @throws {ControlError} when token, bundle or state folder can't be used.
   */
  static async start(
    options: ControlledSidecarOptions,
    logger: RootLogger,
  ): Promise<ControlledSidecar> {
    const sidecar = new ControlledSidecar(options, logger);
    await sidecar.#start();
    return sidecar;
  }

  /**
   * The start passes: with the first configuration, or after 5 s without one. Until then the probes
   * of the start find nobody, since the admin listener is not open.
   * @throws {ApiError} when it can't be opened.
   */
  async ready(): Promise<void> {
    await this.#waitForConfiguration();
    if (this.#shutdown.begun) return;
    const bound = await this.#listeners.openAdmin(this.#options.admin);
    this.#addresses = { ...this.#addresses, admin: bound };
    this.#writeReadyFile();
  }

  /**
   * Ends in order: drain, listeners, stream, node. Later calls wait for the first.
   * @returns true when every step ended well and in time.
   */
  async end(reason: string, options: { readonly drain: boolean }): Promise<boolean> {
    this.#logger.forComponent("sidecar:main").info({ reason }, "ending");
    if (options.drain) await this.#running?.drain();
    await this.#deliveries.close(0);
    return this.#shutdown.run();
  }

  async #start(): Promise<void> {
    const { appSocket, ops } = this.#options;
    this.#endLater("node", async () => this.#running?.close("the sidecar ends"));
    await this.#listeners.openApp(appSocket);
    this.#addresses = { appSocket, ops: await this.#listeners.openOps(ops) };
    const client = await ControlClient.start(
      {
        address: this.#options.control,
        tokenFile: this.#options.tokenFile,
        trustBundleFile: this.#options.trustBundleFile,
        stateFolder: `${this.#options.stateFolder}/control`,
        sidecarVersion: this.#options.sidecarVersion,
        incarnation: this.#incarnation,
      },
      {
        node: this.#node,
        clock: realClock,
        wallClock: realWallClock,
        timers: realTimers,
        random: realRandom,
        logger: this.#logger.forComponent("sidecar:control"),
        metrics: this.#metrics.register(controlMetrics),
      },
    );
    this.#endLater("control stream", () => client.stop());
  }

  async #waitForConfiguration(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = realTimers.after(configurationWaitMs, resolve);
    await Promise.race([this.#configured.promise, promise]);
    cancel();
  }

  #started(node: RunningNode): void {
    this.#running = node;
    const { host, port } = node.peerAddress;
    this.#addresses = { ...this.#addresses, peer: { host, port } };
    this.#health.set("control", undefined);
    this.#configured.resolve();
    if (this.#addresses.admin !== undefined) this.#writeReadyFile();
  }

  #writeReadyFile(): void {
    const { readyFile } = this.#options;
    if (readyFile === "") return;
    writeFileSync(readyFile, JSON.stringify(this.#addresses), { mode: 0o600 });
  }

  #endLater(name: string, end: () => Promise<void>): void {
    this.#shutdown.add({ name, timeoutMs: listenerEndMs, end });
  }
}
