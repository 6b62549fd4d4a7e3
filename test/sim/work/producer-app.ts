/** A simulated producer beside a demand: adds items, cancels some, reads outcomes. */
import type { DemandReply } from "../../../sidecar/core/work/index.ts";
import type { SeededRandom } from "../../support/seeded-random.ts";
import type { World } from "../world.ts";
import { type ItemBehaviour, requestOf } from "./item-behaviour.ts";
import type { SimNode } from "./sim-node.ts";

/** How often each behaviour comes, in parts of the whole. */
const mixture: readonly ItemBehaviour[] = [
  ...Array.from({ length: 20 }, () => "quick" as const),
  ...Array.from({ length: 4 }, () => "slow" as const),
  ...Array.from({ length: 3 }, () => "failing" as const),
  "rejected",
  "hopeless",
  "poison",
  "endless",
  "released",
  "released",
];

/** One life of one producer process, as long as its sidecar's. */
export class ProducerApp {
  readonly #node: SimNode;
  readonly #demand: string;
  readonly #world: World;
  readonly #random: SeededRandom;
  readonly #calls = new Map<number, (reply: DemandReply) => void>();
  readonly #sequences: number[] = [];
  #lastCall = 0;

  constructor(
    node: SimNode,
    demand: string,
    components: { readonly world: World; readonly random: SeededRandom },
  ) {
    this.#node = node;
    this.#demand = demand;
    this.#world = components.world;
    this.#random = components.random;
  }

  /** Calls that got no answer. */
  get openCalls(): number {
    return this.#calls.size;
  }

  /** Adds items until a moment. */
  produce(untilMs: number, meanGapMs: number): void {
    const next = (): void => {
      if (!this.#node.alive || this.#world.nowMs >= untilMs) return;
      const burst = this.#random.chance(0.1) ? this.#random.integer(2, 12) : 1;
      for (let index = 0; index < burst; index++) this.#add();
      if (this.#random.chance(0.06)) this.#cancelSome();
      this.#world.after(this.#random.next() * 2 * meanGapMs, next);
    };
    next();
  }

  reply(call: number, reply: DemandReply): void {
    const listener = this.#calls.get(call);
    this.#calls.delete(call);
    listener?.(reply);
  }

  #add(): void {
    const request = requestOf(this.#random.pick(mixture), this.#random.integer(1, 400));
    const random = this.#random;
    const options = {
      ...(random.chance(0.3) && { priority: random.integer(0, 9) }),
      ...(random.chance(0.1) && { delayMs: random.integer(0, 3_000) }),
      ...(random.chance(0.1) && { deadlineMs: random.integer(50, 8_000) }),
      ...(random.chance(0.15) && { orderingKey: `key${String(random.integer(0, 2))}` }),
      ...(random.chance(0.1) && { idempotencyKey: `id${String(random.integer(0, 40))}` }),
    };
    const call = this.#open((reply) => {
      if (reply.kind === "added") this.#sequences.push(reply.sequence);
    });
    this.#say({ type: "add", call, request, options });
    if (random.chance(0.03)) {
      this.#world.after(random.integer(0, 500), () => {
        if (!this.#calls.delete(call) || !this.#node.alive) return;
        this.#say({ type: "addCancelled", call });
      });
    }
  }

  #cancelSome(): void {
    if (this.#sequences.length === 0) return;
    const sequence = this.#random.pick(this.#sequences);
    const call = this.#open(() => undefined);
    this.#say({ type: "cancel", call, sequence });
  }

  #open(listener: (reply: DemandReply) => void): number {
    this.#lastCall += 1;
    this.#calls.set(this.#lastCall, listener);
    return this.#lastCall;
  }

  #say(
    input: Parameters<NonNullable<ReturnType<SimNode["demands"]["get"]>>["pump"]["handle"]>[0],
  ): void {
    this.#node.demands.get(this.#demand)?.pump.handle(input);
  }
}
