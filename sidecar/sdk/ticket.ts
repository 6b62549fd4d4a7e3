/** What `addWorkItem` hands back at once, before the item has been taken. */
import type { Message } from "@bufbuild/protobuf";
import type { Outcome } from "./outcome.ts";
import { SdkError } from "./sdk-error.ts";

/**
 * A promise of an id and of an outcome. Not thenable: `await ticket` gives the ticket, not its
 * outcome. Neither promise ends the process when nobody awaits it.
 */
export interface Ticket<Res extends Message> {
  /** The item's public id. Rejects with an SdkError `ITEM_REFUSED` when it was not taken. */
  readonly id: Promise<string>;
  /** Never rejects: what went wrong is an outcome. */
  readonly outcome: Promise<Outcome<Res>>;
  /** Asks for the item's end. The outcome tells whether it came in time (`CANCELLED`) or not. */
  cancel(): void;
}

/** The other side of a Ticket: what the Demand does with it. */
export class TicketEntry<Req extends Message, Res extends Message> {
  readonly request: Req;
  readonly ticket: Ticket<Res>;
  /** Aborts when `cancel` is called. */
  readonly cancelled: AbortSignal;
  readonly #id = Promise.withResolvers<string>();
  readonly #outcome = Promise.withResolvers<Outcome<Res>>();

  constructor(request: Req) {
    const abort = new AbortController();
    this.request = request;
    this.cancelled = abort.signal;
    // A caller may use neither promise: a refused id must not become an unhandled rejection.
    this.#id.promise.catch(() => undefined);
    this.ticket = Object.freeze({
      id: this.#id.promise,
      outcome: this.#outcome.promise,
      cancel: () => abort.abort(),
    });
  }

  /** The item was taken. */
  taken(id: string): void {
    this.#id.resolve(id);
  }

  /** The item ended, or was refused before it had an id. */
  settle(outcome: Outcome<Res>): void {
    if (outcome.kind === "system") {
      const { code, message } = outcome.system;
      // No effect when the id is known.
      this.#id.reject(new SdkError("ITEM_REFUSED", message, { refusal: { code, message } }));
    }
    this.#outcome.resolve(outcome);
  }
}
