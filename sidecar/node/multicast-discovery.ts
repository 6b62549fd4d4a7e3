/**
 * The loop between the announcer, the key and the multicast sockets: what the announcer sends is
 * dated, marked and sent on every interface; what arrives and is believed goes to the list of
 * neighbours as the source `multicast`. Decides nothing but when to look at the interfaces again.
 */
import { networkInterfaces } from "node:os";
import type { DemandSummary } from "../../proto/gen/spillway/discovery/v1/announcement_pb.ts";
import { type AnnouncementKey, openAnnouncement, signAnnouncement } from "../wire/announcement.ts";
import {
  Announcer,
  type AnnouncementRefusal,
  type AnnouncerEffect,
  type AnnouncerInput,
  type NeighbourInput,
} from "../core/discovery/index.ts";
import { assertNever, type Clock, type Random } from "../core/ports.ts";
import {
  dialableAddresses,
  type MulticastFailure,
  type multicastMetrics,
  type MulticastPath,
  type MulticastSettings,
  MulticastSockets,
  type NetworkInterfaces,
  type ResolvedMulticastSettings,
  resolveMulticastSettings,
  selectPaths,
} from "../multicast/index.ts";
import type { Handles, Logger, Timers, WallClock } from "../runtime/index.ts";
import { EnginePump } from "../runtime/engine-pump.ts";

/** Who announces, and how. */
export interface MulticastDiscoveryOptions {
  /** Group, port, interfaces, period; what is absent takes its default. */
  readonly multicast: MulticastSettings;
  /** Cluster, namespace and their key, by `announcementKey`. */
  readonly key: AnnouncementKey;
  /** This node, as its certificate names it. */
  readonly nodeId: string;
  /** This start of the node. */
  readonly incarnation: number;
  /** Port of the peer listener as it is bound. */
  readonly sessionPort: number;
  /** SHA-256 of the leaf certificate; empty when there is none. */
  readonly fingerprint: Uint8Array;
  /** Addresses to be dialled at; empty: those of the interfaces in use. */
  readonly advertiseAddresses: readonly string[];
}

/** What it works with. */
export interface MulticastDiscoveryComponents {
  readonly clock: Clock;
  readonly wallClock: WallClock;
  readonly timers: Timers;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: Handles<(typeof multicastMetrics)["declarations"]>;
  /** The list of neighbours. */
  readonly tell: (input: NeighbourInput) => void;
  /** @default os.networkInterfaces */
  readonly interfaces?: () => NetworkInterfaces;
}

/** A failed send may mean that an interface went; to look is cheap, but not for each packet. */
const lookAfterFailureMs = 200;
/** The same trouble is logged this often at most; the counters have all of it. */
const logGapMs = 60_000;

/** Refusals that tell of a configuration to mend; the others are normal on a shared network. */
const alarming: ReadonlySet<AnnouncementRefusal> = new Set([
  "BAD_MARK",
  "OWN_NODE_ID",
  "TIME_WINDOW",
  "TOO_MANY_NODES",
  "UNKNOWN_VERSION",
]);

/** Multicast discovery of one node. */
export class MulticastDiscovery {
  readonly #options: MulticastDiscoveryOptions;
  readonly #components: MulticastDiscoveryComponents;
  readonly #settings: ResolvedMulticastSettings;
  readonly #sockets: MulticastSockets;
  readonly #pump: EnginePump<AnnouncerInput, AnnouncerEffect>;
  readonly #loggedAtMs = new Map<string, number>();
  #lastSend: Promise<void> = Promise.resolve();
  #addresses = "";
  #looking = false;
  #lookDueMs = Infinity;
  #cancelLook: (() => void) | undefined;
  #stopped = false;

  /** @throws {MulticastError} for settings outside their bounds. */
  constructor(options: MulticastDiscoveryOptions, components: MulticastDiscoveryComponents) {
    this.#options = options;
    this.#components = components;
    this.#settings = resolveMulticastSettings(options.multicast);
    const { clusterId, namespace } = options.key;
    const announcer = new Announcer(
      {
        clusterId,
        namespace,
        nodeId: options.nodeId,
        incarnation: options.incarnation,
        addresses: options.advertiseAddresses,
        sessionPort: options.sessionPort,
        fingerprint: options.fingerprint,
        periodMs: this.#settings.periodMs,
      },
      components.random,
    );
    this.#pump = new EnginePump(announcer, {
      ...components,
      perform: (effect) => {
        this.#perform(effect);
      },
    });
    this.#sockets = new MulticastSockets(this.#settings.groups, this.#settings.port, {
      packet: (bytes, fromAddress) => {
        this.#receive(bytes, fromAddress);
      },
      sent: () => {
        components.metrics.packetsSent.inc({});
      },
      failed: (failure) => {
        this.#failed(failure);
      },
    });
  }

  /**
   * Joins the group on every interface there is now and announces this node. Interfaces that come
   * later are taken up within a period.
   * @throws {MulticastError} `BIND_FAILED`.
   */
  async start(): Promise<void> {
    await this.#look();
    if (this.#sockets.paths().length === 0) {
      const { interfaces } = this.#settings;
      this.#components.logger.warn({ interfaces }, "no interface to multicast on yet");
    }
    this.#pump.handle({ type: "start" });
    this.#lookLater(this.#settings.periodMs);
  }

  /** Says which demands this node holds, with their counts. */
  setDemands(demands: readonly DemandSummary[]): void {
    this.#pump.handle({ type: "demandsChanged", demands });
  }

  /** Says with which certificate this node proves itself from now on. */
  setFingerprint(fingerprint: Uint8Array): void {
    this.#pump.handle({ type: "certificateChanged", fingerprint });
  }

  /** Interfaces and families in use now. */
  paths(): readonly MulticastPath[] {
    return this.#sockets.paths();
  }

  /** Says goodbye and closes the sockets; extra calls are harmless. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#pump.handle({ type: "stop" });
    this.#stopped = true;
    this.#cancelLook?.();
    this.#pump.close();
    await this.#lastSend;
    this.#sockets.close();
  }

  #perform(effect: AnnouncerEffect): void {
    switch (effect.type) {
      case "send": {
        const sentAtMs = BigInt(Math.round(this.#components.wallClock.nowEpochMs()));
        const packet = signAnnouncement({ ...effect.announcement, sentAtMs }, this.#options.key);
        this.#lastSend = this.#sockets.send(packet);
        break;
      }
      case "heard": {
        const { sighting } = effect;
        this.#components.tell({ type: "sighted", source: "multicast", sighting });
        break;
      }
      case "left": {
        const { nodeId, incarnation } = effect;
        this.#components.tell({ type: "left", source: "multicast", nodeId, incarnation });
        break;
      }
      case "refused":
        this.#refused(effect.reason);
        break;
      default:
        assertNever(effect);
    }
  }

  #receive(bytes: Uint8Array, fromAddress: string): void {
    if (this.#stopped) return;
    this.#components.metrics.packetsReceived.inc({});
    const opened = openAnnouncement(bytes, this.#options.key);
    if (!opened.ok) {
      this.#refused(opened.reason);
      return;
    }
    const receivedAtEpochMs = this.#components.wallClock.nowEpochMs();
    const { announcement } = opened;
    this.#pump.handle({ type: "received", announcement, fromAddress, receivedAtEpochMs });
  }

  #refused(reason: AnnouncementRefusal): void {
    this.#components.metrics.announcementsRefused.inc({ reason });
    if (alarming.has(reason) && this.#mayLog(reason)) {
      this.#components.logger.warn({ reason }, "announcement refused");
    }
  }

  #failed(failure: MulticastFailure): void {
    const { operation, code } = failure;
    this.#components.metrics.errors.inc({ operation, code });
    if (this.#mayLog(`${operation} ${code} ${failure.interfaceName}`)) {
      this.#components.logger.warn({ ...failure }, "multicast failed on an interface");
    }
    if (operation !== "join") this.#lookLater(lookAfterFailureMs);
  }

  #mayLog(what: string): boolean {
    const nowMs = this.#components.clock.nowMs();
    if (nowMs - (this.#loggedAtMs.get(what) ?? -Infinity) < logGapMs) return false;
    // Interface names come and go; the bound keeps their number from mattering.
    if (this.#loggedAtMs.size >= 1_000) this.#loggedAtMs.clear();
    this.#loggedAtMs.set(what, nowMs);
    return true;
  }

  /** Looks after a while; what is planned sooner stays. */
  #lookLater(delayMs: number): void {
    const dueMs = this.#components.clock.nowMs() + delayMs;
    if (this.#stopped || this.#looking || this.#lookDueMs <= dueMs) return;
    this.#cancelLook?.();
    this.#lookDueMs = dueMs;
    this.#cancelLook = this.#components.timers.after(delayMs, () => {
      this.#lookDueMs = Infinity;
      void this.#lookAgain();
    });
  }

  async #lookAgain(): Promise<void> {
    try {
      await this.#look();
    } catch (error) {
      this.#components.logger.error({ err: error }, "multicast group cannot be bound");
    }
    this.#lookLater(this.#settings.periodMs);
  }

  async #look(): Promise<void> {
    this.#looking = true;
    try {
      const interfaces = (this.#components.interfaces ?? networkInterfaces)();
      const changed = await this.#sockets.use(selectPaths(interfaces, this.#settings));
      if (this.#stopped) return;
      this.#components.metrics.paths.set({}, this.#sockets.paths().length);
      const addresses = this.#advertised(interfaces);
      if (changed || addresses.join() !== this.#addresses) {
        this.#addresses = addresses.join();
        this.#pump.handle({ type: "pathsChanged", addresses });
      }
    } finally {
      this.#looking = false;
    }
  }

  #advertised(interfaces: NetworkInterfaces): readonly string[] {
    const { advertiseAddresses } = this.#options;
    if (advertiseAddresses.length > 0) return advertiseAddresses;
    return dialableAddresses(interfaces, this.#settings);
  }
}
