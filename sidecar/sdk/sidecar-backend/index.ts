/**
 * The backend that works through a sidecar: HTTP over its unix socket (design: api). Nothing of the
 * embedded node is loaded by it.
 * Tests: test/conformance/work-backend.test.ts, test/integration/sdk.
 */
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
import { SidecarCapabilityLink } from "./capability-link.ts";
import { SidecarDemandLink } from "./demand-link.ts";
import { SidecarHttp } from "./sidecar-http.ts";

/** How a program reaches its sidecar. */
export interface SidecarBackendOptions {
  /** Path of the unix socket, at most 107 bytes. */
  readonly socketPath: string;
  readonly warn: WarningListener;
}

/** All links of a program to its sidecar. */
export class SidecarBackend implements WorkBackend {
  readonly #http: SidecarHttp;
  readonly #warn: WarningListener;

  constructor(options: SidecarBackendOptions) {
    this.#http = new SidecarHttp(options.socketPath);
    this.#warn = options.warn;
  }

  openDemand(spec: DemandSpec, listener: DemandListener): DemandLink {
    return new SidecarDemandLink(spec, { http: this.#http, listener, warn: this.#warn });
  }

  openCapability(spec: CapabilitySpec, listener: CapabilityListener): CapabilityLink {
    return new SidecarCapabilityLink(spec, { http: this.#http, listener, warn: this.#warn });
  }

  close(): Promise<void> {
    return this.#http.close();
  }
}
