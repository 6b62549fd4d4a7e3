/**
 * The parts of a sidecar process, the order in which they start and end, and changed configuration.
 */
import { writeFileSync } from "node:fs";
import { clone, equals } from "@bufbuild/protobuf";
import {
  type NodeConfig,
  NodeConfigSchema,
} from "../proto/gen/spillway/control/v1/node_config_pb.ts";
import { apiMetrics } from "./api/index.ts";
import { readNodeConfig, watchNodeConfig } from "./config.ts";
import { Deliveries } from "./deliveries.ts";
import { listenerEndMs, Listeners, type SocketPlace } from "./listeners.ts";
import { type RunningNode, startNode } from "./node/index.ts";
import {
  createMetrics,
  Health,
  type Logger,
  realRandom,
  realTimers,
  realWallClock,
  type RootLogger,
  Shutdown,
} from "./runtime/index.ts";

/** Where a sidecar can be reached; the content of its ready file. Absent: not configured. */
export interface SidecarAddresses {
  readonly peer?: SocketPlace;
  readonly appSocket?: string;
  readonly admin?: SocketPlace;
  readonly ops?: SocketPlace;
}

interface SidecarParts {
  readonly configFile: string;
  readonly config: NodeConfig;
  readonly logger: Logger;
  readonly node: RunningNode;
  readonly deliveries: Deliveries;
  readonly health: Health;
  readonly shutdown: Shutdown;
  readonly addresses: SidecarAddresses;
}

/** One sidecar process. */
export class Sidecar {
  readonly addresses: SidecarAddresses;
  readonly #readyFile: string;
  readonly #parts: SidecarParts;
  #config: NodeConfig;

  private constructor(parts: SidecarParts) {
    this.addresses = parts.addresses;
    this.#readyFile = parts.config.listeners?.readyFile ?? "";
    this.#parts = parts;
    this.#config = parts.config;
  }

  /**
   * Reads the configuration and starts everything it names.
   * @throws {ConfigError} when the file is refused.
   * @throws {NodeError} when identity or contracts are.
   * @throws {ApiError | TransportError} when a listener can't be opened.
   */
  static async start(configFile: string, rootLogger: RootLogger): Promise<Sidecar> {
    const config = readNodeConfig(configFile);
    const logger = rootLogger.forComponent("sidecar:main");
    const metrics = createMetrics({ processFigures: true });
    const health = new Health();
    const shutdown = new Shutdown({ timers: realTimers, logger });
    const node = await startNode(config, {
      logger: rootLogger,
      metrics,
      health,
    });
    shutdown.add({
      name: "node",
      timeoutMs: listenerEndMs,
      end: () => node.close("the sidecar ends"),
    });
    const api = rootLogger.forComponent("sidecar:api");
    const apiHandles = metrics.register(apiMetrics);
    const { service } = node;
    const deliveries = new Deliveries({
      node: service,
      logger: api,
      metrics: apiHandles,
      timers: realTimers,
      wallClock: realWallClock,
      random: realRandom,
    });
    deliveries.configure(config.capabilities);
    const shared = { logger: api, apiMetrics: apiHandles, metrics, health, shutdown };
    const listeners = new Listeners({ node: service, ...shared });
    const { admin, ops, appSocket = "" } = config.listeners ?? {};
    let addresses: SidecarAddresses = { peer: plain(node.peerAddress) };
    if (admin !== undefined) {
      addresses = { ...addresses, admin: await listeners.openAdmin(plain(admin)) };
    }
    if (ops !== undefined) {
      addresses = { ...addresses, ops: await listeners.openOps(plain(ops)) };
    }
    if (appSocket !== "") {
      await listeners.openApp(appSocket);
      addresses = { ...addresses, appSocket };
    }
    return new Sidecar({
      configFile,
      config,
      logger,
      node,
      deliveries,
      health,
      shutdown,
      addresses,
    });
  }

  /** Takes changes of the configuration file from now on, and tells the bound addresses. */
  async ready(): Promise<void> {
    const stop = watchNodeConfig(this.#parts.configFile, () => {
      this.#reload();
    });
    process.on("SIGHUP", () => {
      this.#reload();
    });
    this.#parts.shutdown.add({ name: "configuration watch", timeoutMs: 100, end: stop });
    if (this.#readyFile === "") return;
    writeFileSync(this.#readyFile, JSON.stringify(this.addresses), { mode: 0o600 });
  }

  /**
   * Ends in order: drain, listeners, node. Later calls wait for the first.
   * @returns true when every step ended well and in time.
   */
  async end(reason: string, options: { readonly drain: boolean }): Promise<boolean> {
    const { logger, node, deliveries, shutdown } = this.#parts;
    logger.info({ reason }, "ending");
    if (options.drain) {
      await node.drain();
    }
    await deliveries.close(0);
    return shutdown.run();
  }

  /** A configuration that is refused changes nothing; readiness says so until it is mended. */
  #reload(): void {
    const { configFile, logger, node, health, deliveries } = this.#parts;
    try {
      const config = readNodeConfig(configFile);
      node.configure(config);
      deliveries.configure(config.capabilities);
      const needsRestart = !equals(NodeConfigSchema, fixedPart(config), fixedPart(this.#config));
      this.#config = needsRestart ? this.#config : config;
      health.set(
        "configuration",
        needsRestart ? "the configuration changed in a part that needs a restart" : undefined,
      );
      logger.info({ needsRestart }, "configuration taken");
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      health.set("configuration", `the changed configuration is refused: ${message}`);
      logger.error({ err: error }, "the changed configuration is refused; the old one stays");
    }
  }
}

/** What a running sidecar does not take over. */
function fixedPart(config: NodeConfig): NodeConfig {
  const fixed = clone(NodeConfigSchema, config);
  fixed.demands = [];
  fixed.capabilities = [];
  fixed.descriptorSets = [];
  if (fixed.discovery !== undefined) fixed.discovery.staticPeers = [];
  return fixed;
}

function plain({ host, port }: SocketPlace): SocketPlace {
  return { host, port };
}
