/** Which event stream hears of the end of which lease: presences of application processes. */
import type { EventStream } from "./event-stream.ts";
import type { ProviderService, Unsubscribe } from "./ports.ts";

interface Presence {
  readonly stream: EventStream;
  readonly leases: Map<string, Unsubscribe>;
}

/** The open presences. */
export class PresenceBook {
  readonly #node: Pick<ProviderService, "onLeaseEnded">;
  readonly #open = new Map<string, Presence>();
  readonly #presenceOf = new Map<string, string>();

  constructor(node: Pick<ProviderService, "onLeaseEnded">) {
    this.#node = node;
  }

  /** Begins to tell `stream` of leases pulled under this presence. */
  open(id: string, stream: EventStream): void {
    this.#open.set(id, { stream, leases: new Map() });
  }

  /** Forgets the presence and what it holds. */
  close(id: string): void {
    const presence = this.#open.get(id);
    this.#open.delete(id);
    for (const [lease, unsubscribe] of presence?.leases ?? []) {
      this.#presenceOf.delete(lease);
      unsubscribe();
    }
  }

  /** A pull under this presence got the lease: its end becomes an event `lease-ended`. */
  granted(id: string, lease: string): void {
    const presence = this.#open.get(id);
    if (presence === undefined) return;
    this.#presenceOf.set(lease, id);
    const unsubscribe = this.#node.onLeaseEnded(lease, (reason) => {
      this.settled(lease);
      presence.stream.push(() => ({ event: "lease-ended", data: { lease, reason } }));
    });
    presence.leases.set(lease, unsubscribe);
  }

  /** The application itself ended the lease: nothing is to be told of it. */
  settled(lease: string): void {
    const id = this.#presenceOf.get(lease);
    if (id === undefined) return;
    this.#presenceOf.delete(lease);
    const leases = this.#open.get(id)?.leases;
    leases?.get(lease)?.();
    leases?.delete(lease);
  }
}
