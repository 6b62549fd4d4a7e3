/**
 * A NodeService in memory: one demand and one capability over the same queue, without leases that
 * expire, peers or retries. For tests of what stands in front of a node.
 */
import type {
  AddOptions,
  ApplicationObstacle,
  CapabilityView,
  DemandView,
  ExplanationView,
  ItemsPage,
  ItemsQuery,
  ItemState,
  ItemView,
  LeaseVerb,
  NodeService,
  OutcomeEvent,
  OutcomeView,
  PeerView,
  PulledItem,
  Result,
  Unsubscribe,
  VerbResult,
} from "../../sidecar/api/ports.ts";
import type { ProblemCode, Refusal } from "../../sidecar/api/problem-code.ts";
import { type ResolvedContract, resolveContract } from "../../sidecar/wire/contract.ts";

/** Mutable half of an item. */
interface Item {
  readonly ticket: string;
  readonly request: Uint8Array;
  readonly options: AddOptions;
  state: ItemState;
  acquired: number;
  failed: number;
  lease: string | undefined;
  outcome: OutcomeView | undefined;
}

/** Names of the one demand, the one capability and their contract. */
export interface MemoryNodeOptions {
  readonly demand: string;
  readonly capability: string;
  readonly request: string;
  readonly response: string;
  readonly descriptorSet: Uint8Array;
}

/** The fake; public fields are switches and records of tests. */
export class MemoryNode implements NodeService {
  configured = true;
  ready = true;
  maxItems = 10_000;
  /** Items at the application at once; a lease that ended fills its slot until its next verb. */
  slots = Infinity;
  /** Overflow `wait` instead of `refuse`. */
  waitForRoom = false;
  peerViews: PeerView[] = [];
  drains = 0;
  /** Every call of `settle`, in order. */
  readonly settled: { readonly lease: string; readonly verb: LeaseVerb }[] = [];
  /** Presences that are open. */
  readonly presences = new Set<string>();
  /** What was told of each application, in order. */
  readonly obstacles: (ApplicationObstacle | undefined)[] = [];
  /** Pulls that wait now. */
  waitingPulls = 0;
  readonly #options: MemoryNodeOptions;
  readonly #items = new Map<string, Item>();
  readonly #byKey = new Map<string, Item>();
  readonly #events: OutcomeEvent[] = [];
  readonly #listeners = new Set<(event: OutcomeEvent) => void>();
  readonly #leaseListeners = new Map<string, Set<(reason: string) => void>>();
  readonly #occupied = new Set<string>();
  #contract: ResolvedContract | undefined;
  #changed = Promise.withResolvers<void>();
  #sequence = 0;
  #presenceCount = 0;

  constructor(options: MemoryNodeOptions) {
    this.#options = options;
  }

  demands(): readonly DemandView[] {
    const { demand, request, response } = this.#options;
    const counts = { ready: 0, leased: 0, delayed: 0, done: 0, dead: 0, cancelled: 0, expired: 0 };
    for (const item of this.#items.values()) counts[item.state] += 1;
    return [
      {
        name: demand,
        request,
        response,
        counts,
        oldestReadySeconds: 0,
        desiredProviders: 1,
        maxProviders: 10,
        deficit: 1,
        providers: [],
        paused: false,
      },
    ];
  }

  demand(name: string): Result<DemandView> {
    const [view] = this.demands();
    return name === this.#options.demand && view !== undefined
      ? { ok: true, value: view }
      : refuse("UNKNOWN_DEMAND");
  }

  async add(
    demand: string,
    request: Uint8Array,
    options: AddOptions,
    signal?: AbortSignal,
  ): Promise<Result<{ readonly ticket: string; readonly state: ItemState }>> {
    if (demand !== this.#options.demand) return refuse("UNKNOWN_DEMAND");
    const known = this.#byKey.get(options.idempotencyKey ?? "");
    if (known !== undefined) {
      return Buffer.compare(known.request, request) === 0
        ? { ok: true, value: { ticket: known.ticket, state: known.state } }
        : refuse("IDEMPOTENCY_CONFLICT");
    }
    while (this.#pending() >= this.maxItems) {
      if (!this.waitForRoom || signal?.aborted === true) {
        return refuse("QUEUE_FULL", { retryAfterMs: 2_500, bound: this.maxItems });
      }
      await this.#change(signal);
    }
    this.#sequence += 1;
    const ticket = `t${String(this.#sequence)}`;
    const item: Item = {
      ticket,
      request: new Uint8Array(request),
      options,
      state: "ready",
      acquired: 0,
      failed: 0,
      lease: undefined,
      outcome: undefined,
    };
    this.#items.set(ticket, item);
    if (options.idempotencyKey !== undefined) this.#byKey.set(options.idempotencyKey, item);
    this.#tellChange();
    return { ok: true, value: { ticket, state: item.state } };
  }

  item(ticket: string): Result<ItemView> {
    const gone: ProblemCode | undefined =
      ticket === "lost" ? "QUEUE_LOST" : ticket === "far" ? "TICKET_ELSEWHERE" : undefined;
    const item = this.#items.get(ticket);
    return item === undefined
      ? refuse(gone ?? "UNKNOWN_TICKET")
      : { ok: true, value: this.#view(item) };
  }

  items(demand: string, { limit, state, after }: ItemsQuery): Result<ItemsPage> {
    if (demand !== this.#options.demand) return refuse("UNKNOWN_DEMAND");
    if (after !== undefined && !this.#items.has(after)) return refuse("INVALID_ARGUMENT");
    const tickets = [...this.#items.keys()];
    const found = tickets
      .slice(after === undefined ? 0 : tickets.indexOf(after) + 1)
      .flatMap((ticket) => this.#items.get(ticket) ?? [])
      .filter((item) => state === undefined || item.state === state);
    const items = found.slice(0, limit).map((item) => this.#view(item));
    return { ok: true, value: { items, more: found.length > limit } };
  }

  explain(ticket: string): Result<ExplanationView> {
    const found = this.item(ticket);
    if (!found.ok) return found;
    const reasons = [{ code: "NO_PROVIDER", message: "no provider connected", facts: {} }] as const;
    return { ok: true, value: { state: found.value.state, reasons } };
  }

  async waitForItem(
    ticket: string,
    waitMs: number,
    signal?: AbortSignal,
  ): Promise<Result<ItemView>> {
    const limit = AbortSignal.any([AbortSignal.timeout(waitMs), ...(signal ? [signal] : [])]);
    while (this.#items.has(ticket) && !limit.aborted) {
      if (this.#items.get(ticket)?.outcome !== undefined) break;
      await this.#change(limit);
    }
    return this.item(ticket);
  }

  async cancel(ticket: string): Promise<Result<ItemView>> {
    const item = this.#items.get(ticket);
    if (item === undefined) return this.item(ticket);
    if (item.state === "done" || item.state === "dead") return refuse("ALREADY_ENDED");
    if (item.state !== "cancelled") {
      this.endLease(item.lease ?? "", "cancelled by the producer");
      const system = { code: "CANCELLED", message: "cancelled" };
      this.#end(item, "cancelled", { run: 1, kind: "system", system });
    }
    return { ok: true, value: this.#view(item) };
  }

  subscribeOutcomes(
    demand: string,
    options: { readonly submitter?: string; readonly afterId?: string },
    listener: (event: OutcomeEvent) => void,
  ): Result<Unsubscribe> {
    if (demand !== this.#options.demand) return refuse("UNKNOWN_DEMAND");
    const wanted = (event: OutcomeEvent): void => {
      const { submitter } = this.#items.get(event.item.ticket)?.options ?? {};
      if (options.submitter === undefined || submitter === options.submitter) listener(event);
    };
    if (options.afterId !== undefined) {
      this.#events.slice(Number(options.afterId)).forEach(wanted);
    }
    this.#listeners.add(wanted);
    return { ok: true, value: () => void this.#listeners.delete(wanted) };
  }

  /** Listeners of outcomes that are subscribed now. */
  get subscriptions(): number {
    return this.#listeners.size;
  }

  capabilities(): readonly CapabilityView[] {
    const { capability, request, response } = this.#options;
    return [{ name: capability, request, response, running: 0, slots: 1, demands: [] }];
  }

  capability(name: string): Result<CapabilityView> {
    const [view] = this.capabilities();
    return name === this.#options.capability && view !== undefined
      ? { ok: true, value: view }
      : refuse("UNKNOWN_CAPABILITY");
  }

  async pull(
    capability: string,
    options: { readonly max: number; readonly waitMs: number; readonly presence?: string },
    signal?: AbortSignal,
  ): Promise<Result<readonly PulledItem[]>> {
    if (capability !== this.#options.capability) return refuse("UNKNOWN_CAPABILITY");
    if (options.presence !== undefined && !this.presences.has(options.presence)) {
      return refuse("UNKNOWN_PRESENCE");
    }
    const timeout = AbortSignal.timeout(options.waitMs);
    const limit = AbortSignal.any([timeout, ...(signal ? [signal] : [])]);
    this.waitingPulls += 1;
    while (this.#grantable().length === 0 && !limit.aborted) await this.#change(limit);
    this.waitingPulls -= 1;
    if (signal?.aborted === true) return { ok: true, value: [] };
    return {
      ok: true,
      value: this.#grantable()
        .slice(0, options.max)
        .map((item) => this.#grant(item)),
    };
  }

  capabilityOfLease(lease: string): string | undefined {
    return this.#ofLease(lease) === undefined ? undefined : this.#options.capability;
  }

  async settle(lease: string, verb: LeaseVerb): Promise<Result<VerbResult>> {
    this.settled.push({ lease, verb });
    const item = this.#ofLease(lease);
    if (item === undefined) return refuse("UNKNOWN_LEASE");
    if (verb.verb === "heartbeat" && item.lease === lease && item.state === "cancelled") {
      return { ok: true, value: { state: "cancelled", cancelled: true } };
    }
    if (verb.verb !== "heartbeat" && this.#occupied.delete(lease)) this.#tellChange();
    if (item.lease !== lease || item.state !== "leased") return refuse("STALE_LEASE");
    switch (verb.verb) {
      case "complete":
        this.#end(item, "done", { run: 1, kind: "result", result: verb.result });
        break;
      case "fail":
        item.failed += 1;
        if (verb.error.retryable) this.#requeue(item);
        else this.#end(item, "dead", { run: 1, kind: "error", error: verb.error });
        break;
      case "reject":
        item.failed += 1;
        this.#end(item, "dead", { run: 1, kind: "error", error: verb.error });
        break;
      case "release":
        this.#requeue(item);
        break;
      case "heartbeat":
        break;
    }
    return { ok: true, value: { state: item.state, cancelled: false } };
  }

  openPresence(capability: string): Result<{ readonly id: string; readonly close: () => void }> {
    if (capability !== this.#options.capability) return refuse("UNKNOWN_CAPABILITY");
    this.#presenceCount += 1;
    const id = `p${String(this.#presenceCount)}`;
    this.presences.add(id);
    return { ok: true, value: { id, close: () => void this.presences.delete(id) } };
  }

  tellObstacle(_capability: string, obstacle: ApplicationObstacle | undefined): void {
    this.obstacles.push(obstacle);
  }

  onLeaseEnded(lease: string, listener: (reason: string) => void): Unsubscribe {
    const listeners = this.#leaseListeners.get(lease) ?? new Set();
    this.#leaseListeners.set(lease, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#leaseListeners.delete(lease);
    };
  }

  /** Leases that somebody listens for. */
  get listenedLeases(): number {
    return this.#leaseListeners.size;
  }

  /** Ends a lease as a cancel or a lost demand does. */
  endLease(lease: string, reason: string): void {
    for (const listener of [...(this.#leaseListeners.get(lease) ?? [])]) listener(reason);
  }

  peers(): readonly PeerView[] {
    return this.peerViews;
  }

  readiness(): { readonly ready: boolean; readonly reasons: readonly string[] } {
    return { ready: this.ready, reasons: this.ready ? [] : ["not configured yet"] };
  }

  async drain(): Promise<void> {
    this.drains += 1;
  }

  contractOf(kind: "demand" | "capability", name: string): ReturnType<NodeService["contractOf"]> {
    const { demand, capability, descriptorSet } = this.#options;
    if (name !== (kind === "demand" ? demand : capability)) return undefined;
    if (this.#contract === undefined) {
      const resolved = resolveContract(this.#options, descriptorSet);
      if (!resolved.ok) throw new Error(resolved.failure.message);
      this.#contract = resolved.contract;
    }
    return this.#contract;
  }

  /** Options of the item, as `add` got them. */
  optionsOf(ticket: string): AddOptions | undefined {
    return this.#items.get(ticket)?.options;
  }

  #pending(): number {
    return [...this.#items.values()].filter((item) => item.outcome === undefined).length;
  }

  #grantable(): Item[] {
    const free = Math.max(0, this.slots - this.#occupied.size);
    return [...this.#items.values()].filter((item) => item.state === "ready").slice(0, free);
  }

  #ofLease(lease: string): Item | undefined {
    return this.#items.get(lease.split("-")[0] ?? "");
  }

  #grant(item: Item): PulledItem {
    item.state = "leased";
    item.acquired += 1;
    item.lease = `${item.ticket}-${String(item.acquired)}`;
    this.#occupied.add(item.lease);
    const { deadlineMs, traceparent } = item.options;
    return {
      ticket: item.ticket,
      lease: item.lease,
      attempt: item.failed + 1,
      request: item.request,
      ...(deadlineMs === undefined ? {} : { deadlineMs }),
      ...(traceparent === undefined ? {} : { traceparent }),
    };
  }

  #requeue(item: Item): void {
    item.state = "ready";
    item.lease = undefined;
    this.#tellChange();
  }

  #end(item: Item, state: ItemState, outcome: OutcomeView): void {
    item.state = state;
    item.outcome = outcome;
    const event = { id: String(this.#events.length + 1), item: this.#view(item) };
    this.#events.push(event);
    for (const listener of this.#listeners) listener(event);
    this.#tellChange();
  }

  #view(item: Item): ItemView {
    return {
      ticket: item.ticket,
      demand: this.#options.demand,
      state: item.state,
      attempts: { acquired: item.acquired, failed: item.failed },
      priority: item.options.priority ?? 4,
      createdAtMs: Date.UTC(2026, 10, 21),
      ...(item.acquired === 0 ? {} : { provider: "worker-0" }),
      ...(item.outcome === undefined ? {} : { outcome: item.outcome }),
    };
  }

  async #change(signal?: AbortSignal): Promise<void> {
    const aborted = Promise.withResolvers<void>();
    const abort = (): void => aborted.resolve();
    if (signal?.aborted === true) return;
    signal?.addEventListener("abort", abort, { once: true });
    await Promise.race([this.#changed.promise, aborted.promise]);
    signal?.removeEventListener("abort", abort);
  }

  #tellChange(): void {
    const before = this.#changed;
    this.#changed = Promise.withResolvers();
    before.resolve();
  }
}

function refuse(
  code: ProblemCode,
  facts: Partial<Refusal> = {},
): { readonly ok: false; readonly refusal: Refusal } {
  return { ok: false, refusal: { code, detail: `refused with ${code}`, ...facts } };
}
