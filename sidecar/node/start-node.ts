/** Starts a node with real parts: WebTransport, multicast, the machine's clock. */
import type { NodeConfig } from "../../proto/gen/spillway/control/v1/node_config_pb.ts";
import type { NodeService } from "../api/ports.ts";
import { nextIncarnation } from "../runtime/incarnation.ts";
import {
  type Health,
  type Metrics,
  realClock,
  realRandom,
  realTimers,
  realWallClock,
  type RootLogger,
} from "../runtime/index.ts";
import { multicastMetrics } from "../multicast/index.ts";
import { CarrierTransport } from "../transport/index.ts";
import {
  type CredentialOptions,
  createWebTransportFactory,
} from "../transport/webtransport/index.ts";
import { type AnnouncementKey, announcementKey } from "../wire/announcement.ts";
import { announcementKeyOf, credentialsOf } from "./identity.ts";
import { mirrorNode, nodeMetrics } from "./metrics.ts";
import { MulticastDiscovery } from "./multicast-discovery.ts";
import { Node } from "./node.ts";
import { NodeError } from "./node-error.ts";
import { nodeServiceOf } from "./node-service.ts";
import { msOf } from "./work-options.ts";

/** What a started node is given. */
export interface StartNodeComponents {
  readonly logger: RootLogger;
  readonly metrics: Metrics;
  readonly health: Health;
  /** Instead of the files that the configuration names: the SDK has its certificates in memory. */
  readonly credentials?: CredentialOptions;
  /** Instead of the file `identity.clusterKeyFile`: 32 bytes. */
  readonly clusterKey?: Uint8Array;
}

/** A running node. */
export interface RunningNode {
  readonly service: NodeService;
  /** Where peers dial. */
  readonly peerAddress: { readonly host: string; readonly port: number };
  readonly incarnation: number;
  /**
   * Takes over demands, capabilities, descriptor sets and static peers.
   * @throws {NodeError} `CONFIG_INVALID`, `CONTRACT_UNRESOLVED`; then everything stays as it was.
   */
  configure(config: NodeConfig): void;
  /** Takes nothing new; resolves when nothing is held or pending, at the latest after the grace. */
  drain(): Promise<void>;
  /** Releases what is held, says goodbye to every peer, ends. */
  close(reason: string): Promise<void>;
}

const defaultDrainGraceMs = 25_000;

/**
 * Starts a node and gives it its first configuration.
 * @param config checked by `wire/node-config`.
 * @throws {NodeError} `IDENTITY_INVALID`, `CONFIG_INVALID`, `CONTRACT_UNRESOLVED`.
 * @throws {TransportError} `BAD_CREDENTIALS`, `LISTEN_FAILED`, `PACKAGE_CHANGED`.
 */
export async function startNode(
  config: NodeConfig,
  components: StartNodeComponents,
): Promise<RunningNode> {
  const { clusterId, namespace, nodeId } = config;
  const incarnation = nextIncarnation(config.stateFolder, realWallClock.nowEpochMs());
  const self = { clusterId, namespace, nodeId, incarnation };
  const real = { clock: realClock, timers: realTimers, random: realRandom };
  const handles = components.metrics.register(nodeMetrics);
  const factory = await createWebTransportFactory({
    credentials:
      components.credentials ?? (await credentialsOf(config, realWallClock.nowEpochMs())),
    logger: components.logger.forComponent("sidecar:transport"),
    onRefusal: ({ code }) => {
      handles.peersRefused.inc({ code });
    },
  });
  checkIdentity(factory.identity, self);
  const transport = new CarrierTransport(
    { ...real, factory, logger: components.logger.forComponent("sidecar:transport") },
    { local: self },
  );
  const { host, port } = config.listeners?.peer ?? { host: "", port: 0 };
  const peerAddress = await transport.listen({ host: host === "" ? "0.0.0.0" : host, port });
  let multicast: MulticastDiscovery | undefined;
  const node = new Node({
    ...real,
    self,
    transport,
    wallClock: realWallClock,
    logger: components.logger.forComponent("sidecar:node"),
    announceDemands: (demands) => multicast?.setDemands(demands),
  });
  mirrorNode(node, components.metrics, handles);
  node.configure(config);
  if (config.discovery?.multicast !== undefined) {
    multicast = multicastOf(config, components, {
      node,
      incarnation,
      sessionPort: peerAddress.port,
      fingerprint: factory.identity.fingerprint,
    });
    await startMulticast(multicast, components);
  }
  const graceMs = msOf(config.drainGrace) ?? defaultDrainGraceMs;
  const drain = (): Promise<void> => within(graceMs, node.drain());
  return {
    service: nodeServiceOf(node, components.health, drain),
    peerAddress,
    incarnation,
    configure: (changed) => {
      node.configure(changed);
    },
    drain,
    close: async (reason) => {
      node.close(reason);
      await multicast?.stop();
      await transport.close(reason);
    },
  };
}

/** HELLO, announcements and the certificate must name the same node. */
function checkIdentity(
  proven: { readonly clusterId: string; readonly namespace: string; readonly nodeId: string },
  self: { readonly clusterId: string; readonly namespace: string; readonly nodeId: string },
): void {
  for (const part of ["clusterId", "namespace", "nodeId"] as const) {
    if (proven[part] !== self[part]) {
      throw new NodeError(
        "IDENTITY_INVALID",
        `the certificate names ${part} ${proven[part]}, the configuration ${self[part]}`,
      );
    }
  }
}

function multicastOf(
  config: NodeConfig,
  components: StartNodeComponents,
  bound: {
    readonly node: Node;
    readonly incarnation: number;
    readonly sessionPort: number;
    readonly fingerprint: string;
  },
): MulticastDiscovery {
  const settings = config.discovery?.multicast;
  const periodMs = msOf(settings?.period);
  return new MulticastDiscovery(
    {
      multicast: {
        ...(settings === undefined || settings.group === "" ? {} : { group: settings.group }),
        ...(settings === undefined || settings.port === 0 ? {} : { port: settings.port }),
        ...(periodMs === undefined ? {} : { periodMs }),
        interfaces: settings?.interfaces ?? [],
        skipInterfaces: settings?.skipInterfaces ?? "",
      },
      key: keyOf(config, components.clusterKey),
      nodeId: config.nodeId,
      incarnation: bound.incarnation,
      sessionPort: bound.sessionPort,
      fingerprint: Buffer.from(bound.fingerprint, "hex"),
      advertiseAddresses: config.discovery?.advertiseAddresses ?? [],
    },
    {
      clock: realClock,
      wallClock: realWallClock,
      timers: realTimers,
      random: realRandom,
      logger: components.logger.forComponent("sidecar:multicast"),
      metrics: components.metrics.register(multicastMetrics),
      tell: (input) => {
        bound.node.tell(input);
      },
    },
  );
}

function keyOf(config: NodeConfig, clusterKey: Uint8Array | undefined): AnnouncementKey {
  return clusterKey === undefined
    ? announcementKeyOf(config)
    : announcementKey(clusterKey, config.clusterId, config.namespace);
}

/** A node whose group can't be bound still works by its other sources, and says so. */
async function startMulticast(
  multicast: MulticastDiscovery,
  components: StartNodeComponents,
): Promise<void> {
  try {
    await multicast.start();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    components.health.set("multicast", `multicast discovery is off: ${reason}`);
    components.logger.forComponent("sidecar:multicast").error({ err: error }, "multicast is off");
  }
}

async function within(timeoutMs: number, work: Promise<void>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const cancel = realTimers.after(timeoutMs, () => {
    resolve(undefined);
  });
  await Promise.race([work, promise]);
  cancel();
}
