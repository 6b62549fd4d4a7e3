/**
 * Who is told of whom. A pod with capabilities is told of the pods that hold a queue of the same
 * route; pods with the same routes share one set of peers, one history and one difference.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import {
  type Peer,
  type PeerAddress,
  PeerSchema,
} from "../../proto/gen/spillway/control/v1/control_pb.ts";
import { controlLimits } from "./control-limits.ts";
import type { DesiredDemand } from "./desired-resource.ts";
import { digestOf, type Part, snapshotOf } from "./snapshot.ts";
import { SnapshotHistory } from "./snapshot-history.ts";

/** A node with queues that can be dialled. */
export interface Host {
  readonly nodeId: string;
  readonly address: PeerAddress;
  readonly incarnation: bigint;
  readonly demands: readonly DesiredDemand[];
}

interface Group {
  readonly routes: ReadonlySet<bigint>;
  readonly history: SnapshotHistory<Peer>;
  readonly members: Set<string>;
  /** As they were told last: most hosts are the same at the next refresh. */
  parts: ReadonlyMap<Host, Part<Peer>>;
}

/**
 * The directory. Routes are hashes over namespace, request and response, so nothing crosses
 * namespaces. Hosts change at once, groups when `refresh` is called: many changes are one.
 */
export class PeerDirectory {
  readonly #hosts = new Map<string, Host>();
  readonly #hostsOfRoute = new Map<bigint, Set<string>>();
  readonly #groups = new Map<string, Group>();
  readonly #groupOfPod = new Map<string, string>();
  readonly #changedRoutes = new Set<bigint>();

  /** Whether `refresh` may find something. */
  get isStale(): boolean {
    return this.#changedRoutes.size > 0;
  }

  /** @param host undefined: it holds no queue, or can't be dialled. */
  setHost(nodeId: string, host: Host | undefined): void {
    const before = this.#hosts.get(nodeId);
    if (before !== undefined && host !== undefined && sameHost(before, host)) return;
    for (const { route } of before?.demands ?? []) {
      this.#changedRoutes.add(route);
      const hosts = this.#hostsOfRoute.get(route);
      hosts?.delete(nodeId);
      if (hosts?.size === 0) this.#hostsOfRoute.delete(route);
    }
    this.#hosts.delete(nodeId);
    if (host === undefined) return;
    this.#hosts.set(nodeId, host);
    for (const { route } of host.demands) {
      this.#changedRoutes.add(route);
      const hosts = this.#hostsOfRoute.get(route) ?? new Set();
      this.#hostsOfRoute.set(route, hosts.add(nodeId));
    }
  }

  /** @param routes of the pod's capabilities; empty: it is told of nobody. */
  setRoutes(podUid: string, routes: ReadonlySet<bigint>): void {
    const key = [...routes].sort((a, b) => (a < b ? -1 : 1)).join(" ");
    const before = this.#groupOfPod.get(podUid);
    if (before === key) return;
    this.#leave(podUid);
    const group = this.#groups.get(key) ?? this.#newGroup(routes);
    group.members.add(podUid);
    this.#groups.set(key, group);
    this.#groupOfPod.set(podUid, key);
  }

  /** Forgets a pod, as host and as reader. */
  delete(podUid: string): void {
    this.setHost(podUid, undefined);
    this.#leave(podUid);
  }

  /** @returns the peers of a pod; undefined for one that was never given routes. */
  peersOf(podUid: string): SnapshotHistory<Peer> | undefined {
    const key = this.#groupOfPod.get(podUid);
    return key === undefined ? undefined : this.#groups.get(key)?.history;
  }

  /** Brings the groups up to date. @returns uids of the pods whose peers changed. */
  refresh(): readonly string[] {
    const changed: string[] = [];
    for (const group of this.#groups.values()) {
      if (![...group.routes].some((route) => this.#changedRoutes.has(route))) continue;
      const parts = this.#parts(group.routes, group.parts);
      group.parts = parts;
      if (group.history.push(snapshotOf([...parts.values()]))) changed.push(...group.members);
    }
    this.#changedRoutes.clear();
    return changed;
  }

  #leave(podUid: string): void {
    const key = this.#groupOfPod.get(podUid);
    if (key === undefined) return;
    this.#groupOfPod.delete(podUid);
    const group = this.#groups.get(key);
    group?.members.delete(podUid);
    if (group?.members.size === 0) this.#groups.delete(key);
  }

  #newGroup(routes: ReadonlySet<bigint>): Group {
    const parts = this.#parts(routes, new Map());
    const history = new SnapshotHistory(snapshotOf([...parts.values()]));
    return { routes, history, members: new Set(), parts };
  }

  /** Within the bounds of one message: the first by node id, which is as good as chance. */
  #parts(
    routes: ReadonlySet<bigint>,
    known: ReadonlyMap<Host, Part<Peer>>,
  ): ReadonlyMap<Host, Part<Peer>> {
    const nodeIds = new Set<string>();
    for (const route of routes) {
      for (const nodeId of this.#hostsOfRoute.get(route) ?? []) nodeIds.add(nodeId);
    }
    const parts = new Map<Host, Part<Peer>>();
    let demandCount = 0;
    for (const nodeId of [...nodeIds].sort()) {
      const host = this.#hosts.get(nodeId);
      if (host === undefined) continue;
      const part = known.get(host) ?? partOf(host, routes);
      demandCount += part.value.demands.length;
      if (parts.size >= controlLimits.maxPeers) break;
      if (demandCount > controlLimits.maxPeerDemands) break;
      parts.set(host, part);
    }
    return parts;
  }
}

function partOf(host: Host, routes: ReadonlySet<bigint>): Part<Peer> {
  const { nodeId, address, incarnation } = host;
  const demands = host.demands.filter(({ route }) => routes.has(route));
  const peer = create(PeerSchema, {
    nodeId,
    address,
    incarnation,
    demands: demands.map(({ route, name, desiredProviders, maxProviders }) => ({
      routeHash: route,
      name,
      desiredProviders,
      maxProviders,
    })),
  });
  return { key: nodeId, digest: digestOf(toBinary(PeerSchema, peer)), value: peer };
}

function sameHost(a: Host, b: Host): boolean {
  return (
    a.incarnation === b.incarnation &&
    a.address.port === b.address.port &&
    a.address.addresses.join(" ") === b.address.addresses.join(" ") &&
    a.demands.length === b.demands.length &&
    a.demands.every((demand, index) => demand.part.digest === b.demands[index]?.part.digest)
  );
}
