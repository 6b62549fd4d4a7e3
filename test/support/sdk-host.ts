/** SDK objects over a MemoryNode: through a real API on a real socket, or directly. */
import { StringValueSchema as Text } from "@bufbuild/protobuf/wkt";
import { AppServer, apiMetrics } from "../../sidecar/api/index.ts";
import { createMetrics, realClock, realTimers, silentLogger } from "../../sidecar/runtime/index.ts";
import { EmbeddedBackend } from "../../sidecar/sdk/embedded-backend/index.ts";
import type { BackendHold, Host } from "../../sidecar/sdk/program.ts";
import { SidecarBackend } from "../../sidecar/sdk/sidecar-backend/index.ts";
import type { SdkWarning } from "../../sidecar/sdk/warning.ts";
import type { WorkBackend } from "../../sidecar/sdk/work-backend.ts";
import { descriptorSetOf } from "../../sidecar/wire/message-codec.ts";
import { MemoryNode } from "./memory-node.ts";

/** Demand and capability `texts`, request and response `google.protobuf.StringValue`. */
export function textNode(): MemoryNode {
  return new MemoryNode({
    demand: "texts",
    capability: "texts",
    request: Text.typeName,
    response: Text.typeName,
    descriptorSet: descriptorSetOf([Text]),
  });
}

/** A program in a test: one backend, its warnings collected. */
export class TestHost implements Host {
  readonly warnings: SdkWarning[] = [];
  readonly #backend: WorkBackend;

  constructor(open: (warn: (warning: SdkWarning) => void) => WorkBackend) {
    this.#backend = open(this.warn);
  }

  readonly warn = (warning: SdkWarning): void => {
    this.warnings.push(warning);
  };

  acquire(): BackendHold {
    return { backend: this.#backend, release: async () => undefined };
  }

  close(): Promise<void> {
    return this.#backend.close();
  }
}

/** A sidecar's API in this process, which can be ended and started again. */
export class TestSidecar {
  readonly socketPath: string;
  #server: AppServer | undefined;

  constructor(socketPath: string) {
    this.socketPath = socketPath;
  }

  async start(node: MemoryNode): Promise<void> {
    this.#server = await AppServer.create({
      node,
      logger: silentLogger,
      metrics: createMetrics().register(apiMetrics),
      timers: realTimers,
      clock: realClock,
    });
    await this.#server.listen(this.socketPath);
  }

  /** Cuts every connection. */
  async stop(): Promise<void> {
    await this.#server?.close(0);
    this.#server = undefined;
  }
}

/** A program that uses a sidecar. */
export function sidecarHost(socketPath: string): TestHost {
  return new TestHost((warn) => new SidecarBackend({ socketPath, warn }));
}

/** A program that works on this node directly. */
export function embeddedHost(node: MemoryNode): TestHost {
  const config = { mode: "embedded", multicast: {} } as const;
  const openNode = async () => ({
    service: node,
    configure: async () => undefined,
    close: async () => undefined,
  });
  return new TestHost((warn) => new EmbeddedBackend({ config, warn, openNode }));
}
