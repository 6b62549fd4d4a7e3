/** The HTTP listeners of a sidecar: what each serves, where it is bound, how it ends. */
import { AdminServer, type ApiMetrics, AppServer, OpsServer } from "./api/index.ts";
import type { NodeService } from "./api/ports.ts";
import {
  type Health,
  type Logger,
  type Metrics,
  realClock,
  realTimers,
  type Shutdown,
} from "./runtime/index.ts";
import { packageVersion } from "./runtime/package-version.ts";

/** A host and a port, wanted or bound. */
export interface SocketPlace {
  readonly host: string;
  readonly port: number;
}

/** What the listeners work with. */
export interface ListenerComponents {
  readonly node: NodeService;
  readonly logger: Logger;
  readonly apiMetrics: ApiMetrics;
  readonly metrics: Metrics;
  readonly health: Health;
  /** Ends them, those opened last first. */
  readonly shutdown: Shutdown;
}

/** Time for each listener to end; with the drain before it this stays below 10 s on one machine. */
export const listenerEndMs = 1_500;

/** Opens the listeners of one sidecar, each once. */
export class Listeners {
  readonly #components: ListenerComponents;
  readonly #server: Omit<ConstructorParameters<typeof OpsServer>[0], "version">;

  constructor(components: ListenerComponents) {
    this.#components = components;
    const { node, logger, apiMetrics } = components;
    this.#server = { node, logger, metrics: apiMetrics, timers: realTimers };
  }

  /** @returns the bound address. @throws {ApiError} `LISTEN_FAILED`. */
  async openAdmin(place: SocketPlace): Promise<SocketPlace> {
    const { metrics, health } = this.#components;
    const readiness = (): ReturnType<Health["readiness"]> => health.readiness();
    const admin = new AdminServer({ ...this.#server, exposition: metrics, readiness });
    const { host, port } = await admin.listen(place);
    this.#endLater("admin listener", () => admin.close());
    return { host, port };
  }

  /** @returns the bound address. @throws {ApiError} `LISTEN_FAILED`. */
  async openOps(place: SocketPlace): Promise<SocketPlace> {
    const ops = new OpsServer({ ...this.#server, version: packageVersion() });
    const { host, port } = await ops.listen(place);
    this.#endLater("ops listener", () => ops.close());
    return { host, port };
  }

  /** @throws {ApiError} `LISTEN_FAILED`. */
  async openApp(socketPath: string): Promise<void> {
    const { node, logger, apiMetrics: metrics } = this.#components;
    const server = { node, logger, metrics, timers: realTimers, clock: realClock };
    const app = await AppServer.create(server);
    await app.listen(socketPath);
    this.#endLater("app listener", () => app.close(listenerEndMs / 2));
  }

  #endLater(name: string, end: () => Promise<void>): void {
    this.#components.shutdown.add({ name, timeoutMs: listenerEndMs, end });
  }
}
