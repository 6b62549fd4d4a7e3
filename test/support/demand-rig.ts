/** A DemandQueue under a hand-moved clock, and providers that are played by hand. */
import { create } from "@bufbuild/protobuf";
import {
  ApplicationErrorSchema,
  type Delivery,
  type Lease,
  LeaseSchema,
  type SettledStatus,
  type ToDemand,
  ToDemandSchema,
  type ToProvider,
} from "../../proto/gen/spillway/work/v1/work_pb.ts";
import {
  type AddItemOptions,
  type DemandEffect,
  type DemandInput,
  DemandQueue,
  type DemandReply,
  type ItemSnapshot,
  type PartialDemandOptions,
  type ResultCheck,
  resolveDemandOptions,
  type WorkContract,
} from "../../sidecar/core/work/index.ts";

/** The contract that both sides have unless a test says otherwise. */
export const rigContract: WorkContract = {
  request: "test.Request",
  response: "test.Response",
  contractHash: new Uint8Array(32).fill(1),
};

/** Item numbers of a node. */
export class RigSequences {
  last = 0;
  next(): number {
    this.last += 1;
    return this.last;
  }
}

type Kind = NonNullable<Parameters<typeof create<typeof ToDemandSchema>>[1]>["kind"];

/** A queue. Time stands still unless `pass` is called. */
export class DemandRig {
  readonly queue: DemandQueue;
  nowMs = 1_000;
  /** Every effect since the start. */
  readonly effects: DemandEffect[] = [];
  #call = 0;
  #link = 0;
  #turn: DemandInput[] | undefined;

  constructor(
    options: PartialDemandOptions = {},
    extra: { readonly random?: number; readonly results?: ResultCheck } = {},
  ) {
    this.queue = new DemandQueue(
      { name: "thumbs", contract: rigContract, options: resolveDemandOptions(options) },
      {
        self: { nodeId: "web-0", incarnation: 7 },
        sequences: new RigSequences(),
        random: { next: () => extra.random ?? 0.5 },
        ...(extra.results !== undefined && { results: extra.results }),
      },
    );
  }

  /** A turn of one input; inside of `turn`, one more input of it, whose effects come at its end. */
  handle(input: DemandInput): DemandEffect[] {
    if (this.#turn !== undefined) {
      this.#turn.push(input);
      return [];
    }
    const effects = this.queue.handle(input, this.nowMs);
    this.effects.push(...effects);
    return effects;
  }

  /** One turn of everything that is said meanwhile. */
  turn(say: () => void): DemandEffect[] {
    const inputs: DemandInput[] = [];
    this.#turn = inputs;
    say();
    this.#turn = undefined;
    this.queue.begin(this.nowMs);
    for (const input of inputs) this.queue.take(input, this.nowMs);
    const effects = this.queue.finish(this.nowMs);
    this.effects.push(...effects);
    return effects;
  }

  /** Lets time pass, stopping at each deadline of the queue. */
  pass(ms: number): DemandEffect[] {
    const untilMs = this.nowMs + ms;
    const effects: DemandEffect[] = [];
    for (;;) {
      const deadlineMs = this.queue.nextDeadlineMs();
      if (deadlineMs > untilMs) break;
      this.nowMs = Math.max(this.nowMs, deadlineMs);
      effects.push(...this.queue.advance(this.nowMs));
    }
    this.nowMs = untilMs;
    this.effects.push(...effects);
    return effects;
  }

  /** Adds an item. @returns the reply, or undefined while it waits for room. */
  tryAdd(
    options: AddItemOptions = {},
    request: Uint8Array = new Uint8Array([1]),
  ): DemandReply | undefined {
    this.#call += 1;
    return replyIn(this.handle({ type: "add", call: this.#call, request, options }), this.#call);
  }

  /** Adds an item that must be accepted. @returns its sequence. */
  add(options: AddItemOptions = {}, request?: Uint8Array): number {
    const reply = this.tryAdd(options, request);
    if (reply?.kind !== "added") throw new Error(`not added: ${JSON.stringify(reply)}`);
    return reply.sequence;
  }

  cancel(sequence: number): DemandReply | undefined {
    this.#call += 1;
    return replyIn(this.handle({ type: "cancel", call: this.#call, sequence }), this.#call);
  }

  redrive(sequence: number): DemandReply | undefined {
    this.#call += 1;
    return replyIn(this.handle({ type: "redrive", call: this.#call, sequence }), this.#call);
  }

  /** The number of the call that was made last. */
  get lastCall(): number {
    return this.#call;
  }

  item(sequence: number): ItemSnapshot {
    const item = this.queue.item(sequence);
    if (item === undefined) throw new Error(`item ${String(sequence)} is not there`);
    return item;
  }

  /** Opens a link without a word. */
  open(nodeId: string, incarnation = 1): RigProvider {
    this.#link += 1;
    this.handle({ type: "linkOpened", link: this.#link, peer: { nodeId, incarnation } });
    return new RigProvider(this, this.#link);
  }

  /** A provider that said Hello and has so much credit. */
  provider(nodeId: string, credit = 0, incarnation = 1): RigProvider {
    const provider = this.open(nodeId, incarnation);
    provider.hello();
    if (credit > 0) provider.credit(credit);
    return provider;
  }
}

/** A provider's end of one link. */
export class RigProvider {
  readonly link: number;
  readonly #rig: DemandRig;
  #limit = 0;
  #revision = 0;

  constructor(rig: DemandRig, link: number) {
    this.#rig = rig;
    this.link = link;
  }

  say(kind: Kind): DemandEffect[] {
    const message: ToDemand = create(ToDemandSchema, { kind } as never);
    return this.#rig.handle({ type: "message", link: this.link, message });
  }

  hello(
    fields: {
      readonly contract?: WorkContract;
      readonly capability?: string;
      readonly demand?: string;
      readonly capacity?: number;
      readonly held?: readonly Lease[];
      readonly heldOfIncarnation?: number;
    } = {},
  ): ToProvider["kind"] | undefined {
    const held = [...(fields.held ?? [])];
    const effects = this.say({
      case: "hello",
      value: {
        demand: fields.demand ?? "thumbs",
        ...(fields.contract ?? rigContract),
        capability: fields.capability ?? "resize",
        capacity: fields.capacity ?? 4,
        held,
        heldOfIncarnation: BigInt(fields.heldOfIncarnation ?? (held.length === 0 ? 0 : 7)),
      },
    });
    return sentTo(effects, this.link).find(({ case: name }) =>
      ["admit", "full", "draining", "incompatible"].includes(name ?? ""),
    );
  }

  /** Raises (or lowers) the credit by so much. */
  credit(by: number): DemandEffect[] {
    this.#limit += by;
    this.#revision += 1;
    const value = { limit: BigInt(this.#limit), revision: this.#revision };
    return this.say({ case: "credit", value });
  }

  /** Everything that was sent to it since the start. */
  received(): ToProvider["kind"][] {
    return sentTo(this.#rig.effects, this.link);
  }

  /** Items that were delivered to it since the start. */
  deliveries(): Delivery[] {
    return this.received().flatMap((kind) => (kind.case === "deliver" ? kind.value.items : []));
  }

  /** The lease of the last delivery. */
  lease(): Lease {
    const lease = this.deliveries().at(-1)?.lease;
    if (lease === undefined) throw new Error("nothing was delivered");
    return lease;
  }

  started(lease = this.lease()): void {
    this.say({ case: "started", value: { leases: [lease] } });
  }

  complete(lease = this.lease(), result: Uint8Array = new Uint8Array([9])): RigSettled {
    return settledIn(this.say({ case: "complete", value: { lease, result } }), this.link);
  }

  fail(
    lease = this.lease(),
    fields: { readonly retryable?: boolean; readonly delayMs?: number } = {},
  ): RigSettled {
    const error = rigError(fields.retryable ?? true);
    const value = {
      lease,
      error,
      ...(fields.delayMs !== undefined && { delayMs: fields.delayMs }),
    };
    return settledIn(this.say({ case: "fail", value }), this.link);
  }

  reject(lease = this.lease()): RigSettled {
    return settledIn(
      this.say({ case: "reject", value: { lease, error: rigError(false) } }),
      this.link,
    );
  }

  release(lease = this.lease()): RigSettled {
    return settledIn(this.say({ case: "release", value: { lease, reason: "" } }), this.link);
  }

  renew(leases = [this.lease()], progress = false): DemandEffect[] {
    return this.say({ case: "renew", value: { leases, progress } });
  }

  lost(clean = false): DemandEffect[] {
    return this.#rig.handle({ type: "linkLost", link: this.link, clean });
  }
}

/** Answer to a verb. */
export interface RigSettled {
  readonly status: SettledStatus | undefined;
  readonly state: string | undefined;
}

/** A lease by its numbers. */
export function rigLease(sequence: number, delivery: number): Lease {
  return create(LeaseSchema, { sequence: BigInt(sequence), delivery });
}

/** Messages to a link among effects. */
export function sentTo(effects: readonly DemandEffect[], link: number): ToProvider["kind"][] {
  return effects.flatMap((effect) =>
    effect.type === "send" && effect.link === link ? [effect.message.kind] : [],
  );
}

function settledIn(effects: readonly DemandEffect[], link: number): RigSettled {
  for (const kind of sentTo(effects, link)) {
    if (kind.case === "settled") return { status: kind.value.status, state: kind.value.state };
  }
  return { status: undefined, state: undefined };
}

function replyIn(effects: readonly DemandEffect[], call: number): DemandReply | undefined {
  for (const effect of effects) {
    if (effect.type === "reply" && effect.call === call) return effect.reply;
  }
  return undefined;
}

function rigError(retryable: boolean): ReturnType<typeof create<typeof ApplicationErrorSchema>> {
  return create(ApplicationErrorSchema, { code: "BAD", message: "it did not work", retryable });
}
