/**
 * The outcomes of one demand in the order in which they happened, for streams that resume. Only
 * (position, ticket) is kept here; the outcome itself is kept by the queue, by its own bounds.
 */
import type { ItemView, OutcomeEvent, Unsubscribe } from "../api/ports.ts";

interface Entry {
  readonly position: number;
  readonly ticket: string;
  readonly submitter: string;
}

interface Subscriber {
  readonly submitter: string | undefined;
  readonly listener: (event: OutcomeEvent) => void;
}

/** What the log needs from the node. */
export interface OutcomeLogComponents {
  /** Makes ids of another start of the node recognisable. */
  readonly incarnation: number;
  /** @returns the item with its outcome, or undefined when that is no longer kept. */
  readonly item: (ticket: string) => ItemView | undefined;
}

/** Appends outcomes, replays them, tells subscribers. */
export class OutcomeLog {
  readonly #components: OutcomeLogComponents;
  readonly #maxEntries: number;
  readonly #subscribers = new Set<Subscriber>();
  #entries: Entry[] = [];
  #position = 0;

  /** @param maxEntries positions kept; a resume from an older one begins at the oldest kept. */
  constructor(components: OutcomeLogComponents, maxEntries: number) {
    this.#components = components;
    this.#maxEntries = maxEntries;
  }

  /** Records that a run of the ticket has ended, and tells whoever listens. */
  append(ticket: string, submitter: string): void {
    this.#position += 1;
    const entry = { position: this.#position, ticket, submitter };
    this.#entries.push(entry);
    // Cut in halves, so that a cut is rare and appending stays cheap.
    if (this.#entries.length > this.#maxEntries * 2) {
      this.#entries = this.#entries.slice(-this.#maxEntries);
    }
    for (const subscriber of this.#subscribers) {
      this.#tell(subscriber, entry);
    }
  }

  /**
   * Replays what came after `afterId` and is still kept, then tells of each new outcome.
   * @param options.afterId an id of an earlier event; one of another start replays all that is kept.
   */
  subscribe(
    options: { readonly submitter?: string; readonly afterId?: string },
    listener: (event: OutcomeEvent) => void,
  ): Unsubscribe {
    const subscriber: Subscriber = { submitter: options.submitter, listener };
    if (options.afterId !== undefined) {
      const after = this.#positionOf(options.afterId);
      for (const entry of this.#entries) {
        if (entry.position > after) this.#tell(subscriber, entry);
      }
    }
    this.#subscribers.add(subscriber);
    return () => {
      this.#subscribers.delete(subscriber);
    };
  }

  #tell(subscriber: Subscriber, entry: Entry): void {
    if (subscriber.submitter !== undefined && subscriber.submitter !== entry.submitter) {
      return;
    }
    const item = this.#components.item(entry.ticket);
    if (item?.outcome === undefined) {
      return;
    }
    const id = `${this.#components.incarnation.toString(36)}-${entry.position.toString(36)}`;
    subscriber.listener({ id, item });
  }

  #positionOf(id: string): number {
    const [incarnation, position] = id.split("-");
    const known = Number.parseInt(incarnation ?? "", 36) === this.#components.incarnation;
    const parsed = Number.parseInt(position ?? "", 36);
    return known && Number.isSafeInteger(parsed) ? parsed : 0;
  }
}
