/** Multicast discovery of a configuration, started; and what is known of whether it reaches. */
import type { NodeConfig } from "../../proto/gen/spillway/control/v1/node_config_pb.ts";
import { multicastMetrics } from "../multicast/index.ts";
import {
  type Health,
  type Metrics,
  realClock,
  realRandom,
  realTimers,
  realWallClock,
  type RootLogger,
} from "../runtime/index.ts";
import type { AnnouncementKey } from "../wire/announcement.ts";
import { MulticastDiscovery } from "./multicast-discovery.ts";
import type { Node } from "./node.ts";
import { msOf } from "./work-options.ts";

/** The node that is to be announced. */
export interface AnnouncedNode {
  readonly node: Node;
  readonly incarnation: number;
  /** Port of the peer listener as it is bound. */
  readonly sessionPort: number;
  /** SHA-256 of the leaf certificate, hex. */
  readonly fingerprint: string;
}

/** What it is started with. */
export interface MulticastStart {
  readonly logger: RootLogger;
  readonly metrics: Metrics;
  readonly health: Health;
  readonly key: AnnouncementKey;
}

/** Multicast as it is. */
export interface StartedMulticast {
  readonly discovery: MulticastDiscovery;
  /** Why it does not run, one sentence; undefined when it does. */
  readonly off: string | undefined;
}

/** A node whose group can't be bound still works by its other sources, and says so. */
export async function startMulticast(
  config: NodeConfig,
  announced: AnnouncedNode,
  start: MulticastStart,
): Promise<StartedMulticast> {
  const logger = start.logger.forComponent("sidecar:multicast");
  const settings = config.discovery?.multicast;
  const periodMs = msOf(settings?.period);
  const discovery = new MulticastDiscovery(
    {
      multicast: {
        ...(settings === undefined || settings.group === "" ? {} : { group: settings.group }),
        ...(settings === undefined || settings.port === 0 ? {} : { port: settings.port }),
        ...(periodMs === undefined ? {} : { periodMs }),
        interfaces: settings?.interfaces ?? [],
        skipInterfaces: settings?.skipInterfaces ?? "",
      },
      key: start.key,
      nodeId: config.nodeId,
      incarnation: announced.incarnation,
      sessionPort: announced.sessionPort,
      fingerprint: Buffer.from(announced.fingerprint, "hex"),
      advertiseAddresses: config.discovery?.advertiseAddresses ?? [],
    },
    {
      clock: realClock,
      wallClock: realWallClock,
      timers: realTimers,
      random: realRandom,
      logger,
      metrics: start.metrics.register(multicastMetrics),
      tell: (input) => {
        announced.node.tell(input);
      },
    },
  );
  try {
    await discovery.start();
    return { discovery, off: undefined };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const off = `multicast discovery is off: ${reason}`;
    start.health.set("multicast", off);
    logger.error({ err: error }, "multicast is off");
    return { discovery, off };
  }
}
