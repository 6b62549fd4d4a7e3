/** Nodes that only discover each other: multicast and a list of neighbours, no sessions. */
import {
  type Neighbour,
  type NeighbourEffect,
  type NeighbourInput,
  NeighbourList,
} from "../../sidecar/core/discovery/index.ts";
import { multicastMetrics } from "../../sidecar/multicast/index.ts";
import { EnginePump } from "../../sidecar/runtime/engine-pump.ts";
import {
  MulticastDiscovery,
  type MulticastDiscoveryComponents,
  type MulticastDiscoveryOptions,
} from "../../sidecar/node/multicast-discovery.ts";
import {
  createMetrics,
  realClock,
  realRandom,
  realTimers,
  realWallClock,
  silentLogger,
} from "../../sidecar/runtime/index.ts";
import { announcementKey } from "../../sidecar/wire/announcement.ts";

/** What a test varies. */
export interface MulticastRigOptions extends Partial<Omit<MulticastDiscoveryOptions, "key">> {
  readonly nodeId: string;
  readonly clusterId?: string;
  readonly namespace?: string;
  readonly clusterKey?: Uint8Array;
}

/** One node. */
export interface MulticastRig {
  readonly discovery: MulticastDiscovery;
  readonly neighbours: () => readonly Neighbour[];
  /** Starts; resolves when the group is joined. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Value of a series of the Prometheus text, 0 when it is not there. */
  metric(series: string): Promise<number>;
}

/** A UDP port that tests running at the same time will hardly share. */
export function randomPort(): number {
  return 20_000 + Math.floor(Math.random() * 12_000);
}

/** Makes a node, not started. @param onEffect hears of neighbours that come, change and go. */
export function createMulticastRig(
  options: MulticastRigOptions,
  onEffect: (effect: NeighbourEffect) => void = () => undefined,
  components: Partial<MulticastDiscoveryComponents> = {},
): MulticastRig {
  const { clusterId = "c", namespace = "ns", clusterKey = new Uint8Array(32).fill(7) } = options;
  const metrics = createMetrics();
  const real = { clock: realClock, timers: realTimers };
  const list = new NeighbourList(options.nodeId);
  const pump = new EnginePump<NeighbourInput, NeighbourEffect>(list, {
    ...real,
    perform: onEffect,
  });
  const discovery = new MulticastDiscovery(
    {
      multicast: {},
      incarnation: 1,
      sessionPort: 7000,
      fingerprint: new Uint8Array(32),
      advertiseAddresses: [],
      ...options,
      key: announcementKey(clusterKey, clusterId, namespace),
    },
    {
      ...real,
      wallClock: realWallClock,
      random: realRandom,
      logger: silentLogger,
      metrics: metrics.register(multicastMetrics),
      tell: (input) => {
        pump.handle(input);
      },
      ...components,
    },
  );
  return {
    discovery,
    neighbours: () => list.neighbours(),
    start: () => discovery.start(),
    stop: async () => {
      await discovery.stop();
      pump.close();
    },
    metric: async (series) => {
      const line = (await metrics.expose()).split("\n").find((l) => l.startsWith(`${series} `));
      return Number(line?.slice(series.length) ?? 0);
    },
  };
}
