/** A Capability's source of work on the node of this process. */
import type { LeaseVerb, NodeService, PulledItem, Refusal, Unsubscribe } from "../../api/ports.ts";
import { Retry } from "../retry.ts";
import { SdkError } from "../sdk-error.ts";
import type { WarningListener } from "../warning.ts";
import type {
  CapabilityLink,
  CapabilityListener,
  CapabilitySpec,
  Delivery,
  SettleAnswer,
} from "../work-backend.ts";
import type { NodeDoor } from "./embedded-node.ts";

/** How long a pull waits for the first item. */
const pullWaitMs = 30_000;
/** The node gives this capability no item ever again: it was removed, or is ending. */
const finalCodes: ReadonlySet<string> = new Set(["UNKNOWN_CAPABILITY", "DRAINING"]);

interface Presence {
  readonly service: NodeService;
  readonly id: string;
  readonly close: () => void;
}

/** One Capability on a NodeService. */
export class EmbeddedCapabilityLink implements CapabilityLink {
  readonly #spec: CapabilitySpec;
  readonly #listener: CapabilityListener;
  readonly #door: NodeDoor & { readonly warn: WarningListener };
  readonly #watched = new Map<string, Unsubscribe>();
  readonly #closing = new AbortController();
  #presence: Promise<Presence | undefined>;
  /** Code of the refusal that was told last; undefined once a pull was answered. */
  #refused: string | undefined;

  constructor(
    spec: CapabilitySpec,
    listener: CapabilityListener,
    door: NodeDoor & { readonly warn: WarningListener },
  ) {
    this.#spec = spec;
    this.#listener = listener;
    this.#door = door;
    this.#presence = this.#open();
  }

  async pull(signal: AbortSignal): Promise<Delivery | undefined> {
    const stop = AbortSignal.any([signal, this.#closing.signal]);
    const retry = new Retry(stop);
    while (!stop.aborted) {
      const presence = await this.#presence;
      if (presence === undefined) {
        // The node never started, which was told; nothing will come.
        await aborted(stop);
        return undefined;
      }
      const options = { max: 1, waitMs: pullWaitMs, presence: presence.id };
      const pulled = await presence.service.pull(this.#spec.name, options, stop);
      if (pulled.ok) {
        this.#refused = undefined;
        const [item] = pulled.value;
        return item === undefined ? undefined : this.#deliver(presence.service, item);
      }
      const { code, retryAfterMs } = pulled.refusal;
      this.#tell(pulled.refusal);
      if (finalCodes.has(code)) {
        await aborted(stop);
        return undefined;
      }
      if (code === "UNKNOWN_PRESENCE" && (await this.#presence) === presence) {
        this.#presence = this.#open();
      }
      await retry.wait(retryAfterMs);
    }
    return undefined;
  }

  async settle(lease: string, verb: LeaseVerb): Promise<SettleAnswer> {
    const presence = await this.#presence;
    if (presence === undefined) {
      return { ok: false, code: "NODE_FAILED", message: "The embedded node did not start." };
    }
    const settled = await presence.service.settle(lease, verb);
    if (verb.verb !== "heartbeat") {
      this.#watched.get(lease)?.();
      this.#watched.delete(lease);
    }
    return settled.ok
      ? { ok: true, cancelled: settled.value.cancelled }
      : { ok: false, code: settled.refusal.code, message: settled.refusal.detail };
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#watched.forEach((unsubscribe) => unsubscribe());
    this.#watched.clear();
    (await this.#presence)?.close();
    await this.#door.leave();
  }

  async #open(): Promise<Presence | undefined> {
    try {
      const service = await this.#door.open();
      const presence = service.openPresence(this.#spec.name);
      if (!presence.ok) {
        throw new SdkError("NODE_FAILED", presence.refusal.detail);
      }
      return { service, id: presence.value.id, close: presence.value.close };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const message = `Capability ${this.#spec.name} gets no work: ${reason}`;
      this.#door.warn({ code: "NODE", message, cause: error });
      return undefined;
    }
  }

  /** Warns once for each kind of refusal in a row. */
  #tell(refusal: Refusal): void {
    if (this.#refused !== refusal.code) {
      this.#refused = refusal.code;
      const message = `Capability ${this.#spec.name} is refused: ${refusal.detail}`;
      this.#door.warn({ code: "REFUSED", message });
    }
  }

  #deliver(service: NodeService, item: PulledItem): Delivery {
    const { lease, request, ...rest } = item;
    const unsubscribe = service.onLeaseEnded(lease, (reason) => {
      this.#watched.delete(lease);
      this.#listener.onLeaseEnded(lease, reason);
    });
    this.#watched.set(lease, unsubscribe);
    return { ...rest, lease, request: { encoding: "binary", bytes: request } };
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
    }
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
