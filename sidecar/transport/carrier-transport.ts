/**
 * A PeerTransport over any carrier factory: dials, accepts, and keeps one session with each node.
 */
import type { Clock, NodeId } from "../core/ports.ts";
import type { Logger, Timers } from "../runtime/index.ts";
import { type SessionTiming, sessionTiming } from "../wire/liveness.ts";
import { MemoryBudget } from "../wire/memory-budget.ts";
import type { HelloContent, NodeName } from "../wire/session-messages.ts";
import { type OfferedValues, SessionOffer } from "../wire/session-offer.ts";
import { SlabPool } from "../wire/slab-pool.ts";
import {
  checkWireLimits,
  receiveBudgetBytes,
  type WireLimits,
  wireLimits,
} from "../wire/wire-limits.ts";
import type { Carrier, CarrierFactory, CarrierListener } from "./carrier.ts";
import {
  CarrierSession,
  type SessionComponents,
  type SessionEvents,
  type SessionRefusal,
} from "./carrier-session.ts";
import type { DialTarget, PeerSession, PeerTransport, SessionEnd } from "./ports.ts";
import { judgeSessions } from "./session-registry.ts";
import { TransportError } from "./transport-error.ts";
import { realTurns, type Turns } from "./turns.ts";

/** What a transport works with. */
export interface TransportComponents {
  readonly factory: CarrierFactory;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly logger: Logger;
  /** @default Node's own */
  readonly turns?: Turns;
}

/** How a transport behaves. */
export interface TransportOptions {
  /** This node, as its certificate names it. */
  readonly local: NodeName & { readonly incarnation: number };
  /** What is offered in negotiations. @default all that is implemented */
  readonly offer?: OfferedValues;
  /** @default wireLimits */
  readonly limits?: Partial<WireLimits>;
  /** @default sessionTiming */
  readonly timing?: Partial<SessionTiming>;
  /** Memory for what peers sent and nobody has taken, over all sessions. @default 64 MiB */
  readonly receiveBudgetBytes?: number;
  /** Connections at a time, those that are still opening included. @default 1,024 */
  readonly maxSessions?: number;
}

/** What `close` may take before connections are cut. */
const closeTimeoutMs = 2_000;

/** A dial that is under way. */
interface Dial {
  readonly promise: Promise<PeerSession>;
  readonly abort: (reason: string) => void;
}

/** Settles a dial once its session is open or over. */
interface Opening {
  readonly resolve: (session: PeerSession) => void;
  readonly reject: (error: TransportError) => void;
}

/** See the head of the file. */
export class CarrierTransport implements PeerTransport, SessionEvents {
  readonly #factory: CarrierFactory;
  readonly #session: SessionComponents;
  readonly #logger: Logger;
  readonly #maxSessions: number;
  /** Open sessions, one per node. */
  readonly #open = new Map<NodeId, CarrierSession>();
  /** Every session whose connection is still there. */
  readonly #alive = new Set<CarrierSession>();
  readonly #dials = new Map<NodeId, Dial>();
  readonly #openings = new Map<CarrierSession, Opening>();
  /** Dials whose own session was refused because another one with the node stays. */
  readonly #waitingForOther = new Map<NodeId, Opening>();
  readonly #listeners: CarrierListener[] = [];
  #sessionListener: ((session: PeerSession) => void) | undefined;
  #onAllGone: (() => void) | undefined;
  #closed = false;

  constructor(components: TransportComponents, options: TransportOptions) {
    const { factory, clock, timers, logger, turns = realTurns } = components;
    this.#factory = factory;
    this.#logger = logger;
    this.#maxSessions = options.maxSessions ?? 1_024;
    this.#session = {
      local: options.local,
      offer: new SessionOffer(options.offer),
      limits: checkWireLimits({ ...wireLimits, ...options.limits }),
      timing: { ...sessionTiming, ...options.timing },
      budget: new MemoryBudget(options.receiveBudgetBytes ?? receiveBudgetBytes),
      slabs: new SlabPool(),
      clock,
      timers,
      turns,
      logger,
    };
  }

  async listen(address: {
    readonly host: string;
    readonly port: number;
  }): Promise<{ host: string; port: number }> {
    if (this.#closed) throw new TransportError("CLOSED", "the transport is closed");
    const listener = await this.#factory.listen(address, (carrier) => {
      this.#accept(carrier);
    });
    this.#listeners.push(listener);
    return { ...listener.address };
  }

  dial(target: DialTarget): Promise<PeerSession> {
    const { nodeId } = target;
    const open = this.#open.get(nodeId);
    if (open !== undefined) return Promise.resolve(open);
    const refusal = this.#dialRefusal(nodeId);
    if (refusal !== undefined) return Promise.reject(refusal);
    const underWay = this.#dials.get(nodeId);
    if (underWay !== undefined) return underWay.promise;
    const dial = this.#startDial(target);
    this.#dials.set(nodeId, dial);
    return dial.promise;
  }

  onSession(listener: (session: PeerSession) => void): void {
    this.#sessionListener = listener;
  }

  sessions(): readonly PeerSession[] {
    return [...this.#open.values()];
  }

  async close(reason: string): Promise<void> {
    this.#closed = true;
    for (const dial of [...this.#dials.values()]) dial.abort("the transport is closing");
    for (const session of [...this.#alive]) session.close("SHUTDOWN", reason);
    const listeners = this.#listeners.splice(0);
    // One that fails to close has nothing left that anybody could still do.
    await Promise.allSettled([...listeners.map((each) => each.close()), this.#allGone()]);
  }

  /** For sessions only. */
  admit(session: CarrierSession, hello: HelloContent): SessionRefusal | undefined {
    if (this.#closed) return { code: "SHUTDOWN", reason: "the node stops" };
    const existing = this.#open.get(hello.nodeId);
    if (existing === undefined) {
      this.#open.set(hello.nodeId, session);
      return undefined;
    }
    const verdict = judgeSessions(
      { localId: this.#session.local.nodeId, peerId: hello.nodeId },
      { incarnation: existing.peer.incarnation, dialled: existing.dialled },
      { incarnation: hello.incarnation, dialled: session.dialled },
    );
    const { code, reason } = verdict;
    if (verdict.goes === "candidate") return { code, reason };
    // In its place first, so that whoever hears of the old one's end finds the new one.
    this.#open.set(hello.nodeId, session);
    existing.close(code, reason);
    return undefined;
  }

  /** For sessions only. */
  opened(session: CarrierSession): void {
    const { nodeId: peer, incarnation, address } = session.peer;
    const { dialled } = session;
    this.#logger.info({ peer, incarnation, address, dialled }, "a session with a peer is open");
    this.#openings.get(session)?.resolve(session);
    this.#openings.delete(session);
    this.#waitingForOther.get(peer)?.resolve(session);
    this.#waitingForOther.delete(peer);
    if (!dialled) this.#sessionListener?.(session);
  }

  /** For sessions only. */
  ended(session: CarrierSession, end: SessionEnd): void {
    const { nodeId: peer, address } = session.peer;
    const { code, reason, clean } = end;
    const fields = { peer, address, code, reason, clean };
    const expected = clean && code !== "MALFORMED" && code !== "INTERNAL";
    if (expected) this.#logger.info(fields, "a session with a peer ended");
    else this.#logger.warn(fields, "a session with a peer ended");
    if (this.#open.get(peer) === session) this.#open.delete(peer);
    const opening = this.#openings.get(session);
    this.#openings.delete(session);
    if (opening !== undefined) this.#onRefused(peer, opening, end);
  }

  /** For sessions only. */
  gone(session: CarrierSession): void {
    this.#alive.delete(session);
    if (this.#alive.size === 0) this.#onAllGone?.();
  }

  #dialRefusal(nodeId: NodeId): TransportError | undefined {
    if (this.#closed) return new TransportError("CLOSED", "the transport is closed");
    if (nodeId === this.#session.local.nodeId) {
      return new TransportError("IDENTITY_MISMATCH", `node ${nodeId} is this node itself`);
    }
    if (this.#alive.size + this.#dials.size >= this.#maxSessions) {
      const bound = `${this.#maxSessions} sessions are the most`;
      return new TransportError("LIMIT_EXCEEDED", `node ${nodeId} is not dialled: ${bound}`);
    }
    return undefined;
  }

  #startDial(target: DialTarget): Dial {
    const { nodeId, host, port } = target;
    const where = `node ${nodeId} at ${host}:${port}`;
    const controller = new AbortController();
    const { promise, resolve, reject } = Promise.withResolvers<PeerSession>();
    let session: CarrierSession | undefined;
    const abort = (reason: string): void => {
      reject(new TransportError("DIAL_FAILED", `${where}: ${reason}`));
      controller.abort();
      // Nobody would know of a session that opens after its dial was given up.
      session?.close("OPEN_TIMEOUT", reason);
    };
    const { openTimeoutMs } = this.#session.timing;
    const cancelTimer = this.#session.timers.after(openTimeoutMs, () => {
      abort(`no session within ${openTimeoutMs} ms`);
    });
    const settled = (): void => {
      cancelTimer();
      this.#dials.delete(nodeId);
      this.#waitingForOther.delete(nodeId);
    };
    promise.then(settled, settled);
    const sinceMs = this.#session.clock.nowMs();
    this.#factory.dial(target, controller.signal).then(
      (carrier) => {
        if (controller.signal.aborted) carrier.close("the dial was given up");
        else session = this.#begin(carrier, sinceMs, { nodeId, opening: { resolve, reject } });
      },
      (error: unknown) => {
        reject(dialError(where, error));
      },
    );
    return { promise, abort };
  }

  #accept(carrier: Carrier): void {
    if (this.#closed || this.#alive.size >= this.#maxSessions) {
      this.#logger.warn({ address: carrier.remoteAddress }, "a connection was refused: too many");
      carrier.close("no more sessions are taken");
      return;
    }
    this.#begin(carrier, this.#session.clock.nowMs());
  }

  #begin(
    carrier: Carrier,
    sinceMs: number,
    dialled?: { readonly nodeId: NodeId; readonly opening: Opening },
  ): CarrierSession {
    const session = new CarrierSession(this.#session, {
      carrier,
      sinceMs,
      events: this,
      ...(dialled === undefined ? {} : { expectedNodeId: dialled.nodeId }),
    });
    this.#alive.add(session);
    if (dialled !== undefined) this.#openings.set(session, dialled.opening);
    session.start();
    return session;
  }

  /** A dial whose session was refused for another one takes that one. */
  #onRefused(peer: NodeId, opening: Opening, end: SessionEnd): void {
    if (end.code === "DUPLICATE_SESSION" || end.code === "SUPERSEDED") {
      const other = this.#open.get(peer);
      if (other === undefined) this.#waitingForOther.set(peer, opening);
      else opening.resolve(other);
      return;
    }
    const code = end.code === "TRANSPORT_LOST" ? "DIAL_FAILED" : end.code;
    opening.reject(new TransportError(code, `node ${peer}: ${end.reason}`));
  }

  /** Resolves once no connection is left, or after two seconds. */
  #allGone(): Promise<void> {
    if (this.#alive.size === 0) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const cancelTimer = this.#session.timers.after(closeTimeoutMs, () => {
      resolve(undefined);
    });
    this.#onAllGone = () => {
      cancelTimer();
      resolve(undefined);
    };
    return promise;
  }
}

function dialError(where: string, error: unknown): TransportError {
  if (error instanceof TransportError) return error;
  const what = error instanceof Error ? error.message : String(error);
  return new TransportError("DIAL_FAILED", `${where}: ${what}`, { cause: error });
}
