import type { AddItemOptions } from "./demand-events.ts";
import type { DemandOptions } from "./demand-options.ts";

/** An add that waits for room. */
export interface WaitingAdd {
  readonly call: number;
  readonly request: Uint8Array;
  readonly options: AddItemOptions;
  readonly askedAtMs: number;
}

/** Adds that wait for room, first come, first served; bounded by count and bytes. */
export class AddLine {
  readonly #waiting = new Map<number, WaitingAdd>();
  #bytes = 0;

  get size(): number {
    return this.#waiting.size;
  }

  /** @returns false when the line itself is full. */
  join(add: WaitingAdd, bounds: DemandOptions["queue"]): boolean {
    if (this.#waiting.size >= bounds.maxWaiters) return false;
    if (this.#bytes + add.request.length > bounds.maxWaitingBytes) return false;
    this.#waiting.set(add.call, add);
    this.#bytes += add.request.length;
    return true;
  }

  /** The add that came first. */
  first(): WaitingAdd | undefined {
    return this.#waiting.values().next().value;
  }

  /** Takes one out. @returns it, or undefined when it does not wait. */
  leave(call: number): WaitingAdd | undefined {
    const add = this.#waiting.get(call);
    if (add === undefined) return undefined;
    this.#waiting.delete(call);
    this.#bytes -= add.request.length;
    return add;
  }
}
