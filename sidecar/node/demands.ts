/** All Demands of this node: the producer's half of the API. */
import type { DemandConfig } from "../../proto/gen/spillway/control/v1/node_config_pb.ts";
import type {
  AddOptions,
  DemandView,
  ItemState,
  ItemView,
  OutcomeEvent,
  ProducerService,
  Result,
  Unsubscribe,
} from "../api/ports.ts";
import { droppedOutcome, resolveTicket } from "../core/work/index.ts";
import type { Contracts } from "./contracts.ts";
import { DemandHost } from "./demand-host.ts";
import type { HostComponents } from "./host-components.ts";
import type { OutcomeWaiters } from "./outcome-waiters.ts";
import { refusal } from "./refusal.ts";
import { demandOptionsOf } from "./work-options.ts";

/** What the demands need beside what every host needs. */
export interface DemandsComponents extends HostComponents {
  readonly contracts: Contracts;
  readonly waiters: OutcomeWaiters;
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

  /**
   * Takes over a list of demands: new ones begin, changed ones go on, missing ones end.
   * @throws {WorkError} `INVALID_OPTION`.
   */
  configure(configs: readonly DemandConfig[]): void {
    const named = new Set(configs.map((config) => config.name));
    for (const [name, host] of this.#hosts) {
      if (!named.has(name)) {
        this.#hosts.delete(name);
        host.close("DEMAND_REMOVED", `the demand ${name} was removed`);
      }
    }
    for (const config of configs) {
      this.#take(config);
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

  async add(
    demand: string,
    request: Uint8Array,
    options: AddOptions,
    signal?: AbortSignal,
  ): Promise<Result<{ readonly ticket: string; readonly state: ItemState }>> {
    const host = this.#hosts.get(demand);
    return host === undefined ? this.#unknown(demand) : host.add(request, options, signal);
  }

  item(ticket: string): Result<ItemView> {
    const found = this.#find(ticket);
    return found.ok ? { ok: true, value: found.value.item } : found;
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
    await this.#components.waiters.wait(ticket, waitMs, signal);
    return this.item(ticket);
  }

  async cancel(ticket: string): Promise<Result<ItemView>> {
    const found = this.#find(ticket);
    if (!found.ok) {
      return found;
    }
    const cancelled = await found.value.host.cancel(found.value.sequence);
    return cancelled.ok ? this.item(ticket) : cancelled;
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

  #take(config: DemandConfig): void {
    const { contracts } = this.#components;
    const contract = contracts.get(config.contract);
    const options = demandOptionsOf(config);
    const host = this.#hosts.get(config.name);
    if (host !== undefined) {
      host.configure(contract.work, options);
      return;
    }
    this.#hosts.set(
      config.name,
      new DemandHost(
        {
          name: config.name,
          contract: contract.work,
          options,
          checkResult: (result) => sentenceOf(contracts.get(config.contract), result),
        },
        this.#components,
        {
          providersChanged: this.#components.onChange,
          ended: (ticket) => {
            this.#components.waiters.wake(ticket);
          },
        },
      ),
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

function sentenceOf(
  contract: ReturnType<Contracts["get"]>,
  result: Uint8Array,
): string | undefined {
  const failure = contract.resolved.response.check(result);
  if (failure === undefined) {
    return undefined;
  }
  const field = failure.fieldPath === "" ? "" : ` field ${failure.fieldPath}`;
  return `the result is no ${failure.typeName}:${field} ${failure.rule}`;
}
