/** All Demands of this node: the producer's half of the API. */
import type {
  AddOptions,
  DemandView,
  ExplanationView,
  ItemsPage,
  ItemsQuery,
  ItemState,
  ItemView,
  OutcomeEvent,
  ProducerService,
  Result,
  Unsubscribe,
} from "../api/ports.ts";
import { droppedOutcome, resolveTicket } from "../core/work/index.ts";
import { DemandHost } from "./demand-host.ts";
import type { HostComponents } from "./host-components.ts";
import type { OutcomeWaiters } from "./outcome-waiters.ts";
import { refusal } from "./refusal.ts";
import type { PreparedDemand } from "./work-options.ts";

/** What the demands need beside what every host needs. */
export interface DemandsComponents extends HostComponents {
  readonly waiters: OutcomeWaiters<ItemView>;
  /** Wanted, admitted or connected providers of a demand changed, or the list of demands did. */
  readonly onChange: () => void;
}

/** Keeps one host for each configured demand. */
export class Demands implements ProducerService {
  readonly #components: DemandsComponents;
  readonly #hosts = new Map<string, DemandHost>();

  constructor(components: DemandsComponents) {
    this.#components = components;
  }

  /** Hosts by name, for links. */
  get hosts(): ReadonlyMap<string, DemandHost> {
    return this.#hosts;
  }

  /** Takes over a list of demands: new ones begin, changed ones go on, missing ones end. */
  configure(demands: readonly PreparedDemand[]): void {
    const named = new Set(demands.map((demand) => demand.name));
    for (const [name, host] of this.#hosts) {
      if (!named.has(name)) {
        this.#hosts.delete(name);
        host.close("DEMAND_REMOVED", `the demand ${name} was removed`);
      }
    }
    for (const demand of demands) {
      this.#take(demand);
    }
    this.#components.onChange();
  }

  demands(): readonly DemandView[] {
    return [...this.#hosts.values()].map((host) => host.view());
  }

  demand(name: string): Result<DemandView> {
    const host = this.#hosts.get(name);
    return host === undefined ? this.#unknown(name) : { ok: true, value: host.view() };
  }

  add(
    demand: string,
    request: Uint8Array,
    options: AddOptions,
    signal?: AbortSignal,
  ): Promise<Result<{ readonly ticket: string; readonly state: ItemState }>> {
    const host = this.#hosts.get(demand);
    return host === undefined
      ? Promise.resolve(this.#unknown(demand))
      : host.add(request, options, signal);
  }

  item(ticket: string): Result<ItemView> {
    const found = this.#find(ticket);
    return found.ok ? { ok: true, value: found.value.item } : found;
  }

  items(demand: string, { after, ...query }: ItemsQuery): Result<ItemsPage> {
    const host = this.#hosts.get(demand);
    if (host === undefined) return this.#unknown(demand);
    if (after === undefined) return { ok: true, value: host.list(query) };
    const { self, sequences } = this.#components;
    const resolved = resolveTicket(after, self, sequences);
    return resolved.ok
      ? { ok: true, value: host.list({ ...query, after: resolved.value }) }
      : unusableCursor;
  }

  explain(ticket: string): Result<ExplanationView> {
    const found = this.#find(ticket);
    if (!found.ok) return found;
    const { host, sequence } = found.value;
    const explanation = host.explain(sequence);
    return explanation === undefined
      ? { ok: false, refusal: droppedOutcome() }
      : { ok: true, value: explanation };
  }

  async waitForItem(
    ticket: string,
    waitMs: number,
    signal?: AbortSignal,
  ): Promise<Result<ItemView>> {
    const now = this.item(ticket);
    if (!now.ok || now.value.outcome !== undefined || waitMs <= 0) {
      return now;
    }
    if (this.#components.waiters.full) {
      return refusal("TOO_MANY_WAITERS", "Too many calls wait for an outcome. Ask again later.");
    }
    const ended = await this.#components.waiters.wait(ticket, waitMs, signal);
    return ended === undefined ? this.item(ticket) : { ok: true, value: ended };
  }

  cancel(ticket: string): Promise<Result<ItemView>> {
    const found = this.#find(ticket);
    if (!found.ok) return Promise.resolve(found);
    return found.value.host.cancel(found.value.sequence);
  }

  subscribeOutcomes(
    demand: string,
    options: { readonly submitter?: string; readonly afterId?: string },
    listener: (event: OutcomeEvent) => void,
  ): Result<Unsubscribe> {
    const host = this.#hosts.get(demand);
    return host === undefined
      ? this.#unknown(demand)
      : { ok: true, value: host.outcomes.subscribe(options, listener) };
  }

  /** Stops accepting; resolves when nothing is pending in any queue. */
  async drain(): Promise<void> {
    await Promise.all([...this.#hosts.values()].map((host) => host.drain()));
  }

  /** Ends every queue. */
  close(reason: string): void {
    for (const host of this.#hosts.values()) {
      host.close("SHUTDOWN", reason);
    }
    this.#hosts.clear();
    this.#components.waiters.wakeAll();
  }

  #take(demand: PreparedDemand): void {
    const host = this.#hosts.get(demand.name);
    if (host !== undefined) {
      host.configure(demand);
      return;
    }
    this.#hosts.set(
      demand.name,
      new DemandHost(demand, this.#components, {
        providersChanged: this.#components.onChange,
        ended: (ticket, viewOf) => {
          this.#components.waiters.wake(ticket, viewOf);
        },
      }),
    );
  }

  #find(
    ticket: string,
  ): Result<{ readonly host: DemandHost; readonly sequence: number; readonly item: ItemView }> {
    const { self, sequences } = this.#components;
    const resolved = resolveTicket(ticket, self, sequences);
    if (!resolved.ok) {
      return resolved;
    }
    for (const host of this.#hosts.values()) {
      const item = host.item(resolved.value);
      if (item !== undefined) {
        return { ok: true, value: { host, sequence: resolved.value, item } };
      }
    }
    return { ok: false, refusal: droppedOutcome() };
  }

  #unknown(name: string): ReturnType<typeof refusal> {
    const known = [...this.#hosts.keys()].slice(0, 10).join(", ") || "none";
    return refusal(
      "UNKNOWN_DEMAND",
      `This pod has no demand ${name}; it has: ${known}. Check the name and the Demand's selector.`,
    );
  }
}

const unusableCursor = {
  ok: false,
  refusal: {
    code: "INVALID_ARGUMENT",
    detail: "The cursor is not of this queue as it is now. Begin the list again without a cursor.",
    fieldPath: "query.cursor",
  },
} as const;
