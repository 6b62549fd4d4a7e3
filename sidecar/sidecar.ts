/** The parts of a sidecar process, the order in which they start and end, and changed configuration. */
import { clone, equals } from "@bufbuild/protobuf";
import {
  type NodeConfig,
  NodeConfigSchema,
} from "../proto/gen/spillway/control/v1/node_config_pb.ts";
import { apiMetrics, AppServer } from "./api/index.ts";
import { readNodeConfig, watchNodeConfig } from "./config.ts";
import { type RunningNode, startNode } from "./node/index.ts";
import {
  createMetrics,
  Health,
  type Logger,
  realClock,
  realTimers,
  type RootLogger,
  Shutdown,
} from "./runtime/index.ts";

/** A host and a port as they are bound. */
export interface BoundAddress {
  readonly host: string;
  readonly port: number;
}

/** Where a sidecar can be reached; the content of its ready file. */
export interface SidecarAddresses {
  readonly peer: BoundAddress;
  readonly appSocket: string;
  readonly admin?: BoundAddress;
  readonly ops?: BoundAddress;
}

interface SidecarParts {
  readonly configFile: string;
  readonly config: NodeConfig;
  readonly logger: Logger;
  readonly node: RunningNode;
  readonly health: Health;
  readonly shutdown: Shutdown;
  readonly addresses: SidecarAddresses;
}

/** Time for each listener to end. */
const listenerEndMs = 3_000;

/** One sidecar process. */
export class Sidecar {
  readonly addresses: SidecarAddresses;
  readonly readyFile: string;
  readonly #parts: SidecarParts;
  #config: NodeConfig;

  private constructor(parts: SidecarParts) {
    this.addresses = parts.addresses;
    this.readyFile = parts.config.listeners?.readyFile ?? "";
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
    const metrics = createMetrics();
    const health = new Health();
    const shutdown = new Shutdown({ timers: realTimers, logger });
    const node = await startNode(config, { logger: rootLogger, metrics, health });
    shutdown.add({
      name: "node",
      timeoutMs: listenerEndMs,
      end: () => node.close("the sidecar ends"),
    });
    const appSocket = config.listeners?.appSocket ?? "";
    if (appSocket !== "") {
      const app = await AppServer.create({
        node: node.service,
        logger: rootLogger.forComponent("sidecar:api"),
        metrics: metrics.register(apiMetrics),
        timers: realTimers,
        clock: realClock,
      });
      await app.listen(appSocket);
      shutdown.add({ name: "app listener", timeoutMs: listenerEndMs, end: () => app.close() });
    }
    const addresses = { peer: node.peerAddress, appSocket };
    return new Sidecar({ configFile, config, logger, node, health, shutdown, addresses });
  }

  /** Takes changes of the configuration file from now on. */
  watchConfig(): void {
    const stop = watchNodeConfig(this.#parts.configFile, () => {
      this.#reload();
    });
    process.on("SIGHUP", () => {
      this.#reload();
    });
    this.#parts.shutdown.add({ name: "configuration watch", timeoutMs: 100, end: stop });
  }

  /**
   * Ends in order: drain, listeners, node. Later calls wait for the first.
   * @returns true when every step ended well and in time.
   */
  async end(reason: string, options: { readonly drain: boolean }): Promise<boolean> {
    this.#parts.logger.info({ reason }, "ending");
    if (options.drain) {
      await this.#parts.node.drain();
    }
    return this.#parts.shutdown.run();
  }

  /** A configuration that is refused changes nothing; readiness says so until it is mended. */
  #reload(): void {
    const { configFile, logger, node, health } = this.#parts;
    try {
      const config = readNodeConfig(configFile);
      node.configure(config);
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
