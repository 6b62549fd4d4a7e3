/** The producer's side: items go out, outcomes come back. */
import type { Message } from "@bufbuild/protobuf";
import type { AddOptions } from "../api/ports.ts";
import { descriptorSetOf, messageCodec } from "../wire/message-codec.ts";
import type { MessageCodec, MessageInput } from "../wire/message-codec.ts";
import { Activity } from "./activity.ts";
import { resolveGraceMs, type CloseOptions } from "./close-options.ts";
import { checkName, defaultName } from "./default-name.ts";
import { resolveDemandSettings, type DemandOptions } from "./demand-options.ts";
import { decodeOutcome, systemOutcome } from "./outcome.ts";
import type { CarriedOutcome, Outcome, SystemError } from "./outcome.ts";
import { thisProgram, type BackendHold, type Host } from "./program.ts";
import { SdkError } from "./sdk-error.ts";
import { TicketBook } from "./ticket-book.ts";
import { TicketEntry, type Ticket } from "./ticket.ts";
import type { AddAnswer, DemandLink, DemandSpec } from "./work-backend.ts";

/** How an item is to be handled; all durations in ms from now. */
export type WorkItemOptions = Omit<AddOptions, "submitter">;

/** What a handler is told beyond the item and its outcome. */
export interface HandlerContext {
  /** The item's public id; undefined when it was refused. */
  readonly ticket: string | undefined;
}

/** Takes each outcome once for each run of an item. What it throws becomes a warning. */
export type OutcomeHandler<Req extends Message, Res extends Message> = (
  item: Req,
  outcome: Outcome<Res>,
  context: HandlerContext,
) => void | Promise<void>;

/** After the grace of `close`, handlers of tickets that end by it get this long, ms. */
const handlerGraceMs = 1_000;

const closedOutcome = {
  run: 0,
  kind: "system",
  system: {
    code: "DEMAND_CLOSED",
    message: "The Demand was closed by its program before the outcome came.",
  },
} as const satisfies CarriedOutcome;

/** A queue of items of one type that wait for providers. */
export class Demand<Req extends Message, Res extends Message> {
  /** Name in manifests and status. */
  readonly name: string;
  /**
   * Resolves once items are taken; never rejects while the Demand is open, since what is missing
   * (a sidecar, a manifest) may come. Rejects with an SdkError when it is closed before.
   */
  readonly announced: Promise<void>;
  readonly #announced = Promise.withResolvers<void>();
  readonly #linked = Promise.withResolvers<DemandLink | undefined>();
  readonly #request: MessageCodec<Req>;
  readonly #response: MessageCodec<Res>;
  readonly #spec: DemandSpec;
  readonly #host: Host;
  readonly #book = new TicketBook<TicketEntry<Req, Res>>();
  readonly #activity = new Activity();
  readonly #closing = new AbortController();
  #handler: OutcomeHandler<Req, Res> | undefined;
  #hold: BackendHold | undefined;
  #link: DemandLink | undefined;
  #accepting = true;
  /** What waits to be handed over, or for the answer to that. */
  readonly #adding = { count: 0, bytes: 0 };
  /** Last add of each ordering key that is under way. */
  readonly #chains = new Map<string, Promise<AddAnswer>>();
  #closed: Promise<void> | undefined;

  /**
   * @param host the program it belongs to; tests pass their own.
   * @throws {SdkError} `INVALID_OPTION` naming the option, its value and its bound.
   */
  constructor(options: DemandOptions<Req, Res>, host: Host = thisProgram) {
    const { request, response } = options;
    this.#request = messageCodec(request);
    this.#response = messageCodec(response);
    this.name = checkName(options.name ?? defaultName(request.typeName));
    this.#spec = {
      name: this.name,
      contract: {
        request: request.typeName,
        response: response.typeName,
        descriptorSet: () => descriptorSetOf([request, response]),
      },
      settings: resolveDemandSettings(options),
    };
    this.#host = host;
    this.announced = this.#announced.promise;
    this.announced.catch(() => undefined);
  }

  /** Sets the one handler of outcomes. Set it before the first item. */
  handler(handler: OutcomeHandler<Req, Res>): this {
    this.#handler = handler;
    return this;
  }

  /**
   * Makes the queue known to providers and lets items out. Extra calls are harmless.
   * @throws {SdkError} `NOT_CONFIGURED`.
   */
  announce(): void {
    if (this.#link !== undefined || !this.#accepting) {
      return;
    }
    const hold = this.#host.acquire();
    this.#hold = hold;
    this.#link = hold.backend.openDemand(this.#spec, {
      onOutcome: (ticket, outcome) => this.#onOutcome(ticket, outcome),
      openTickets: () => this.#book.openTickets(),
    });
    this.#linked.resolve(this.#link);
    this.#link.announce().then(this.#announced.resolve, this.#announced.reject);
  }

  /**
   * Adds an item; it waits here until `announce`. Items with one `orderingKey` are handed over in
   * the order of the calls.
   * @param request a message, or a plain object with its fields.
   * @returns at once. A refusal is a system outcome, of the ticket and at the handler.
   */
  addWorkItem(request: MessageInput<Req>, options: WorkItemOptions = {}): Ticket<Res> {
    const entry = new TicketEntry<Req, Res>(this.#request.create(request));
    this.#activity.begin();
    const bytes = this.#encode(entry.request);
    if (bytes instanceof Uint8Array) {
      void this.#submit(entry, bytes, options);
    } else {
      // Not in this turn: its handler would run before the caller has the ticket.
      queueMicrotask(() => this.#settle(entry, bytes, undefined));
    }
    return entry.ticket;
  }

  /**
   * Takes no more items, waits for the outcomes of those it has, then stops watching. With a
   * sidecar, items that are still open go on there; their tickets end here as `DEMAND_CLOSED`.
   * @throws {SdkError} `INVALID_OPTION`.
   */
  close(options: CloseOptions = {}): Promise<void> {
    const graceMs = resolveGraceMs(options);
    this.#accepting = false;
    this.#closed ??= this.#close(graceMs);
    return this.#closed;
  }

  /** `close()` with the default grace, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(graceMs: number): Promise<void> {
    if (this.#link !== undefined) {
      await this.#activity.whenIdle(graceMs);
    }
    this.#closing.abort();
    this.#linked.resolve(undefined);
    for (const [ticket, entry] of this.#book.takeAll()) {
      this.#settle(entry, closedOutcome, ticket);
    }
    this.#announced.reject(new SdkError("CLOSED", closedOutcome.system.message));
    await this.#link?.close();
    // The handlers of what was settled just now.
    await this.#activity.whenIdle(handlerGraceMs);
    await this.#hold?.release();
  }

  #encode(request: Req): Uint8Array | CarriedOutcome {
    try {
      return this.#request.toBinary(request);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return systemOutcome(
        "INVALID_PAYLOAD",
        `The item is no ${this.#request.typeName}: ${reason}.`,
      );
    }
  }

  /** Hands one item over and keeps its entry until the outcome comes. Never rejects. */
  async #submit(
    entry: TicketEntry<Req, Res>,
    bytes: Uint8Array,
    options: WorkItemOptions,
  ): Promise<void> {
    this.#adding.count += 1;
    this.#adding.bytes += bytes.length;
    this.#book.adding();
    const answer = await this.#addInOrder(entry, bytes, options);
    this.#adding.count -= 1;
    this.#adding.bytes -= bytes.length;
    if (!answer.ok) {
      this.#book.refused();
      const { code, message } = answer.refusal;
      this.#settle(entry, systemOutcome(code, message), undefined);
      return;
    }
    const { ticket } = answer;
    const early = this.#book.added(ticket, entry);
    entry.taken(ticket);
    if (early !== undefined) {
      this.#onOutcome(ticket, early);
      return;
    }
    onAbort(entry.cancelled, () => void this.#link?.cancel(ticket));
  }

  #addInOrder(
    entry: TicketEntry<Req, Res>,
    bytes: Uint8Array,
    options: WorkItemOptions,
  ): Promise<AddAnswer> {
    const refusal = this.#localRefusal();
    if (refusal !== undefined) {
      return Promise.resolve({ ok: false, refusal });
    }
    const key = options.orderingKey;
    const add = (): Promise<AddAnswer> => this.#add(entry, bytes, options);
    if (key === undefined) {
      return add();
    }
    const answer = (this.#chains.get(key) ?? Promise.resolve()).then(add);
    this.#chains.set(key, answer);
    void answer.then(() => {
      if (this.#chains.get(key) === answer) {
        this.#chains.delete(key);
      }
    });
    return answer;
  }

  async #add(
    entry: TicketEntry<Req, Res>,
    bytes: Uint8Array,
    options: WorkItemOptions,
  ): Promise<AddAnswer> {
    const cancelled = Promise.withResolvers<"cancelled">();
    onAbort(entry.cancelled, () => cancelled.resolve("cancelled"));
    const link = await Promise.race([this.#linked.promise, cancelled.promise]);
    if (link === "cancelled" || entry.cancelled.aborted) {
      const message = "The item was cancelled before it was handed over.";
      return { ok: false, refusal: { code: "CANCELLED", message } };
    }
    if (link === undefined) {
      return { ok: false, refusal: closedOutcome.system };
    }
    const answer = await link.add(bytes, options, this.#closing.signal);
    return answer.ok || !this.#closing.signal.aborted
      ? answer
      : { ok: false, refusal: closedOutcome.system };
  }

  /** What this object itself refuses: it is closed, or too much waits to be handed over. */
  #localRefusal(): SystemError | undefined {
    const { maxItems, maxBytes } = this.#spec.settings.queue;
    const { count, bytes } = this.#adding;
    if (!this.#accepting) {
      return closedOutcome.system;
    }
    if (count <= maxItems && bytes <= maxBytes) {
      return undefined;
    }
    const message =
      `${count} items of ${bytes} bytes wait to be handed over, more than queue.maxItems ` +
      `${maxItems} or queue.maxBytes ${maxBytes}. Add fewer at a time.`;
    return { code: "QUEUE_FULL", message };
  }

  #onOutcome(ticket: string, carried: CarriedOutcome): void {
    const ended = this.#book.outcome(ticket, carried);
    ended?.entries.forEach((entry, index) => {
      // Two calls with one idempotency key are one item: the handler sees it once.
      this.#settle(entry, carried, ticket, ended.firstTold && index === 0);
    });
  }

  #settle(
    entry: TicketEntry<Req, Res>,
    carried: CarriedOutcome,
    ticket: string | undefined,
    tell = true,
  ): void {
    const outcome = decodeOutcome(this.#response, carried);
    entry.settle(outcome);
    if (!tell) {
      this.#activity.end();
      return;
    }
    void this.#tell(entry.request, outcome, ticket).finally(() => this.#activity.end());
  }

  async #tell(item: Req, outcome: Outcome<Res>, ticket: string | undefined): Promise<void> {
    try {
      await this.#handler?.(item, outcome, { ticket });
    } catch (error) {
      const message = `The handler of demand ${this.name} failed for item ${ticket ?? "(refused)"}.`;
      this.#host.warn({ code: "HANDLER_FAILED", message, cause: error });
    }
  }
}

function onAbort(signal: AbortSignal, listener: () => void): void {
  if (signal.aborted) {
    listener();
  } else {
    signal.addEventListener("abort", listener, { once: true });
  }
}
