/**
 * One node: its demands, its capabilities and its neighbourhood, wired to each other. Decisions are
 * the engines'; here only arrives, leaves and is passed on.
 */
import { create } from "@bufbuild/protobuf";
import type { NodeConfig } from "../../proto/gen/spillway/control/v1/node_config_pb.ts";
import {
  type DemandSummary,
  DemandSummarySchema,
} from "../../proto/gen/spillway/discovery/v1/announcement_pb.ts";
import type { NodeId } from "../core/ports.ts";
import type { NeighbourInput } from "../core/discovery/index.ts";
import type { Candidate, WorkContract } from "../core/work/index.ts";
import type { PeerSession } from "../transport/ports.ts";
import { routeHash } from "../wire/announcement.ts";
import { Capabilities } from "./capabilities.ts";
import type { CapabilityHost } from "./capability-host.ts";
import { Contracts } from "./contracts.ts";
import { Demands } from "./demands.ts";
import type { HostComponents } from "./host-components.ts";
import { IncomingLink } from "./incoming-link.ts";
import type { LinkId, LinkOwner, LinkPeer } from "./links.ts";
import { type NamedPeer, Neighbourhood, type NeighbourhoodComponents } from "./neighbourhood.ts";
import { OutcomeWaiters } from "./outcome-waiters.ts";
import { type AnnouncingNode, writeSessionAnnouncement } from "./session-announcement.ts";
import { prepareWork } from "./work-options.ts";

/** What a node is made from beside its configuration. */
export interface NodeComponents
  extends Omit<NeighbourhoodComponents, "self">,
    Pick<HostComponents, "wallClock" | "turns" | "maxInputsOfTurn"> {
  /** Who the node is. */
  readonly self: AnnouncingNode;
  /** Told of every material change of this node's demands; sends it to whoever listens. */
  readonly announceDemands: (demands: readonly DemandSummary[]) => void;
}

/** Changes within this time are announced as one. */
const announceDelayMs = 20;
/** How often round trips are handed to the engines. */
const rttPeriodMs = 1_000;

/** The parts of one node, and what flows between them. */
export class Node {
  readonly demands: Demands;
  readonly capabilities: Capabilities;
  readonly neighbourhood: Neighbourhood;
  readonly #contracts = new Contracts();
  readonly #components: NodeComponents;
  #cancelAnnounce: (() => void) | undefined;
  #cancelRtt: () => void;
  #configured = false;
  #controlPeers: readonly NamedPeer[] = [];
  /** There is a capability, so that peers of unknown demands are worth a session. */
  #dialUnknown = false;

  constructor(components: NodeComponents) {
    this.#components = components;
    this.neighbourhood = new Neighbourhood(components, {
      accept: (link, peer) => this.#accept(link, peer),
      demandsChanged: () => {
        this.#offerToAll();
      },
      sessionUp: (session) => {
        this.#eachPool((pool) => {
          tellSession(pool, session);
        });
      },
      sessionDown: (nodeId) => {
        this.#eachPool((pool) => {
          pool.tell({ type: "sessionDown", nodeId });
        });
      },
      dialFailed: (nodeId) => {
        this.#eachPool((pool) => {
          pool.tell({ type: "dialFailed", nodeId });
        });
      },
    });
    const host: HostComponents = {
      ...components,
      links: this.neighbourhood.links,
      sequences: new Sequences(),
    };
    this.demands = new Demands({
      ...host,
      waiters: new OutcomeWaiters(components.timers),
      onChange: () => {
        this.#announceSoon();
      },
    });
    this.capabilities = new Capabilities({
      ...host,
      onWanted: (nodeIds) => {
        this.neighbourhood.want(nodeIds);
      },
      onBegun: (pool) => {
        this.#begin(pool);
      },
    });
    this.#cancelRtt = components.timers.after(rttPeriodMs, () => {
      this.#tellRoundTrips();
    });
  }

  /** False until the first configuration. */
  get configured(): boolean {
    return this.#configured;
  }

  /**
   * Takes over demands, capabilities, descriptor sets and static peers, whole or not at all.
   * @throws {NodeError} `CONFIG_INVALID`, `CONTRACT_UNRESOLVED`; then everything is as it was.
   */
  configure(config: NodeConfig): void {
    const { demands, capabilities } = prepareWork(config, this.#contracts);
    this.demands.configure(demands);
    this.capabilities.configure(capabilities);
    this.#dialUnknown = config.capabilities.length > 0;
    const staticPeers = config.discovery?.staticPeers ?? [];
    this.neighbourhood.configurePeers(
      "static",
      staticPeers.map(({ nodeId, host, port }) => ({ nodeId, endpoints: [{ host, port }] })),
      this.#dialUnknown,
    );
    this.neighbourhood.configurePeers("control", this.#controlPeers, this.#dialUnknown);
    this.#configured = true;
    this.#offerToAll();
  }

  /** Takes over the peers that the operator names, all of them each time. */
  configureControlPeers(peers: readonly NamedPeer[]): void {
    this.#controlPeers = peers;
    this.neighbourhood.configurePeers("control", peers, this.#dialUnknown);
  }

  /** What a discovery source says. */
  tell(input: NeighbourInput): void {
    this.neighbourhood.tell(input);
  }

  /** Takes nothing new; resolves when nothing is held here and nothing is pending. */
  async drain(): Promise<void> {
    await Promise.all([this.capabilities.drain(), this.demands.drain()]);
  }

  /** Ends every queue and pool; the sessions end with the transport, which the caller closes. */
  close(reason: string): void {
    this.#cancelRtt();
    this.#cancelAnnounce?.();
    this.capabilities.close(reason);
    this.demands.close(reason);
    this.neighbourhood.close();
  }

  #accept(link: LinkId, peer: LinkPeer): LinkOwner {
    return new IncomingLink(link, peer, {
      demands: this.demands.hosts,
      links: this.neighbourhood.links,
      logger: this.#components.logger,
    });
  }

  #begin(pool: CapabilityHost): void {
    const { nodeId, incarnation } = this.#components.self;
    pool.tell({ type: "sessionUp", nodeId, incarnation });
    for (const session of this.neighbourhood.sessions()) {
      tellSession(pool, session);
    }
    pool.tell({ type: "candidates", candidates: this.#candidatesFor(pool.contract.work) });
  }

  #offerToAll(): void {
    this.#eachPool((pool) => {
      pool.tell({ type: "candidates", candidates: this.#candidatesFor(pool.contract.work) });
    });
  }

  #candidatesFor(contract: WorkContract): Candidate[] {
    const route = routeHash(this.#components.self.namespace, contract.request, contract.response);
    const found: Candidate[] = this.#ownDemands()
      .filter((demand) => demand.routeHash === route)
      .map((demand) => candidateOf(this.#components.self, demand));
    for (const neighbour of this.neighbourhood.neighbours()) {
      const { nodeId, incarnation } = neighbour;
      if (incarnation !== undefined) {
        for (const demand of neighbour.demands ?? []) {
          if (demand.routeHash === route) found.push(candidateOf({ nodeId, incarnation }, demand));
        }
      }
    }
    return found;
  }

  #ownDemands(): DemandSummary[] {
    const { namespace } = this.#components.self;
    return [...this.demands.hosts.values()].map((host) => {
      const { desired, max, connected } = host.providers();
      return create(DemandSummarySchema, {
        routeHash: routeHash(namespace, host.contract.work.request, host.contract.work.response),
        name: host.name,
        desiredProviders: desired,
        maxProviders: max,
        connectedProviders: connected,
      });
    });
  }

  #announceSoon(): void {
    this.#cancelAnnounce ??= this.#components.timers.after(announceDelayMs, () => {
      this.#cancelAnnounce = undefined;
      const demands = this.#ownDemands();
      this.neighbourhood.announce(writeSessionAnnouncement(this.#components.self, demands));
      this.#components.announceDemands(demands);
      this.#offerToAll();
    });
  }

  #tellRoundTrips(): void {
    for (const { peer, rttMs } of this.neighbourhood.sessions()) {
      if (rttMs !== undefined) {
        this.#tellRoundTrip(peer.nodeId, rttMs);
      }
    }
    this.#cancelRtt = this.#components.timers.after(rttPeriodMs, () => {
      this.#tellRoundTrips();
    });
  }

  #tellRoundTrip(nodeId: NodeId, rttMs: number): void {
    this.#eachPool((pool) => {
      pool.tell({ type: "rtt", nodeId, rttMs });
    });
    for (const host of this.demands.hosts.values()) {
      host.rtt(nodeId, rttMs);
    }
  }

  #eachPool(tell: (pool: CapabilityHost) => void): void {
    for (const pool of this.capabilities.hosts.values()) {
      tell(pool);
    }
  }
}

/** Item numbers of the node. */
class Sequences {
  #last = 0;

  get last(): number {
    return this.#last;
  }

  next(): number {
    this.#last += 1;
    return this.#last;
  }
}

function tellSession(pool: CapabilityHost, { peer, rttMs }: PeerSession): void {
  const { nodeId, incarnation } = peer;
  pool.tell({ type: "sessionUp", nodeId, incarnation });
  if (rttMs !== undefined) {
    pool.tell({ type: "rtt", nodeId, rttMs });
  }
}

function candidateOf(
  { nodeId, incarnation }: { readonly nodeId: NodeId; readonly incarnation: number },
  demand: DemandSummary,
): Candidate {
  return {
    nodeId,
    incarnation,
    demand: demand.name,
    desired: demand.desiredProviders,
    max: demand.maxProviders,
    connected: demand.connectedProviders,
  };
}
