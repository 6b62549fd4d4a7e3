/**
 * The backend that works on a node in this process: no sidecar, no socket. The node is loaded when
 * the first Demand or Capability starts, so a program that uses a sidecar never loads it.
 * Tests: test/conformance/work-backend.test.ts.
 */
import type { NodeService } from "../../api/ports.ts";
import { SdkError } from "../sdk-error.ts";
import type { WarningListener } from "../warning.ts";
import type {
  CapabilityLink,
  CapabilityListener,
  CapabilitySpec,
  DemandLink,
  DemandListener,
  DemandSpec,
  WorkBackend,
} from "../work-backend.ts";
import { EmbeddedCapabilityLink } from "./capability-link.ts";
import { EmbeddedDemandLink } from "./demand-link.ts";
import type { EmbeddedConfig, EmbeddedNode, EmbeddedSpecs, OpenNode } from "./embedded-node.ts";

/** How a program's own node is made. */
export interface EmbeddedBackendOptions {
  readonly config: EmbeddedConfig;
  readonly warn: WarningListener;
  readonly openNode: OpenNode;
}

/** All links of a program to its own node. */
export class EmbeddedBackend implements WorkBackend {
  readonly #options: EmbeddedBackendOptions;
  readonly #demands = new Map<string, DemandSpec>();
  readonly #capabilities = new Map<string, CapabilitySpec>();
  #node: Promise<EmbeddedNode> | undefined;
  /** Configurations are handed over one after the other. */
  #configuring: Promise<unknown> = Promise.resolve();

  constructor(options: EmbeddedBackendOptions) {
    this.#options = options;
  }

  openDemand(spec: DemandSpec, listener: DemandListener): DemandLink {
    register(this.#demands, spec, "Demand");
    return new EmbeddedDemandLink(spec, listener, {
      open: () => this.#configured(),
      leave: () => this.#left(this.#demands, spec),
    });
  }

  openCapability(spec: CapabilitySpec, listener: CapabilityListener): CapabilityLink {
    register(this.#capabilities, spec, "Capability");
    return new EmbeddedCapabilityLink(spec, listener, {
      open: () => this.#configured(),
      leave: () => this.#left(this.#capabilities, spec),
      warn: this.#options.warn,
    });
  }

  async close(): Promise<void> {
    try {
      await (await this.#node)?.close();
    } catch {
      // A node that never started was reported by the object that needed it.
    }
  }

  /** The node, once it knows every object opened so far. */
  async #configured(): Promise<NodeService> {
    const { config, warn, openNode } = this.#options;
    this.#node ??= openNode(config, warn);
    const node = await this.#node;
    const specs = (): EmbeddedSpecs => ({
      demands: [...this.#demands.values()],
      capabilities: [...this.#capabilities.values()],
    });
    const configuring = this.#configuring.then(() => node.configure(specs()));
    this.#configuring = configuring.catch(() => undefined);
    await configuring;
    return node.service;
  }

  async #left<S extends { readonly name: string }>(specs: Map<string, S>, spec: S): Promise<void> {
    specs.delete(spec.name);
    if (this.#node !== undefined && this.#demands.size + this.#capabilities.size > 0) {
      await this.#configured();
    }
  }
}

function register<S extends { readonly name: string }>(
  specs: Map<string, S>,
  spec: S,
  kind: string,
): void {
  if (specs.has(spec.name)) {
    const message = `This program has a ${kind} named "${spec.name}" already; give this one another name.`;
    throw new SdkError("INVALID_OPTION", message);
  }
  specs.set(spec.name, spec);
}
