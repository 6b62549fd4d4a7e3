/** The hub without sockets: streams, sidecars and time of a test. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { ControlHub } from "../../operator/control/control-hub.ts";
import type { HubEffect, HubInput, StreamId } from "../../operator/control/hub-messages.ts";
import type { HubOptions } from "../../operator/control/hub-options.ts";
import type { PodAssignment } from "../../operator/control/pod-assignment.ts";
import type { Answer } from "../../operator/control/session.ts";
import {
  AttachRequestSchema,
  HelloSchema,
  type Refusal,
} from "../../proto/gen/spillway/control/v1/control_pb.ts";
import { testPod, type TestPod } from "./control-rig.ts";

const hourMs = 3_600_000;

/** A hub whose time a test moves, with what it asked for. */
export class HubRig {
  readonly hub: ControlHub;
  nowMs = 1_000;
  bundlePem = "bundle 1";
  readonly ended = new Map<StreamId, Refusal>();
  readonly effects: HubEffect[] = [];
  #lastStream = 0;

  constructor(options: Partial<HubOptions> = {}) {
    this.hub = new ControlHub({
      clusterId: "c1",
      trustOf: (namespace) => ({
        bundlePem: this.bundlePem,
        announcementKey: Buffer.from(namespace.padEnd(32)),
      }),
      firstSequence: 100n,
      ...options,
    });
  }

  /** A hub that leads. */
  static leading(options: Partial<HubOptions> = {}): HubRig {
    const rig = new HubRig(options);
    rig.tell({ type: "leading" });
    return rig;
  }

  tell(input: HubInput): HubEffect[] {
    return this.#keep(this.hub.handle(input, this.nowMs));
  }

  /** Lets time pass, deadline by deadline. */
  elapse(ms: number): void {
    const endMs = this.nowMs + ms;
    for (let at = this.hub.nextDeadlineMs(); at <= endMs; at = this.hub.nextDeadlineMs()) {
      this.nowMs = Math.max(at, this.nowMs);
      this.#keep(this.hub.advance(this.nowMs));
    }
    this.nowMs = endMs;
  }

  /** @returns the stream; it may have been refused: see `ended`. */
  attach(
    pod: TestPod,
    hello: MessageInitShape<typeof HelloSchema> = {},
    expiresInMs = hourMs,
  ): StreamId {
    this.#lastStream += 1;
    this.tell({
      type: "attached",
      stream: this.#lastStream,
      identity: {
        namespace: pod.namespace,
        podName: pod.name,
        podUid: pod.uid,
        kubeNode: "kube-1",
      },
      expiresInMs,
      hello: create(HelloSchema, hello),
    });
    return this.#lastStream;
  }

  send(stream: StreamId, kind: MessageInitShape<typeof AttachRequestSchema>["kind"]): HubEffect[] {
    const request = create(AttachRequestSchema, kind === undefined ? {} : { kind });
    return this.tell({ type: "message", stream, request });
  }

  /** Everything that a stream is to be told now. */
  takeAll(stream: StreamId): Answer[] {
    const all: Answer[] = [];
    for (let next = this.#take(stream); next !== undefined; next = this.#take(stream)) {
      all.push(next);
    }
    return all;
  }

  assign(pod: TestPod, over: Partial<PodAssignment> & { ips?: string[]; roles?: string[] } = {}) {
    const { ips = [], roles = [], demands = [], capabilities = [], unreadUids = [] } = over;
    this.tell({
      type: "assigned",
      assignment: { pod: { ...pod, ips, roles }, demands, capabilities, unreadUids },
    });
    return pod;
  }

  /** A pod that is known and attached, and has been told everything. */
  attached(over: Partial<PodAssignment> = {}, pod = testPod()) {
    this.assign(pod, over);
    const stream = this.attach(pod);
    this.takeAll(stream);
    return { pod, stream };
  }

  #take(stream: StreamId): Answer | undefined {
    return this.hub.take(stream, this.nowMs);
  }

  #keep(effects: HubEffect[]): HubEffect[] {
    this.effects.push(...effects);
    for (const effect of effects) {
      if (effect.type === "end") this.ended.set(effect.stream, effect.refusal);
    }
    return effects;
  }
}

type Kind = NonNullable<Answer["case"]>;
type Told<K extends Kind> = Extract<Answer, { case: K }>["value"];

/** @returns what was told of one kind. @throws when it was told twice or not at all. */
export function only<K extends Kind>(answers: readonly Answer[], kind: K): Told<K> {
  const found: unknown[] = answers.filter((it) => it.case === kind).map((it) => it.value);
  if (found.length !== 1) throw new Error(`${found.length} of ${kind}`);
  return found[0] as Told<K>;
}

/** What was told, by kind, in order. */
export const kinds = (answers: readonly Answer[]) => answers.map((it) => it.case);
