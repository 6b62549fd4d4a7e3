/**
 * A PeerSession over any carrier: the pump between SessionProtocol and the carrier, and the owner
 * of the lanes. It decides nothing of the session's life.
 */
import type { Clock, NodeId } from "../core/ports.ts";
import { type Logger, Scheduler, type Timers } from "../runtime/index.ts";
import type { SendQueue } from "../wire/channel-mux.ts";
import type { SessionCloseCode } from "../wire/close-code.ts";
import { frameType } from "../wire/frame.ts";
import type { SessionTiming } from "../wire/liveness.ts";
import type { MemoryAccount, MemoryBudget } from "../wire/memory-budget.ts";
import type { HelloContent, NodeName } from "../wire/session-messages.ts";
import type { AgreedValues, SessionOffer } from "../wire/session-offer.ts";
import {
  type SessionEffect,
  type SessionInput,
  SessionProtocol,
} from "../wire/session-protocol.ts";
import type { SlabPool } from "../wire/slab-pool.ts";
import type { WireBreach } from "../wire/wire-breach.ts";
import type { WireLimits } from "../wire/wire-limits.ts";
import type { ByteLane, Carrier } from "./carrier.ts";
import { ControlLane } from "./control-lane.ts";
import { PeerLane } from "./peer-lane.ts";
import type { Lane, PeerIdentity, PeerSession, SessionEnd, SessionStats } from "./ports.ts";
import { TransportError } from "./transport-error.ts";
import type { Turns } from "./turns.ts";

/** Data lanes of a session at most. */
export const maxDataLanes = 8;

/** Parts that all sessions of a node share. */
export interface SessionComponents {
  readonly local: NodeName & { readonly incarnation: number };
  readonly offer: SessionOffer;
  readonly limits: WireLimits;
  readonly timing: SessionTiming;
  readonly budget: MemoryBudget;
  readonly slabs: SlabPool;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly turns: Turns;
  readonly logger: Logger;
}

/** What a session asks and tells its transport. */
export interface SessionEvents {
  /** @returns why this session is not wanted; undefined when it is. */
  admit(session: CarrierSession, hello: HelloContent): SessionRefusal | undefined;
  opened(session: CarrierSession): void;
  ended(session: CarrierSession, end: SessionEnd): void;
  /** The connection is gone too. */
  gone(session: CarrierSession): void;
}

/** Why a session is not wanted. */
export interface SessionRefusal {
  readonly code: SessionCloseCode;
  readonly reason: string;
}

/** What one session is made from. */
export interface CarrierSessionOptions {
  readonly carrier: Carrier;
  /** Whom we dialled. */
  readonly expectedNodeId?: NodeId;
  /** When the dial began, or the connection was accepted; the opening is timed from there. */
  readonly sinceMs: number;
  readonly events: SessionEvents;
}

/** See the head of the file. */
export class CarrierSession implements PeerSession {
  readonly dialled: boolean;
  readonly #components: SessionComponents;
  readonly #carrier: Carrier;
  readonly #events: SessionEvents;
  readonly #protocol: SessionProtocol;
  readonly #scheduler: Scheduler;
  readonly #account: MemoryAccount;
  readonly #queue: SendQueue = { bytes: 0 };
  readonly #lanes: PeerLane[] = [];
  readonly #endListeners: ((end: SessionEnd) => void)[] = [];
  #control: ControlLane | undefined;
  #limits: WireLimits;
  #hello: HelloContent | undefined;
  #end: SessionEnd | undefined;
  #gone = false;
  #laneListener: ((lane: Lane) => void) | undefined;
  #lanesBeforeListener: PeerLane[] = [];

  constructor(components: SessionComponents, options: CarrierSessionOptions) {
    const { carrier, expectedNodeId } = options;
    this.dialled = carrier.dialled;
    this.#components = components;
    this.#carrier = carrier;
    this.#events = options.events;
    this.#limits = components.limits;
    this.#protocol = new SessionProtocol({
      dialled: carrier.dialled,
      local: components.local,
      certificate: carrier.peer,
      ...(expectedNodeId === undefined ? {} : { expectedNodeId }),
      offer: components.offer,
      timing: components.timing,
      nowMs: options.sinceMs,
    });
    this.#scheduler = new Scheduler({
      clock: components.clock,
      timers: components.timers,
      nextDeadlineMs: () => this.#protocol.nextDeadlineMs(),
      onDeadline: (nowMs) => {
        this.#run(this.#protocol.advance(nowMs));
      },
    });
    this.#account = components.budget.open(() => {
      this.close(
        "LIMIT_EXCEEDED",
        "this session held the most of a receive memory that is used up",
      );
    });
  }

  get peer(): PeerIdentity {
    const { clusterId, namespace, nodeId, fingerprint } = this.#carrier.peer;
    const incarnation = this.#hello?.incarnation ?? 0;
    const address = this.#carrier.remoteAddress;
    return { clusterId, namespace, nodeId, incarnation, fingerprint, address };
  }

  get rttMs(): number | undefined {
    return this.#protocol.rttMs;
  }

  get stats(): SessionStats {
    let sentBytes = this.#control?.sentBytes ?? 0;
    let receivedBytes = this.#control?.receivedBytes ?? 0;
    let channelCount = 0;
    for (const lane of this.#lanes) {
      sentBytes += lane.sentBytes;
      receivedBytes += lane.receivedBytes;
      channelCount += lane.channelCount;
    }
    return { sentBytes, receivedBytes, laneCount: this.#lanes.length, channelCount };
  }

  /** Begins the opening; the carrier's listeners are set when it returns. */
  start(): void {
    this.#carrier.onClose(({ reason }) => {
      this.#onCarrierClosed(reason);
    });
    this.#carrier.onLane((lane) => {
      this.#guarded(() => {
        this.#onByteLane(lane);
      });
    });
    if (this.dialled && !this.#gone) this.#startControl(this.#carrier.openLane());
    this.#scheduler.arm();
  }

  openLane(): Lane {
    if (!this.dialled) {
      throw new TransportError("ACCEPTOR_OPENS_LANE", "only the dialling side opens lanes");
    }
    if (!this.#protocol.open) throw new TransportError("CLOSED", "the session is not open");
    if (this.#lanes.length >= maxDataLanes) {
      throw new TransportError("TOO_MANY_LANES", `a session has at most ${maxDataLanes} lanes`);
    }
    return this.#addLane(this.#carrier.openLane());
  }

  onLane(listener: (lane: Lane) => void): void {
    this.#laneListener = listener;
    const waiting = this.#lanesBeforeListener;
    this.#lanesBeforeListener = [];
    for (const lane of waiting) listener(lane);
  }

  close(code: SessionCloseCode, reason: string): void {
    this.#handle({ type: "close", code, reason });
  }

  onClosed(listener: (end: SessionEnd) => void): void {
    if (this.#end !== undefined) listener(this.#end);
    else this.#endListeners.push(listener);
  }

  #handle(input: SessionInput): void {
    this.#run(this.#protocol.handle(input, this.#components.clock.nowMs()));
  }

  #run(effects: readonly SessionEffect[]): void {
    for (const effect of effects) this.#carryOut(effect);
    this.#control?.flush();
    this.#scheduler.arm();
  }

  #carryOut(effect: SessionEffect): void {
    switch (effect.type) {
      case "send-blob":
        this.#control?.sendBlob(effect.blob);
        return;
      case "send-frame":
        // What was sent before GOODBYE goes out before it.
        if (effect.frameType === frameType.goodbye) for (const lane of this.#lanes) lane.flush();
        this.#control?.sendFrame(effect.frameType, effect.body);
        return;
      case "identified":
        this.#askAdmission(effect.hello);
        return;
      case "opened":
        this.#onOpened(effect.agreed);
        return;
      case "ended":
        this.#onEnded({ code: effect.code, reason: effect.reason, clean: effect.clean });
        return;
      case "disconnect":
        this.#control?.flush();
        this.#carrier.close(effect.reason);
        return;
      default:
        effect satisfies never;
    }
  }

  #askAdmission(hello: HelloContent): void {
    this.#hello = hello;
    const refusal = this.#events.admit(this, hello);
    this.#handle(refusal === undefined ? { type: "admitted" } : { type: "close", ...refusal });
  }

  #onOpened(agreed: AgreedValues): void {
    this.#limits = { ...this.#limits, maxFrameBytes: agreed.maxFrameBytes };
    this.#events.opened(this);
  }

  #onEnded(end: SessionEnd): void {
    this.#end = end;
    for (const lane of this.#lanes) lane.stop();
    this.#account.close();
    this.#events.ended(this, end);
    for (const listener of this.#endListeners.splice(0)) {
      this.#guarded(() => {
        listener(end);
      });
    }
  }

  #onCarrierClosed(reason: string): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#handle({ type: "lost", reason: reason === "" ? "the connection ended" : reason });
    this.#scheduler.close();
    this.#account.close();
    this.#events.gone(this);
  }

  #onByteLane(byteLane: ByteLane): void {
    if (this.#end !== undefined) return;
    if (this.#control === undefined) {
      this.#startControl(byteLane);
      return;
    }
    if (!this.#protocol.open) {
      this.#onBreach({ code: "MALFORMED", reason: "a data lane before the opening" });
      return;
    }
    if (this.#lanes.length >= maxDataLanes) {
      const reason = `the peer opened more than ${maxDataLanes} data lanes`;
      this.#onBreach({ code: "LIMIT_EXCEEDED", reason });
      return;
    }
    const lane = this.#addLane(byteLane);
    if (this.#laneListener === undefined) this.#lanesBeforeListener.push(lane);
    else this.#laneListener(lane);
  }

  #startControl(byteLane: ByteLane): void {
    const control = new ControlLane({
      byteLane,
      slabs: this.#components.slabs,
      account: this.#account,
      owner: {
        onHeard: () => {
          this.#onHeard();
        },
        onBlob: (blob) => {
          this.#handle({ type: "blob", blob });
        },
        onFrame: (type, body) => {
          this.#handle({ type: "frame", frameType: type, body });
          return !this.#gone;
        },
        onBreach: (breach) => {
          this.#onBreach(breach);
        },
        onFailure: (error) => {
          this.#onFailure(error);
        },
        onLaneEnd: () => {
          this.#onLaneEnd();
        },
      },
    });
    this.#control = control;
    this.#handle({ type: "start" });
    control.listen();
  }

  #addLane(byteLane: ByteLane): PeerLane {
    const { slabs, turns } = this.#components;
    const lane = new PeerLane({
      byteLane,
      dialled: this.dialled,
      owner: {
        onHeard: () => {
          this.#onHeard();
        },
        onBreach: (breach) => {
          this.#onBreach(breach);
        },
        onFailure: (error) => {
          this.#onFailure(error);
        },
        onLaneEnd: () => {
          this.#onLaneEnd();
        },
      },
      limits: this.#limits,
      slabs,
      account: this.#account,
      queue: this.#queue,
      turns,
    });
    this.#lanes.push(lane);
    return lane;
  }

  #onHeard(): void {
    this.#protocol.heard(this.#components.clock.nowMs());
  }

  #onBreach(breach: WireBreach): void {
    this.close(breach.code, breach.reason);
  }

  #guarded(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#onFailure(error);
    }
  }

  /** A listener that throws has a bug; its session pays for it, not the process, nor the peer. */
  #onFailure(error: unknown): void {
    const { logger, local } = this.#components;
    logger.error({ err: error, peer: this.#carrier.peer.nodeId }, "a listener of a session threw");
    this.close("INTERNAL", `this node failed to handle a message; see the log of ${local.nodeId}`);
  }

  /** Lanes live as long as their session: one that ends takes it along. */
  #onLaneEnd(): void {
    if (this.#end !== undefined) return;
    this.#handle({ type: "lost", reason: "a lane ended before its session" });
    this.#carrier.close("a lane ended");
  }
}
