import { createHash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { create, type Message, type MessageInitShape } from "@bufbuild/protobuf";
import { NodeConfigSchema } from "../../../proto/gen/spillway/control/v1/node_config_pb.ts";
import type { NodeService, Result } from "../../../sidecar/api/ports.ts";
import { type RunningNode, startNode } from "../../../sidecar/node/index.ts";
import { createLogger, createMetrics, Health } from "../../../sidecar/runtime/index.ts";
import { createTestCluster } from "../../support/certificates.ts";
import { compileProto } from "../../support/compile-proto.ts";
import { concurrency, type Setup, type WorkSystem } from "./system.ts";

/** What both nodes get from the parent. */
interface Detail {
  readonly nodes: Readonly<Record<string, { certificate: string; privateKey: string }>>;
  readonly authority: string;
  /** Base64. */
  readonly descriptorSet: string;
}

/** What differs between the two nodes. */
type Parts = Pick<
  Exclude<MessageInitShape<typeof NodeConfigSchema>, Message>,
  "demands" | "capabilities" | "discovery"
>;

const name = "work";
const pullWaitMs = 30_000;
const proto =
  'syntax = "proto3"; package bench.v1; message Ask { bytes body = 1; } ' +
  "message Answer { bytes body = 1; }";

/**
 * Two nodes as two sidecars have them: mutual TLS, queue, leases, credit, results checked against
 * their contract and recorded before the provider is told. The application's side calls the node's
 * service, as an embedded SDK does; no HTTP on either side, as no rival has it.
 */
export const spillwaySystem: WorkSystem = {
  missing: () => undefined,
  async prepare() {
    const cluster = await createTestCluster();
    const nodes: Record<string, { certificate: string; privateKey: string }> = {};
    for (const nodeId of ["producer", "provider"]) {
      const leaf = await cluster.leaf(nodeId);
      nodes[nodeId] = { certificate: leaf.certificatePem, privateKey: leaf.privateKeyPem };
    }
    const descriptorSet = Buffer.from(compileProto({ "bench.proto": proto })).toString("base64");
    const detail: Detail = { nodes, authority: cluster.authority.certificatePem, descriptorSet };
    return { setup: { detail: JSON.stringify(detail) }, close: () => undefined };
  },
  async produce(setup) {
    const contract = contractOf(setup);
    const node = await start("producer", setup, { demands: [{ name, contract }] });
    const { service } = node;
    let onResult: (sizeBytes: number) => void = () => undefined;
    valueOf(
      service.subscribeOutcomes(name, {}, ({ item: { outcome } }) => {
        if (outcome?.kind !== "result") throw new Error(`an item came to ${outcome?.kind ?? ""}`);
        onResult(outcome.result.length);
      }),
    );
    return {
      address: { port: node.peerAddress.port },
      add: (request) => {
        void service.add(name, request, {}).then(valueOf);
      },
      onResult: (listener) => {
        onResult = listener;
      },
      ready: () => provided(service),
    };
  },
  async provide(setup, { port = 0 }, result) {
    const { service } = await start("provider", setup, {
      capabilities: [{ name, contract: contractOf(setup), concurrency }],
      discovery: { staticPeers: [{ nodeId: "producer", host: "127.0.0.1", port }] },
    });
    void answer(service, result);
  },
};

/** Takes what comes and completes it, until the process ends. */
async function answer(service: NodeService, result: Uint8Array): Promise<never> {
  const presence = valueOf(service.openPresence(name)).id;
  const options = { max: concurrency, waitMs: pullWaitMs, presence };
  for (;;) {
    for (const { lease } of valueOf(await service.pull(name, options))) {
      void service.settle(lease, { verb: "complete", result }).then(valueOf);
    }
  }
}

function start(nodeId: string, setup: Setup, parts: Parts): Promise<RunningNode> {
  const { nodes, authority, descriptorSet } = detailOf(setup);
  const own = nodes[nodeId];
  if (own === undefined) throw new Error(`no certificate of ${nodeId}`);
  const content = Buffer.from(descriptorSet, "base64");
  const config = create(NodeConfigSchema, {
    clusterId: "test",
    namespace: "test",
    nodeId,
    listeners: { peer: { host: "127.0.0.1", port: 0 } },
    descriptorSets: [{ hash: hashOf(content), content }],
    ...parts,
  });
  return startNode(config, {
    logger: createLogger({ level: "warn" }),
    metrics: createMetrics(),
    health: new Health(),
    credentials: {
      certificate: { pem: own.certificate },
      privateKey: { pem: own.privateKey },
      authorities: [{ pem: authority }],
    },
  });
}

function contractOf(setup: Setup): { request: string; response: string; descriptorSet: string } {
  const content = Buffer.from(detailOf(setup).descriptorSet, "base64");
  return { request: "bench.v1.Ask", response: "bench.v1.Answer", descriptorSet: hashOf(content) };
}

function hashOf(content: Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

function detailOf({ detail = "" }: Setup): Detail {
  return JSON.parse(detail) as Detail;
}

async function provided(service: NodeService): Promise<void> {
  while (valueOf(service.demand(name)).providers.length === 0) await delay(10);
}

function valueOf<T>(result: Result<T>): T {
  if (result.ok) return result.value;
  throw new Error(`${result.refusal.code}: ${result.refusal.detail}`);
}
