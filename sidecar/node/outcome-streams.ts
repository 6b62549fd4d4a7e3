/**
 * The outcomes of one demand for whoever listens. The queue numbers and keeps them; here they get
 * ids that a reader resumes from, also after a restart of the node.
 */
import type { ItemView, OutcomeEvent, Unsubscribe } from "../api/ports.ts";
import type { ItemSnapshot, OutcomeEntry } from "../core/work/index.ts";

/** What the streams read. */
export interface OutcomeSource {
  /** Outcomes after a number as far as they are kept, oldest first, at most `limit`. */
  outcomes(after: number, limit: number): readonly OutcomeEntry[];
}

/** What the streams need from the node. */
export interface OutcomeStreamsComponents {
  /** Makes ids of another start of the node recognisable. */
  readonly incarnation: number;
  readonly source: OutcomeSource;
  readonly viewOf: (item: ItemSnapshot) => ItemView;
}

interface Subscriber {
  readonly submitter: string | undefined;
  readonly listener: (event: OutcomeEvent) => void;
}

/** Entries read from the queue at once while replaying. */
const replayPage = 1_000;

/** Replays kept outcomes and hands on new ones. */
export class OutcomeStreams {
  readonly #components: OutcomeStreamsComponents;
  readonly #idPrefix: string;
  readonly #subscribers = new Set<Subscriber>();

  constructor(components: OutcomeStreamsComponents) {
    this.#components = components;
    this.#idPrefix = components.incarnation.toString(36);
  }

  /** Tells whoever listens. */
  append(entry: OutcomeEntry): void {
    for (const subscriber of this.#subscribers) {
      this.#tell(subscriber, entry);
    }
  }

  /**
   * Replays what came after `afterId` and is still kept, then tells of each new outcome.
   * @param options.afterId id of an earlier event; one of another start replays all that is kept.
   */
  subscribe(
    options: { readonly submitter?: string; readonly afterId?: string },
    listener: (event: OutcomeEvent) => void,
  ): Unsubscribe {
    const subscriber: Subscriber = { submitter: options.submitter, listener };
    if (options.afterId !== undefined) {
      this.#replay(subscriber, this.#numberOf(options.afterId));
    }
    this.#subscribers.add(subscriber);
    return () => {
      this.#subscribers.delete(subscriber);
    };
  }

  #replay(subscriber: Subscriber, after: number): void {
    let last = after;
    for (;;) {
      const page = this.#components.source.outcomes(last, replayPage);
      for (const entry of page) {
        this.#tell(subscriber, entry);
      }
      const end = page.at(-1);
      if (end === undefined || page.length < replayPage) {
        return;
      }
      last = end.number;
    }
  }

  #tell(subscriber: Subscriber, { number, item }: OutcomeEntry): void {
    if (subscriber.submitter !== undefined && subscriber.submitter !== item.submitter) {
      return;
    }
    const id = `${this.#idPrefix}-${number.toString(36)}`;
    subscriber.listener({ id, item: this.#components.viewOf(item) });
  }

  #numberOf(id: string): number {
    const [incarnation, number] = id.split("-");
    const known = Number.parseInt(incarnation ?? "", 36) === this.#components.incarnation;
    const parsed = Number.parseInt(number ?? "", 36);
    return known && Number.isSafeInteger(parsed) ? parsed : 0;
  }
}
