/**
 * The node of a sidecar that the operator tells what to be: there is none until the first
 * configuration and a certificate have come, then it is kept as both change.
 */
import { isIP } from "node:net";
import { create } from "@bufbuild/protobuf";
import { MulticastReachability, type Peer } from "../proto/gen/spillway/control/v1/control_pb.ts";
import {
  type NodeConfig,
  NodeConfigSchema,
} from "../proto/gen/spillway/control/v1/node_config_pb.ts";
import type { NodeService } from "./api/ports.ts";
import type { ControlCredentials, ControlledNode } from "./control/index.ts";
import type { ConfigOutcome, NodeStatus, WholeConfig } from "./core/control/index.ts";
import type { Deliveries } from "./deliveries.ts";
import { type RunningNode, startNode } from "./node/index.ts";
import type { Health, Metrics, RootLogger } from "./runtime/index.ts";
import { Resources } from "./resources.ts";
import type { CredentialOptions } from "./transport/webtransport/index.ts";

/** What the pod gives, before any configuration. */
export interface PodPlace {
  /** IP addresses of the pod, most preferred first, 1 to 4. */
  readonly podIps: readonly string[];
  /** Port of the peer listener; 0 takes a free one. */
  readonly peerPort: number;
  /** Announce and listen by multicast too. */
  readonly multicast: boolean;
}

/** What it works with. */
export interface ControlledNodeComponents {
  readonly logger: RootLogger;
  readonly metrics: Metrics;
  readonly health: Health;
  /** Push deliveries of the sidecar. */
  readonly deliveries: Deliveries;
  readonly incarnation: number;
  /** The node is there. */
  readonly started: (node: RunningNode) => void;
  /** It cannot be started with what the machine gives: a port in use, for example. */
  readonly failed: (error: unknown) => void;
}

const noLatency = { count: 0, p50Us: 0, p99Us: 0 };

/** Keeps the node as the operator says. */
export class LateControlledNode implements ControlledNode {
  readonly #place: PodPlace;
  readonly #components: ControlledNodeComponents;
  readonly #resources = new Resources();
  #credentials: CredentialOptions | undefined;
  #node: RunningNode | undefined;
  #peers: readonly Peer[] = [];
  #quiesced: ReadonlySet<string> = new Set();
  #announcementKey: Uint8Array = new Uint8Array();

  constructor(place: PodPlace, components: ControlledNodeComponents) {
    this.#place = place;
    this.#components = components;
  }

  /** The API of the node; undefined before there is one. */
  get service(): NodeService | undefined {
    return this.#node?.service;
  }

  async useCredentials(credentials: ControlCredentials): Promise<void> {
    const options: CredentialOptions = {
      certificate: { pem: credentials.certificatePem },
      privateKey: { pem: credentials.privateKeyPem },
      authorities: [{ pem: credentials.trustBundlePem }],
    };
    await this.#node?.updateCredentials(options);
    this.#credentials = options;
  }

  async configure(whole: WholeConfig): Promise<ConfigOutcome> {
    const { config: resources, outcome } = this.#resources.take(whole);
    const config = create(NodeConfigSchema, { ...this.#fixedPart(whole), ...resources });
    if (this.#node === undefined) await this.#start(config, whole);
    else this.#node.configure(config);
    this.#components.deliveries.configure(config.capabilities);
    this.#warnOfKey(whole.announcementKey);
    return outcome;
  }

  usePeers(peers: readonly Peer[]): void {
    this.#peers = peers;
    this.#node?.configureControlPeers(
      peers.map(({ nodeId, address, incarnation, demands }) => ({
        nodeId,
        endpoints: (address?.addresses ?? [])
          .filter((host) => isIP(host) !== 0)
          .map((host) => ({ host, port: address?.port ?? 0 })),
        ...(incarnation === 0n ? {} : { incarnation: Number(incarnation), demands }),
      })),
    );
  }

  quiesce(capabilities: ReadonlySet<string>): void {
    this.#quiesced = capabilities;
    this.#node?.quiesce(capabilities);
  }

  status(): NodeStatus {
    if (this.#node !== undefined) return this.#node.status(this.#place.podIps);
    return {
      demands: [],
      capabilities: [],
      multicast: {
        reachability: MulticastReachability.UNKNOWN,
        message: "the sidecar has no configuration yet",
      },
      openSessions: 0,
      roundTrip: noLatency,
      draining: false,
      certificateNotAfterMs: 0,
    };
  }

  async #start(config: NodeConfig, whole: WholeConfig): Promise<void> {
    const { clusterId, namespace } = whole.identity;
    const { logger, metrics, health, incarnation } = this.#components;
    const key = whole.announcementKey;
    const credentials = this.#credentials;
    try {
      const node = await startNode(config, {
        ...{ logger, metrics, health, incarnation },
        ...(credentials === undefined ? {} : { credentials }),
        ...(key.length === 0 ? {} : { announcementKey: { clusterId, namespace, key } }),
      });
      this.#node = node;
      this.#announcementKey = key;
      this.usePeers(this.#peers);
      node.quiesce(this.#quiesced);
      this.#components.started(node);
    } catch (error) {
      this.#components.failed(error);
      throw error;
    }
  }

  /** What a running node does not change. Announcements without a key would be anybody's. */
  #fixedPart({ identity, announcementKey }: WholeConfig) {
    const { podIps, peerPort, multicast } = this.#place;
    const [only, ...others] = podIps;
    const host = only === undefined || others.length > 0 ? "::" : only;
    return {
      ...identity,
      listeners: { peer: { host, port: peerPort } },
      discovery: {
        advertiseAddresses: podIps.slice(),
        ...(multicast && announcementKey.length > 0 ? { multicast: {} } : {}),
      },
    };
  }

  #warnOfKey(key: Uint8Array): void {
    const same = Buffer.compare(key, this.#announcementKey) === 0;
    const reason = "the key of announcements changed; restart the pod to be heard by multicast";
    this.#components.health.set("announcement key", same ? undefined : reason);
  }
}
