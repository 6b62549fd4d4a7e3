/** A CapabilityPool under a hand-moved clock, and demands that are played by hand. */
import { create } from "@bufbuild/protobuf";
import {
  type Lease,
  LeaseSchema,
  SettledStatus,
  type ToDemand,
  ToProviderSchema,
} from "../../proto/gen/spillway/work/v1/work_pb.ts";
import {
  type Candidate,
  type CapabilityEffect,
  type CapabilityInput,
  CapabilityPool,
  type CapabilityReply,
  type PartialCapabilityOptions,
  type PulledWork,
  resolveCapabilityOptions,
  type WorkVerb,
} from "../../sidecar/core/work/index.ts";
import { TicketWriter } from "../../sidecar/core/work/ticket.ts";
import { rigContract } from "./demand-rig.ts";

type Kind = NonNullable<Parameters<typeof create<typeof ToProviderSchema>>[1]>["kind"];

/** What a provider says, by the name of the message. */
type SaidValues = {
  [Said in Exclude<ToDemand["kind"], { case: undefined }> as Said["case"]]: Said["value"];
};

/** A pool. Time stands still unless `pass` is called. */
export class CapabilityRig {
  readonly pool: CapabilityPool;
  nowMs = 1_000;
  /** Every effect since the start. */
  readonly effects: CapabilityEffect[] = [];
  #call = 0;
  #turn: CapabilityInput[] | undefined;
  readonly #candidates = new Map<string, Candidate>();

  constructor(options: PartialCapabilityOptions = {}, random = 0.5) {
    this.pool = new CapabilityPool(
      {
        name: "resize",
        contract: rigContract,
        options: resolveCapabilityOptions({ joinJitterMs: 0, lingerMs: 0, ...options }),
      },
      { self: { nodeId: "worker-0", incarnation: 3 }, random: { next: () => random } },
    );
  }

  /** A turn of one input; inside of `turn`, one more input of it, whose effects come at its end. */
  handle(input: CapabilityInput): CapabilityEffect[] {
    if (this.#turn !== undefined) {
      this.#turn.push(input);
      return [];
    }
    const effects = this.pool.handle(input, this.nowMs);
    this.effects.push(...effects);
    return effects;
  }

  /** One turn of everything that is said meanwhile. */
  turn(say: () => void): CapabilityEffect[] {
    const inputs: CapabilityInput[] = [];
    this.#turn = inputs;
    say();
    this.#turn = undefined;
    this.pool.begin(this.nowMs);
    for (const input of inputs) this.pool.take(input, this.nowMs);
    const effects = this.pool.finish(this.nowMs);
    this.effects.push(...effects);
    return effects;
  }

  /** Lets time pass, stopping at each deadline of the pool. */
  pass(ms: number): CapabilityEffect[] {
    const untilMs = this.nowMs + ms;
    const effects: CapabilityEffect[] = [];
    for (;;) {
      const deadlineMs = this.pool.nextDeadlineMs();
      if (deadlineMs > untilMs) break;
      this.nowMs = Math.max(this.nowMs, deadlineMs);
      effects.push(...this.pool.advance(this.nowMs));
    }
    this.nowMs = untilMs;
    this.effects.push(...effects);
    return effects;
  }

  /** Makes a demand known. */
  announce(nodeId: string, fields: Partial<Candidate> = {}): void {
    const candidate: Candidate = {
      nodeId,
      incarnation: 1,
      demand: "thumbs",
      desired: 1,
      max: 10,
      connected: 0,
      ...fields,
    };
    this.#candidates.set(`${nodeId}/${candidate.demand}`, candidate);
    this.handle({ type: "candidates", candidates: [...this.#candidates.values()] });
  }

  /** Forgets the announcements of a node. */
  silence(nodeId: string): void {
    for (const [key, candidate] of this.#candidates) {
      if (candidate.nodeId === nodeId) this.#candidates.delete(key);
    }
    this.handle({ type: "candidates", candidates: [...this.#candidates.values()] });
  }

  /** A known demand with a session, and the Hello that came. */
  meet(nodeId: string, fields: Partial<Candidate> = {}): RigDemand {
    this.announce(nodeId, fields);
    this.handle({ type: "sessionUp", nodeId, incarnation: fields.incarnation ?? 1 });
    return this.lastLink(nodeId);
  }

  /** A demand that let the provider in. */
  join(nodeId: string, fields: Partial<Candidate> = {}): RigDemand {
    const demand = this.meet(nodeId, fields);
    demand.admit();
    return demand;
  }

  /** The link that was opened last to a node. */
  lastLink(nodeId: string): RigDemand {
    for (let index = this.effects.length - 1; index >= 0; index--) {
      const effect = this.effects[index];
      if (effect?.type === "openLink" && effect.nodeId === nodeId) {
        return new RigDemand(this, effect.link, nodeId);
      }
    }
    throw new Error(`no link to ${nodeId} was opened`);
  }

  /** Links opened since the start. */
  openedLinks(): number {
    return this.effects.filter(({ type }) => type === "openLink").length;
  }

  pull(max = 1, waitMs = 1_000, presence?: string): number {
    this.#call += 1;
    const call = this.#call;
    this.handle({ type: "pull", call, max, waitMs, ...(presence !== undefined && { presence }) });
    return call;
  }

  verb(lease: string, verb: WorkVerb): number {
    this.#call += 1;
    this.handle({ type: "verb", call: this.#call, lease, verb });
    return this.#call;
  }

  reply(call: number): CapabilityReply | undefined {
    for (const effect of this.effects) {
      if (effect.type === "reply" && effect.call === call) return effect.reply;
    }
    return undefined;
  }

  /** The items that a pull was answered with. */
  pulled(call: number): readonly PulledWork[] {
    const reply = this.reply(call);
    if (reply?.kind !== "pulled") throw new Error(`not pulled: ${JSON.stringify(reply)}`);
    return reply.items;
  }

  snapshot(): ReturnType<CapabilityPool["snapshot"]> {
    return this.pool.snapshot(this.nowMs);
  }
}

/** A demand's end of one link. */
export class RigDemand {
  readonly link: number;
  readonly nodeId: string;
  readonly #rig: CapabilityRig;
  readonly #tickets: TicketWriter;

  constructor(rig: CapabilityRig, link: number, nodeId: string) {
    this.#rig = rig;
    this.link = link;
    this.nodeId = nodeId;
    this.#tickets = new TicketWriter({ nodeId, incarnation: 1 });
  }

  say(kind: Kind): CapabilityEffect[] {
    const message = create(ToProviderSchema, { kind } as never);
    return this.#rig.handle({ type: "message", link: this.link, message });
  }

  admit(kept: readonly Lease[] = [], incarnation = 1): CapabilityEffect[] {
    const value = {
      incarnation: BigInt(incarnation),
      leaseDurationMs: 15_000,
      maxRuntimeMs: 600_000,
      kept: [...kept],
      providers: { desired: 1, max: 10, connected: 1 },
    };
    return this.say({ case: "admit", value });
  }

  full(retryAfterMs = 1_000): CapabilityEffect[] {
    const providers = { desired: 1, max: 1, connected: 1 };
    return this.say({ case: "full", value: { retryAfterMs, providers } });
  }

  deliver(...sequences: number[]): CapabilityEffect[] {
    const items = sequences.map((sequence) => ({
      lease: { sequence: BigInt(sequence), delivery: 1 },
      ticket: this.#tickets.write(sequence),
      request: new Uint8Array([sequence]),
      attempt: 1,
      traceparent: "",
    }));
    return this.say({ case: "deliver", value: { items } });
  }

  settled(
    sequence: number,
    state = "done",
    status: SettledStatus = SettledStatus.ACCEPTED,
  ): CapabilityEffect[] {
    return this.say({
      case: "settled",
      value: { leases: [{ sequence: BigInt(sequence), delivery: 1 }], status, state },
    });
  }

  cancel(sequence: number): CapabilityEffect[] {
    const value = { lease: { sequence: BigInt(sequence), delivery: 1 }, reason: "cancelled" };
    return this.say({ case: "cancel", value });
  }

  backlog(ready: number): CapabilityEffect[] {
    return this.say({ case: "backlog", value: { ready } });
  }

  /** Confirms the last limit. */
  creditTaken(): CapabilityEffect[] {
    const credits = this.said("credit");
    const revision = credits.at(-1)?.revision ?? 0;
    return this.say({ case: "creditTaken", value: { revision, delivered: 0n } });
  }

  /** Messages of one kind that it got. */
  said<K extends keyof SaidValues>(name: K): SaidValues[K][] {
    return this.#rig.effects.flatMap((effect) =>
      effect.type === "send" && effect.link === this.link && effect.message.kind.case === name
        ? [effect.message.kind.value as SaidValues[K]]
        : [],
    );
  }

  /** The limit that it was told last. */
  limit(): number {
    return Number(this.said("credit").at(-1)?.limit ?? 0n);
  }
}

/** A lease by its numbers. */
export function firstDelivery(sequence: number): Lease {
  return create(LeaseSchema, { sequence: BigInt(sequence), delivery: 1 });
}
