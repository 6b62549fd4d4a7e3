/** A Demand's queue on the node of this process. */
import { randomUUID } from "node:crypto";
import type {
  AddOptions,
  ItemView,
  NodeService,
  OutcomeView,
  Unsubscribe,
} from "../../api/ports.ts";
import { assertNever } from "../../core/ports.ts";
import type { CarriedOutcome } from "../outcome.ts";
import { SdkError } from "../sdk-error.ts";
import type { AddAnswer, DemandLink, DemandListener, DemandSpec } from "../work-backend.ts";
import type { NodeDoor } from "./embedded-node.ts";

/** One Demand on a NodeService. */
export class EmbeddedDemandLink implements DemandLink {
  readonly #spec: DemandSpec;
  readonly #listener: DemandListener;
  readonly #door: NodeDoor;
  readonly #submitter = randomUUID();
  #opening: Promise<NodeService> | undefined;
  #unsubscribe: Unsubscribe | undefined;

  constructor(spec: DemandSpec, listener: DemandListener, door: NodeDoor) {
    this.#spec = spec;
    this.#listener = listener;
    this.#door = door;
  }

  async announce(): Promise<void> {
    await this.#open();
  }

  async add(request: Uint8Array, options: AddOptions, signal: AbortSignal): Promise<AddAnswer> {
    let service: NodeService;
    try {
      service = await this.#open();
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      return { ok: false, refusal: { code: "NODE_FAILED", message } };
    }
    const submitted = { ...options, submitter: this.#submitter };
    const added = await service.add(this.#spec.name, request, submitted, signal);
    if (!added.ok) {
      const { code, detail } = added.refusal;
      return { ok: false, refusal: { code, message: detail } };
    }
    const { ticket } = added.value;
    if (options.idempotencyKey !== undefined) {
      // Its outcome may have been told to another submitter, or before. Not before the caller has
      // the ticket: an outcome of a ticket that has ended once would be taken for a second telling.
      setImmediate(() => void this.#follow(service, ticket, signal));
    }
    return { ok: true, ticket };
  }

  async cancel(ticket: string): Promise<void> {
    await (await this.#opening)?.cancel(ticket);
  }

  async close(): Promise<void> {
    this.#unsubscribe?.();
    await this.#opening?.catch(() => undefined);
    await this.#door.leave();
  }

  #open(): Promise<NodeService> {
    this.#opening ??= this.#subscribe();
    return this.#opening;
  }

  async #subscribe(): Promise<NodeService> {
    const service = await this.#door.open();
    const subscribed = service.subscribeOutcomes(
      this.#spec.name,
      { submitter: this.#submitter },
      (event) => this.#tell(event.item),
    );
    if (!subscribed.ok) {
      throw new SdkError("NODE_FAILED", subscribed.refusal.detail);
    }
    this.#unsubscribe = subscribed.value;
    return service;
  }

  async #follow(service: NodeService, ticket: string, signal: AbortSignal): Promise<void> {
    for (;;) {
      const item = await service.waitForItem(ticket, 300_000, signal);
      if (!item.ok || signal.aborted) {
        return;
      }
      if (item.value.outcome !== undefined) {
        this.#tell(item.value);
        return;
      }
    }
  }

  #tell(item: ItemView): void {
    if (item.outcome !== undefined) {
      this.#listener.onOutcome(item.ticket, carried(item.outcome, item.provider));
    }
  }
}

function carried(outcome: OutcomeView, provider: string | undefined): CarriedOutcome {
  const from = { run: outcome.run, ...(provider === undefined ? {} : { provider }) };
  switch (outcome.kind) {
    case "result":
      return { ...from, kind: "result", result: { encoding: "binary", bytes: outcome.result } };
    case "error":
      return { ...from, kind: "error", error: outcome.error };
    case "system":
      return { ...from, kind: "system", system: outcome.system };
    default:
      return assertNever(outcome);
  }
}
