/** Whole nodes on the in-process network and on fake time: a sidecar but for its sockets. */
import { createHash } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { NodeConfigSchema } from "../../proto/gen/spillway/control/v1/node_config_pb.ts";
import type { AddOptions, PulledItem } from "../../sidecar/api/ports.ts";
import { Node } from "../../sidecar/node/node.ts";
import { silentLogger } from "../../sidecar/runtime/index.ts";
import { CarrierTransport, MemoryNetwork } from "../../sidecar/transport/index.ts";
import { compileProto } from "./compile-proto.ts";
import { FakeTime } from "./fake-time.ts";
import { SeededRandom } from "./seeded-random.ts";

const descriptorSets = new Map<number, Uint8Array>();

/**
 * Descriptors of `echo.v1.Ask` and `echo.v1.Answer`: `{ bytes body = 1; uint32 size = 2; }`; in
 * version 2 the size is 64 bits wide.
 */
export function echoDescriptorSet(version: 1 | 2 = 1): Uint8Array {
  const known = descriptorSets.get(version);
  if (known !== undefined) return known;
  const size = version === 1 ? "uint32" : "uint64";
  const compiled = compileProto({
    "echo.proto":
      'syntax = "proto3"; package echo.v1; ' +
      `message Ask { bytes body = 1; ${size} size = 2; } ` +
      `message Answer { bytes body = 1; ${size} size = 2; }`,
  });
  descriptorSets.set(version, compiled);
  return compiled;
}

const port = 17_077;

/** A demand or capability; its messages are `echo.v1.Ask` and `echo.v1.Answer` unless named. */
export interface ClusterContract {
  readonly name: string;
  readonly request?: string;
  readonly response?: string;
  /** Of the descriptors; 1 unless named. */
  readonly version?: 1 | 2;
}

/** What a node of the cluster holds. */
export interface ClusterNodeSpec {
  readonly demands?: readonly (ClusterContract & {
    readonly maxProviders?: number;
    readonly paused?: boolean;
    /** Outcomes kept. */
    readonly kept?: number;
  })[];
  readonly capabilities?: readonly (ClusterContract & { readonly concurrency?: number })[];
  /** Nodes that it knows by configuration. */
  readonly peers?: readonly string[];
  /** Inputs of one turn of an engine; taken at the start. @default 32 */
  readonly maxInputsOfTurn?: number;
}

/** A node of the cluster. */
export interface ClusterNode {
  readonly nodeId: string;
  readonly node: Node;
  /** Takes over a changed list of demands and capabilities. */
  configure(spec: ClusterNodeSpec): void;
  /** Ends it as SIGKILL would: nobody is told but by the network. */
  kill(): Promise<void>;
}

/** Several nodes, one network, one time. */
export class NodeCluster {
  readonly time = new FakeTime();
  readonly network = new MemoryNetwork({ timers: this.time, delayMs: () => 1 });
  readonly random = new SeededRandom(1);
  #starts = 0;

  /** Starts a node; a second one of the same name is its restart, with a newer incarnation. */
  async start(nodeId: string, spec: ClusterNodeSpec): Promise<ClusterNode> {
    this.#starts += 1;
    const self = { clusterId: "test", namespace: "test", nodeId, incarnation: this.#starts };
    const { time, random, network } = this;
    const components = { clock: time, timers: time, random, logger: silentLogger };
    const transport = new CarrierTransport(
      { ...components, turns: time, factory: network.factoryOf(self) },
      { local: self },
    );
    await transport.listen({ host: nodeId, port });
    const node = new Node({
      ...components,
      self,
      transport,
      turns: time,
      maxInputsOfTurn: spec.maxInputsOfTurn ?? 32,
      wallClock: { nowEpochMs: () => this.nowEpochMs() },
      announceDemands: () => undefined,
    });
    const configure = (changed: ClusterNodeSpec): void => {
      node.configure(this.#configOf(nodeId, changed));
    };
    configure(spec);
    const kill = async (): Promise<void> => {
      // The links go first, so that no goodbye is heard.
      for (const other of this.#names) network.cut(nodeId, other);
      node.neighbourhood.close();
      const closed = transport.close("killed");
      await time.elapse(10);
      await closed;
    };
    this.#names.add(nodeId);
    return { nodeId, node, configure, kill };
  }

  readonly #names = new Set<string>();

  #configOf(nodeId: string, spec: ClusterNodeSpec) {
    const sets = ([1, 2] as const).map((version) => {
      const content = echoDescriptorSet(version);
      return { hash: createHash("sha256").update(content).digest("hex"), content };
    });
    const contractOf = ({
      request = "echo.v1.Ask",
      response = "echo.v1.Answer",
      version = 1,
    }: ClusterContract) => ({
      request,
      response,
      descriptorSet: sets[version - 1]?.hash ?? "",
    });
    return create(NodeConfigSchema, {
      clusterId: "test",
      namespace: "test",
      nodeId,
      descriptorSets: sets,
      demands: (spec.demands ?? []).map(({ name, ...rest }) => ({
        name,
        ...(rest.maxProviders === undefined ? {} : { maxProviders: rest.maxProviders }),
        ...(rest.kept === undefined ? {} : { retention: { maxItems: rest.kept } }),
        paused: rest.paused ?? false,
        contract: contractOf({ name, ...rest }),
      })),
      capabilities: (spec.capabilities ?? []).map(({ name, ...rest }) => ({
        name,
        ...(rest.concurrency === undefined ? {} : { concurrency: rest.concurrency }),
        contract: contractOf({ name, ...rest }),
      })),
      discovery: {
        staticPeers: (spec.peers ?? []).map((peer) => ({ nodeId: peer, host: peer, port })),
      },
    });
  }

  /** The wall clock of every node. */
  nowEpochMs(): number {
    return 1_800_000_000_000 + this.time.nowMs();
  }

  /** Adds an item. @param item its request, else empty, and options. @returns its ticket. */
  async add(
    producer: ClusterNode,
    demand: string,
    item: AddOptions & { readonly request?: Uint8Array } = {},
  ): Promise<string> {
    const { request = new Uint8Array(), ...options } = item;
    const added = await producer.node.demands.add(demand, request, options);
    if (!added.ok) throw new Error(`${added.refusal.code}: ${added.refusal.detail}`);
    return added.value.ticket;
  }

  /** Pulls one item within 5 s of fake time; fails when none comes. */
  async pull(provider: ClusterNode, capability: string, presence?: string): Promise<PulledItem> {
    const options = { max: 1, waitMs: 5_000, ...(presence === undefined ? {} : { presence }) };
    const pulled = await this.after(provider.node.capabilities.pull(capability, options), 5_100);
    const [item] = pulled.ok ? pulled.value : [];
    if (item === undefined) throw new Error(`nothing was pulled: ${JSON.stringify(pulled)}`);
    return item;
  }

  /** Lets time pass until the promise settles. */
  async after<T>(promise: Promise<T>, withinMs: number): Promise<T> {
    let settled = false;
    const mark = (): void => {
      settled = true;
    };
    promise.then(mark, mark);
    await this.time.until(() => settled, withinMs, "the answer");
    return promise;
  }
}
