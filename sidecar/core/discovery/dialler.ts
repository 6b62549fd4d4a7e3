/**
 * Whom to dial, where and when. Wanted nodes (the work engine says which) are dialled until a
 * session is open; sessions that nobody wants any more are reported idle.
 *
 * States of a node, and what leaves them:
 * - `resting`: not wanted, or no endpoint known, or a session is not needed. → `waiting` as soon as
 *   it is wanted and has an endpoint.
 * - `waiting` until a time. → `dialling` when it has come and fewer than 16 dials run.
 * - `dialling` one endpoint. → `connected`; on failure the next endpoint at once, and when all have
 *   failed `waiting` with a longer backoff. No answer in 10 s counts as a failure.
 * - `connected`. → `waiting` or `resting` when the session closes.
 * Full jitter: the wait is random in [0, min(10 s, 100 ms × 2^failures)].
 * Source: AWS Architecture Blog, Exponential Backoff And Jitter.
 */
import { assertNever, type Incarnation, type NodeId, type Random } from "../ports.ts";
import { type Endpoint, endpointKey } from "./sighting.ts";

/** Everything the dialler may be told. */
export type DiallerInput =
  /** Every node that is wanted now; replaces the set before. */
  | { readonly type: "wanted"; readonly nodeIds: ReadonlySet<NodeId> }
  /** A neighbour appeared or changed. */
  | {
      readonly type: "neighbour";
      readonly nodeId: NodeId;
      readonly incarnation?: Incarnation;
      readonly endpoints: readonly Endpoint[];
    }
  | { readonly type: "neighbourGone"; readonly nodeId: NodeId }
  /** A session is open: ours (`dialled`) or one that the peer dialled. */
  | { readonly type: "sessionOpened"; readonly nodeId: NodeId; readonly dialled: boolean }
  /**
   * A `dial` came to nothing.
   * @param refused true when the peer answered and will answer the same again (identity,
   *   negotiation): trying quickly makes no sense.
   */
  | { readonly type: "dialFailed"; readonly nodeId: NodeId; readonly refused: boolean }
  | { readonly type: "sessionClosed"; readonly nodeId: NodeId };

/** Everything it asks the outside to do. */
export type DiallerEffect =
  | {
      readonly type: "dial";
      readonly nodeId: NodeId;
      readonly host: string;
      readonly port: number;
    }
  /**
   * A session that this node dialled has not been wanted for 30 s. Said again every 30 s: the peer
   * may have work over it, so whether to close is the node's decision.
   */
  | { readonly type: "idle"; readonly nodeId: NodeId };

/** Settings with their defaults. */
export interface DiallerOptions {
  /** @default 16 */
  readonly maxConcurrentDials?: number;
  /** @default 100 */
  readonly backoffInitialMs?: number;
  /** @default 10,000 */
  readonly backoffMaxMs?: number;
  /** A session that held for this long was good: its loss starts at the initial backoff.
   * @default 10,000 */
  readonly steadyAfterMs?: number;
  /** A dial without an answer has failed; beyond the transport's own 5 s. @default 10,000 */
  readonly dialTimeoutMs?: number;
  /** @default 30,000 */
  readonly idleAfterMs?: number;
}

type State =
  | { readonly type: "resting" }
  | { readonly type: "waiting"; readonly untilMs: number }
  | { readonly type: "dialling"; readonly endpointIndex: number; readonly untilMs: number }
  | {
      readonly type: "connected";
      readonly sinceMs: number;
      readonly dialled: boolean;
      /** Infinity while it is wanted, or not ours to close. */
      readonly idleAtMs: number;
    };

interface Peer {
  readonly nodeId: NodeId;
  incarnation: Incarnation | undefined;
  endpoints: readonly Endpoint[];
  failures: number;
  /** The endpoints of the dial that runs are out of date: dial again at once when it fails. */
  isStale: boolean;
  lastDialMs: number;
  state: State;
}

/** Dials wanted nodes. Invariant: never more than `maxConcurrentDials` in state `dialling`. */
export class Dialler {
  readonly #ownNodeId: NodeId;
  readonly #options: Required<DiallerOptions>;
  readonly #random: Random;
  readonly #peers = new Map<NodeId, Peer>();
  #wanted: ReadonlySet<NodeId> = new Set();
  #dialling = 0;

  constructor(ownNodeId: NodeId, random: Random, options: DiallerOptions = {}) {
    this.#ownNodeId = ownNodeId;
    this.#random = random;
    this.#options = {
      maxConcurrentDials: 16,
      backoffInitialMs: 100,
      backoffMaxMs: 10_000,
      steadyAfterMs: 10_000,
      dialTimeoutMs: 10_000,
      idleAfterMs: 30_000,
      ...options,
    };
  }

  /** Takes one input; dials that became due are in the answer. */
  handle(input: DiallerInput, nowMs: number): DiallerEffect[] {
    switch (input.type) {
      case "wanted":
        this.#want(input.nodeIds, nowMs);
        break;
      case "neighbour":
        this.#learn(input, nowMs);
        break;
      case "neighbourGone":
        this.#unlearn(input.nodeId);
        break;
      case "sessionOpened":
        this.#opened(input.nodeId, input.dialled, nowMs);
        break;
      case "dialFailed": {
        const again = this.#failed(input.nodeId, input.refused, nowMs);
        return [...again, ...this.advance(nowMs)];
      }
      case "sessionClosed":
        this.#closed(input.nodeId, nowMs);
        break;
      default:
        return assertNever(input);
    }
    return this.advance(nowMs);
  }

  /** When something is due; Infinity when idle. Cost: one walk over the known peers. */
  nextDeadlineMs(): number {
    const isFull = this.#dialling >= this.#options.maxConcurrentDials;
    let next = Infinity;
    for (const { state } of this.#peers.values()) {
      if (state.type === "dialling") next = Math.min(next, state.untilMs);
      else if (state.type === "connected") next = Math.min(next, state.idleAtMs);
      // With no place free the end of a dial comes first, and it is an input.
      else if (state.type === "waiting" && !isFull) next = Math.min(next, state.untilMs);
    }
    return next;
  }

  /** Dials what is due, the longest due first; extra calls are harmless. */
  advance(nowMs: number): DiallerEffect[] {
    const effects: DiallerEffect[] = [];
    const due: { peer: Peer; untilMs: number }[] = [];
    for (const peer of this.#peers.values()) {
      const { state } = peer;
      if (state.type === "dialling" && state.untilMs <= nowMs) {
        effects.push(...this.#failed(peer.nodeId, false, nowMs));
      } else if (state.type === "connected" && state.idleAtMs <= nowMs) {
        peer.state = { ...state, idleAtMs: nowMs + this.#options.idleAfterMs };
        effects.push({ type: "idle", nodeId: peer.nodeId });
      }
      if (peer.state.type === "waiting" && peer.state.untilMs <= nowMs) {
        due.push({ peer, untilMs: peer.state.untilMs });
      }
    }
    for (const { peer } of due.toSorted((a, b) => a.untilMs - b.untilMs)) {
      if (this.#dialling >= this.#options.maxConcurrentDials) break;
      effects.push(...this.#dial(peer, 0, nowMs));
    }
    return effects;
  }

  #want(nodeIds: ReadonlySet<NodeId>, nowMs: number): void {
    this.#wanted = new Set(nodeIds);
    for (const peer of this.#peers.values()) {
      const { state } = peer;
      const isWanted = this.#wanted.has(peer.nodeId);
      if (state.type === "connected") {
        const idleAtMs = this.#idleAtMs(state, isWanted, nowMs);
        if (idleAtMs !== state.idleAtMs) peer.state = { ...state, idleAtMs };
      } else if (state.type === "waiting" && !isWanted) peer.state = { type: "resting" };
      else if (state.type === "resting") this.#rest(peer, nowMs);
    }
  }

  #idleAtMs(state: { dialled: boolean; idleAtMs: number }, isWanted: boolean, nowMs: number) {
    if (isWanted || !state.dialled) return Infinity;
    return state.idleAtMs === Infinity ? nowMs + this.#options.idleAfterMs : state.idleAtMs;
  }

  #learn(input: Extract<DiallerInput, { type: "neighbour" }>, nowMs: number): void {
    if (input.nodeId === this.#ownNodeId) return;
    const peer = this.#peerFor(input.nodeId);
    const known = new Set(peer.endpoints.map(endpointKey));
    const isNews =
      (input.incarnation !== undefined && input.incarnation !== peer.incarnation) ||
      input.endpoints.some((endpoint) => !known.has(endpointKey(endpoint)));
    peer.endpoints = input.endpoints;
    peer.incarnation = input.incarnation ?? peer.incarnation;
    if (isNews) {
      peer.failures = 0;
      // News may come often, so it does not shorten the wait below the initial backoff.
      const atMs = Math.max(nowMs, peer.lastDialMs + this.#options.backoffInitialMs);
      if (peer.state.type === "waiting" && peer.state.untilMs > atMs) {
        peer.state = { type: "waiting", untilMs: atMs };
      }
      peer.isStale = peer.state.type === "dialling";
    }
    if (peer.endpoints.length === 0 && peer.state.type === "waiting") {
      peer.state = { type: "resting" };
    }
    if (peer.state.type === "resting") this.#rest(peer, nowMs);
  }

  #unlearn(nodeId: NodeId): void {
    const peer = this.#peers.get(nodeId);
    if (peer === undefined) return;
    peer.endpoints = [];
    if (peer.state.type === "waiting") peer.state = { type: "resting" };
    if (peer.state.type === "resting") this.#peers.delete(nodeId);
  }

  #opened(nodeId: NodeId, dialled: boolean, nowMs: number): void {
    if (nodeId === this.#ownNodeId) return;
    const peer = this.#peerFor(nodeId);
    this.#leaveDialling(peer);
    const fresh = { type: "connected", sinceMs: nowMs, dialled, idleAtMs: Infinity } as const;
    peer.state = { ...fresh, idleAtMs: this.#idleAtMs(fresh, this.#wanted.has(nodeId), nowMs) };
  }

  #failed(nodeId: NodeId, refused: boolean, nowMs: number): DiallerEffect[] {
    const peer = this.#peers.get(nodeId);
    // A session may have come the other way meanwhile; then the failure means nothing.
    if (peer === undefined || peer.state.type !== "dialling") return [];
    const next = peer.state.endpointIndex + 1;
    this.#leaveDialling(peer);
    if (!this.#wanted.has(nodeId)) {
      this.#rest(peer, nowMs);
      return [];
    }
    if (peer.isStale) {
      peer.isStale = false;
      this.#wait(peer, Math.max(nowMs, peer.lastDialMs + this.#options.backoffInitialMs));
      return [];
    }
    if (next < peer.endpoints.length) return this.#dial(peer, next, nowMs);
    peer.failures += 1;
    const { backoffMaxMs } = this.#options;
    const delayMs = refused
      ? (backoffMaxMs * (1 + this.#random.next())) / 2
      : this.#backoffMs(peer.failures);
    this.#wait(peer, nowMs + delayMs);
    return [];
  }

  #closed(nodeId: NodeId, nowMs: number): void {
    const peer = this.#peers.get(nodeId);
    if (peer === undefined || peer.state.type !== "connected") return;
    const isSteady = nowMs - peer.state.sinceMs >= this.#options.steadyAfterMs;
    peer.failures = isSteady ? 0 : peer.failures + 1;
    peer.state = { type: "resting" };
    this.#rest(peer, nowMs, this.#backoffMs(peer.failures));
  }

  #dial(peer: Peer, endpointIndex: number, nowMs: number): DiallerEffect[] {
    const endpoint = peer.endpoints[endpointIndex];
    if (endpoint === undefined) {
      peer.state = { type: "resting" };
      return [];
    }
    const untilMs = nowMs + this.#options.dialTimeoutMs;
    peer.state = { type: "dialling", endpointIndex, untilMs };
    peer.isStale = false;
    peer.lastDialMs = nowMs;
    this.#dialling += 1;
    return [{ type: "dial", nodeId: peer.nodeId, host: endpoint.host, port: endpoint.port }];
  }

  #leaveDialling(peer: Peer): void {
    if (peer.state.type !== "dialling") return;
    this.#dialling -= 1;
    peer.state = { type: "resting" };
  }

  /** From `resting` on: waits for a dial when it is wanted, is forgotten when nothing is known. */
  #rest(peer: Peer, nowMs: number, delayMs = 0): void {
    if (peer.endpoints.length === 0) this.#peers.delete(peer.nodeId);
    else if (this.#wanted.has(peer.nodeId)) this.#wait(peer, nowMs + delayMs);
  }

  #wait(peer: Peer, untilMs: number): void {
    if (peer.endpoints.length === 0) this.#peers.delete(peer.nodeId);
    else peer.state = { type: "waiting", untilMs };
  }

  #backoffMs(failures: number): number {
    const { backoffInitialMs, backoffMaxMs } = this.#options;
    // 2^30 × 100 ms is beyond any maximum, and beyond that the power loses nothing but sense.
    return (
      this.#random.next() * Math.min(backoffMaxMs, backoffInitialMs * 2 ** Math.min(failures, 30))
    );
  }

  #peerFor(nodeId: NodeId): Peer {
    const known = this.#peers.get(nodeId);
    if (known !== undefined) return known;
    const peer: Peer = {
      nodeId,
      incarnation: undefined,
      endpoints: [],
      failures: 0,
      isStale: false,
      lastDialMs: -Infinity,
      state: { type: "resting" },
    };
    this.#peers.set(nodeId, peer);
    return peer;
  }
}
