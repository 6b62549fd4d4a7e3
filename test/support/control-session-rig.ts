/** A ControlSession under a hand-moved clock, and an operator that is played by hand. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type AttachRequest,
  AttachResponseSchema,
  ConfigDeltaSchema,
  RefusalSchema,
} from "../../proto/gen/spillway/control/v1/control_pb.ts";
import {
  type ControlEffect,
  type ControlInput,
  ControlSession,
  type ControlSessionOptions,
  type NodeStatus,
} from "../../sidecar/core/control/index.ts";
import { nodeStatus } from "./node-status.ts";

type EffectOf<T extends ControlEffect["type"]> = Extract<ControlEffect, { readonly type: T }>;
type Answer = NonNullable<MessageInitShape<typeof AttachResponseSchema>["kind"]>;

/** Time stands still unless `pass` is called. */
export class ControlSessionRig {
  readonly session: ControlSession;
  nowMs = 1_000;
  /** What each look finds. */
  status: NodeStatus = nodeStatus({ demands: [], capabilities: [] });
  /** Every effect since the start. */
  readonly effects: ControlEffect[] = [];

  constructor(options: Partial<ControlSessionOptions> = {}, random = 0.5) {
    this.session = new ControlSession(
      {
        sidecarVersion: "1.0.0",
        incarnation: 3,
        stored: {},
        storedIdentity: undefined,
        ...options,
      },
      { next: () => random },
    );
  }

  /** Gives an input; looks at the node are answered at once, as the client does. */
  handle(input: ControlInput): void {
    this.#take(this.session.handle(input, this.nowMs));
  }

  /** Lets time pass, stopping at each deadline. */
  pass(ms: number): void {
    const untilMs = this.nowMs + ms;
    for (;;) {
      const deadlineMs = this.session.nextDeadlineMs();
      if (deadlineMs > untilMs) break;
      this.nowMs = Math.max(this.nowMs, deadlineMs);
      this.#take(this.session.advance(this.nowMs));
    }
    this.nowMs = untilMs;
  }

  /** The operator says something. */
  say(kind: Answer): void {
    this.handle({ type: "received", message: create(AttachResponseSchema, { kind }) });
  }

  welcome(over: { readonly nodeId?: string; readonly tokenSeconds?: number } = {}): void {
    const { nodeId = "uid-1", tokenSeconds = 3_600 } = over;
    this.say({
      case: "welcome",
      value: {
        clusterId: "test",
        namespace: "shop",
        nodeId,
        reportInterval: { seconds: 10n },
        minReportInterval: { nanos: 200_000_000 },
        tokenExpiresIn: { seconds: BigInt(tokenSeconds) },
      },
    });
  }

  /** A whole configuration of this number. */
  config(number: number, over: MessageInitShape<typeof ConfigDeltaSchema> = {}): void {
    const init = { version: version(number), trustBundle: { pem: "CA" }, ...over };
    const value = create(ConfigDeltaSchema, init as MessageInitShape<typeof ConfigDeltaSchema>);
    this.say({ case: "configDelta", value });
  }

  /** A certificate comes and can be used. */
  certified(renewSeconds = 28_800): void {
    const renewAfter = { seconds: BigInt(renewSeconds) };
    this.say({ case: "certificate", value: { certificatePem: "LEAF", renewAfter } });
    this.used();
  }

  /** The last `useCertificate` was carried out. */
  used(refused?: string): void {
    const { renewAfterMs } = this.last("useCertificate");
    this.handle({ type: "certificateUsed", refused, renewAfterMs });
  }

  /** The last `configure` was carried out: everything in it is in force. */
  configured(): void {
    const { config } = this.last("configure");
    const named = [
      ...config.demands.map((entry) => ["demand", entry] as const),
      ...config.capabilities.map((entry) => ["capability", entry] as const),
    ];
    const inForce = named.flatMap(([kind, { resource, config: each }]) =>
      resource === undefined ? [] : [{ kind, resource, name: each?.name ?? "" }],
    );
    const outcome = { version: config.version, acknowledged: [], inForce };
    this.handle({ type: "configured", outcome });
  }

  /** Attached, proven and configured. */
  running(over: MessageInitShape<typeof ConfigDeltaSchema> = {}): this {
    this.handle({ type: "start" });
    this.welcome();
    this.config(1, over);
    this.certified();
    this.configured();
    return this;
  }

  ended(refusal?: MessageInitShape<typeof RefusalSchema>): void {
    this.handle({
      type: "ended",
      reason: "it broke",
      ...(refusal === undefined ? {} : { refusal: create(RefusalSchema, refusal) }),
    });
  }

  all<T extends ControlEffect["type"]>(type: T): EffectOf<T>[] {
    return this.effects.filter((effect): effect is EffectOf<T> => effect.type === type);
  }

  last<T extends ControlEffect["type"]>(type: T): EffectOf<T> {
    const found = this.all(type).at(-1);
    if (found === undefined) throw new Error(`no ${type} yet`);
    return found;
  }

  /** Messages of one kind that were sent. */
  sent<K extends AttachRequest["kind"]["case"]>(kind: K) {
    return this.all("send").flatMap(({ message }) =>
      message.kind.case === kind
        ? [message.kind.value as Extract<AttachRequest["kind"], { case: K }>["value"]]
        : [],
    );
  }

  #take(effects: readonly ControlEffect[]): void {
    this.effects.push(...effects);
    for (const effect of effects) {
      if (effect.type === "sample") this.handle({ type: "sampled", status: this.status });
    }
  }
}

/** A version of this number. */
export function version(number: number) {
  return {
    $typeName: "spillway.control.v1.Version" as const,
    number: BigInt(number),
    digest: new Uint8Array([number]),
  };
}
