/**
 * Items that are granted in one turn of the event loop go out as one Deliver per link, as the
 * engine would send them had it been given all inputs of the turn at once. A chunk of completed
 * items frees as many places, each filled by a grant of its own.
 */
import {
  type Deliver,
  SettledStatus,
  type ToProvider,
} from "../../proto/gen/spillway/work/v1/work_pb.ts";
import type { Turns } from "../transport/index.ts";
import type { LinkId } from "./links.ts";

/** A Deliver holds at most this many items and bytes of requests, as the engine's own. */
const maxItems = 256;
const maxBytes = 1_048_576;

interface Held {
  readonly message: ToProvider;
  readonly deliver: Deliver;
  sizeBytes: number;
}

/** What the deliveries of a demand work with. */
export interface TurnDeliveriesComponents {
  readonly turns: Turns;
  readonly send: (link: LinkId, message: ToProvider) => void;
}

/** Sends what a demand says; deliveries wait for the end of the turn, if one was begun. */
export class TurnDeliveries {
  readonly #components: TurnDeliveriesComponents;
  readonly #held = new Map<LinkId, Held>();
  #begun = false;

  constructor(components: TurnDeliveriesComponents) {
    this.#components = components;
  }

  /** To be called before the engine gets an input that may grant: lanes flush after it then. */
  begin(): void {
    if (this.#begun) return;
    this.#begun = true;
    this.#components.turns.afterTurn(this.#end);
  }

  /** Sends a message after every delivery that it could speak of. */
  send(link: LinkId, message: ToProvider): void {
    const { kind } = message;
    if (kind.case === "deliver" && this.#begun) {
      this.#hold(link, message, kind.value);
      return;
    }
    // An accepted verb is of an item that went out in an earlier turn.
    const independent = kind.case === "settled" && kind.value.status === SettledStatus.ACCEPTED;
    if (!independent) this.flush(link);
    this.#components.send(link, message);
  }

  /** Sends what is held for a link. */
  flush(link: LinkId): void {
    const held = this.#held.get(link);
    if (held === undefined) return;
    this.#held.delete(link);
    this.#components.send(link, held.message);
  }

  /** Sends all that is held. */
  flushAll(): void {
    for (const link of this.#held.keys()) this.flush(link);
  }

  #hold(link: LinkId, message: ToProvider, deliver: Deliver): void {
    let sizeBytes = 0;
    for (const { request } of deliver.items) sizeBytes += request.length;
    const held = this.#held.get(link);
    if (held !== undefined) {
      const fits =
        held.deliver.items.length + deliver.items.length <= maxItems &&
        held.sizeBytes + sizeBytes <= maxBytes;
      if (fits) {
        held.deliver.items.push(...deliver.items);
        held.sizeBytes += sizeBytes;
        return;
      }
      this.flush(link);
    }
    this.#held.set(link, { message, deliver, sizeBytes });
  }

  readonly #end = (): void => {
    this.#begun = false;
    this.flushAll();
  };
}
