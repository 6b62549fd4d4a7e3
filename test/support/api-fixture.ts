/** An AppServer over a MemoryNode with a contract of pictures, for tests of the HTTP interfaces. */
import { onTestFinished } from "vitest";
import { AppServer, apiMetrics, type ApiComponents } from "../../sidecar/api/index.ts";
import { createMetrics, realClock, realTimers, silentLogger } from "../../sidecar/runtime/index.ts";
import { compileProto } from "./compile-proto.ts";
import { MemoryNode } from "./memory-node.ts";

const proto = `syntax = "proto3";
package pictures;
message Job { string url = 1; uint32 width = 2; repeated Job parts = 3; }
message Picture { bytes image = 1; uint32 width = 2; }
`;

let descriptorSet: Uint8Array | undefined;

/** Demand `pictures`, capability `resizer`, request `pictures.Job`, response `pictures.Picture`. */
export function memoryNode(): MemoryNode {
  descriptorSet ??= compileProto({ "pictures.proto": proto });
  return new MemoryNode({
    demand: "pictures",
    capability: "resizer",
    request: "pictures.Job",
    response: "pictures.Picture",
    descriptorSet,
  });
}

/** A server and what stands behind it. */
export interface ApiFixture {
  readonly node: MemoryNode;
  readonly server: AppServer;
  readonly app: AppServer["app"];
  readonly metrics: ReturnType<typeof createMetrics>;
  readonly components: ApiComponents;
}

/** Makes one for a test; closed when the test ends. */
export async function apiFixture(over: Partial<ApiComponents> = {}): Promise<ApiFixture> {
  const node = memoryNode();
  const metrics = createMetrics();
  const components: ApiComponents = {
    node,
    logger: silentLogger,
    metrics: metrics.register(apiMetrics),
    timers: realTimers,
    clock: realClock,
    ...over,
  };
  const server = await AppServer.create(components);
  onTestFinished(() => server.close(0));
  return { node, server, app: server.app, metrics, components };
}
