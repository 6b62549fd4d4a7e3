/** Starts a node with real parts: WebTransport, multicast, the machine's clock. */
import type { NodeConfig } from "../../proto/gen/spillway/control/v1/node_config_pb.ts";
import type { NodeService } from "../api/ports.ts";
import type { NodeStatus } from "../core/control/index.ts";
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
import { CarrierTransport } from "../transport/index.ts";
import {
  type CredentialOptions,
  createWebTransportFactory,
  readCredentials,
} from "../transport/webtransport/index.ts";
import { type AnnouncementKey, announcementKey } from "../wire/announcement.ts";
import { announcementKeyOf, credentialsOf } from "./identity.ts";
import { mirrorNode, nodeMetrics } from "./metrics.ts";
import type { NamedPeer } from "./neighbourhood.ts";
import { Node } from "./node.ts";
import { NodeError } from "./node-error.ts";
import { nodeServiceOf } from "./node-service.ts";
import { type MulticastSetup, nodeStatus } from "./node-status.ts";
import { startMulticast, type StartedMulticast } from "./start-multicast.ts";
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
  /** Instead of a key derived from the cluster's: a pod is given its namespace's only. */
  readonly announcementKey?: AnnouncementKey;
  /** Instead of the next one of the state folder. */
  readonly incarnation?: number;
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
  /** Takes over the peers that the operator names, all of them each time. */
  configureControlPeers(peers: readonly NamedPeer[]): void;
  /** These capabilities take nothing new from now on; all others do. */
  quiesce(capabilities: ReadonlySet<string>): void;
  /**
   * Proves and checks by these from the next handshake on; open sessions stay.
   * @throws {NodeError} `IDENTITY_INVALID` when they name another node.
   * @throws {TransportError} `BAD_CREDENTIALS`. Either way everything stays as it was.
   */
  updateCredentials(credentials: CredentialOptions): Promise<void>;
  /** How it is doing. @param addresses where peers can dial it, most preferred first. */
  status(addresses: readonly string[]): NodeStatus;
  /** Takes nothing new; resolves when nothing is held or pending, at the latest after the grace. */
  drain(): Promise<void>;
  /** Releases what is held, says goodbye to every peer, ends. */
  close(reason: string): Promise<void>;
}

const defaultDrainGraceMs = 25_000;
/** Announcements of others should have come after so many of their periods. */
const patiencePeriods = 3;
const defaultPeriodMs = 5_000;

/**
 * Starts a node and gives it its first configuration: who it is, where it listens, what it does, in
 * this order.
 * @param config checked by `wire/node-config`.
 * @throws {NodeError} `IDENTITY_INVALID`, `CONFIG_INVALID`, `CONTRACT_UNRESOLVED`.
 * @throws {TransportError} `BAD_CREDENTIALS`, `LISTEN_FAILED`, `PACKAGE_CHANGED`.
 */
export async function startNode(
  config: NodeConfig,
  components: StartNodeComponents,
): Promise<RunningNode> {
  const identity = await openIdentity(config, components);
  const listening = await openListener(config, components, identity);
  return begin(config, components, { ...identity, ...listening });
}

/** Who the node is: its incarnation and its certificate. */
async function openIdentity(config: NodeConfig, components: StartNodeComponents) {
  const { clusterId, namespace, nodeId } = config;
  const nowMs = realWallClock.nowEpochMs();
  const incarnation = components.incarnation ?? nextIncarnation(config.stateFolder, nowMs);
  const self = { clusterId, namespace, nodeId, incarnation };
  const handles = components.metrics.register(nodeMetrics);
  const factory = await createWebTransportFactory({
    credentials: components.credentials ?? (await credentialsOf(config, nowMs)),
    logger: components.logger.forComponent("sidecar:transport"),
    onRefusal: ({ code }) => {
      handles.peersRefused.inc({ code });
    },
  });
  checkIdentity(factory.identity, self);
  return { self, factory, handles };
}

type OpenIdentity = Awaited<ReturnType<typeof openIdentity>>;

/** Where it listens. */
async function openListener(
  config: NodeConfig,
  components: StartNodeComponents,
  { self, factory }: OpenIdentity,
) {
  const logger = components.logger.forComponent("sidecar:transport");
  const real = { clock: realClock, timers: realTimers, random: realRandom };
  const transport = new CarrierTransport({ ...real, factory, logger }, { local: self });
  const { host, port } = config.listeners?.peer ?? { host: "", port: 0 };
  const peerAddress = await transport.listen({ host: host === "" ? "0.0.0.0" : host, port });
  return { transport, peerAddress };
}

type OpenNode = OpenIdentity & Awaited<ReturnType<typeof openListener>>;

/** What it does: its first configuration, its neighbours. */
async function begin(
  config: NodeConfig,
  components: StartNodeComponents,
  open: OpenNode,
): Promise<RunningNode> {
  const { self, factory, transport, peerAddress } = open;
  let multicast: StartedMulticast | undefined;
  const node = new Node({
    clock: realClock,
    timers: realTimers,
    random: realRandom,
    self,
    transport,
    wallClock: realWallClock,
    logger: components.logger.forComponent("sidecar:node"),
    announceDemands: (demands) => multicast?.discovery.setDemands(demands),
  });
  mirrorNode(node, components.metrics, open.handles);
  node.configure(config);
  if (config.discovery?.multicast !== undefined) {
    const { fingerprint } = factory.identity;
    const { incarnation } = self;
    const announced = { node, incarnation, sessionPort: peerAddress.port, fingerprint };
    const key = components.announcementKey ?? keyOf(config, components.clusterKey);
    multicast = await startMulticast(config, announced, { ...components, key });
  }
  const setup = multicastSetup(config, multicast);
  const graceMs = msOf(config.drainGrace) ?? defaultDrainGraceMs;
  let draining = false;
  const drain = (): Promise<void> => {
    draining = true;
    return within(graceMs, node.drain());
  };
  return {
    service: nodeServiceOf(node, components.health, drain),
    peerAddress,
    incarnation: self.incarnation,
    configure: (changed) => {
      node.configure(changed);
    },
    configureControlPeers: (peers) => {
      node.configureControlPeers(peers);
    },
    quiesce: (capabilities) => {
      node.capabilities.quiesce(capabilities);
    },
    updateCredentials: async (credentials) => {
      const { identity } = await readCredentials(credentials);
      checkIdentity(identity, self);
      await factory.updateCredentials(credentials);
      multicast?.discovery.setFingerprint(Buffer.from(identity.fingerprint, "hex"));
    },
    status: (addresses) =>
      nodeStatus(node, {
        peerAddress: { addresses, port: peerAddress.port },
        multicast: setup,
        draining,
        certificateNotAfterMs: factory.notAfterMs,
        nowMs: realClock.nowMs(),
      }),
    drain,
    close: async (reason) => {
      node.close(reason);
      await multicast?.discovery.stop();
      await transport.close(reason);
    },
  };
}

function multicastSetup(config: NodeConfig, started: StartedMulticast | undefined): MulticastSetup {
  if (started === undefined)
    return { type: "off", reason: "the configuration does not ask for it" };
  if (started.off !== undefined) return { type: "off", reason: started.off };
  const periodMs = msOf(config.discovery?.multicast?.period) ?? defaultPeriodMs;
  return { type: "on", sinceMs: realClock.nowMs(), patienceMs: patiencePeriods * periodMs };
}

function keyOf(config: NodeConfig, clusterKey: Uint8Array | undefined): AnnouncementKey {
  return clusterKey === undefined
    ? announcementKeyOf(config)
    : announcementKey(clusterKey, config.clusterId, config.namespace);
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

async function within(timeoutMs: number, work: Promise<void>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const cancel = realTimers.after(timeoutMs, () => {
    resolve(undefined);
  });
  await Promise.race([work, promise]);
  cancel();
}
