/**
 * `/healthz`, `/readyz` and `/metrics` over HTTP, as kubelets and Prometheus expect them. A check
 * is a name and a question; `/readyz?verbose` lists the answers.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";

/** @returns one sentence why it is not so; undefined = it is. Quick and without waiting. */
export type HealthCheck = () => string | undefined;

/** Settings of the server. */
export interface HealthServerOptions {
  /** Address to listen on. @default "::", every address */
  readonly host?: string;
  /** TCP port; 0 = a free one. */
  readonly port: number;
  /** Asked by `/healthz`, by name. A failing one gets the process restarted. @default none */
  readonly liveness?: Readonly<Record<string, HealthCheck>>;
  /** Asked by `/readyz`, by name. @default none */
  readonly readiness?: Readonly<Record<string, HealthCheck>>;
  /** What `/metrics` shows, one after the other. */
  readonly metrics: readonly MetricsSource[];
}

/** Metrics in text form. */
export interface MetricsSource {
  /** Media type of `expose`. */
  readonly contentType: string;
  expose(): Promise<string>;
}

/** A server without upkeep: it listens until it is closed. */
export class HealthServer {
  readonly #options: HealthServerOptions;
  readonly #server: Server;

  constructor(options: HealthServerOptions) {
    this.#options = options;
    this.#server = createServer(
      // Probes are small and quick; nobody holds a connection for long.
      { requestTimeout: 5_000, headersTimeout: 5_000, maxHeaderSize: 8_192 },
      (request, response) => {
        void this.#answer(request, response);
      },
    );
    this.#server.maxConnections = 64;
  }

  /**
   * Begins to listen.
   * @returns the port.
   * @throws {Error} of Node, for example `EADDRINUSE`.
   */
  listen(): Promise<number> {
    const { host, port } = this.#options;
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen({ host, port }, () => {
        this.#server.off("error", reject);
        const address = this.#server.address();
        resolve(typeof address === "object" && address !== null ? address.port : port);
      });
    });
  }

  /** Ends every connection; final. */
  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path = "", query] = (request.url ?? "").split("?", 2);
    if (request.method !== "GET" && request.method !== "HEAD") {
      send(response, 405, "only GET and HEAD\n");
    } else if (path === "/healthz") {
      answerChecks(response, this.#options.liveness ?? {}, query);
    } else if (path === "/readyz") {
      answerChecks(response, this.#options.readiness ?? {}, query);
    } else if (path === "/metrics") {
      await this.#answerMetrics(response);
    } else {
      send(response, 404, "there is /healthz, /readyz, /metrics\n");
    }
  }

  async #answerMetrics(response: ServerResponse): Promise<void> {
    const { metrics } = this.#options;
    try {
      const texts = await Promise.all(metrics.map((source) => source.expose()));
      send(response, 200, texts.join("\n"), metrics[0]?.contentType);
    } catch {
      send(response, 500, "metrics cannot be collected\n");
    }
  }
}

function answerChecks(
  response: ServerResponse,
  checks: Readonly<Record<string, HealthCheck>>,
  query: string | undefined,
): void {
  const answers = Object.entries(checks).map(([name, check]) => ({ name, why: ask(check) }));
  const failed = answers.some(({ why }) => why !== undefined);
  const verbose = failed || new URLSearchParams(query).has("verbose");
  const lines = answers.map(({ name, why }) =>
    why === undefined ? `[+]${name} ok` : `[-]${name} failed: ${why}`,
  );
  send(response, failed ? 500 : 200, verbose ? `${lines.join("\n")}\n` : "ok");
}

function ask(check: HealthCheck): string | undefined {
  try {
    return check();
  } catch (error) {
    return error instanceof Error ? error.message : "the check threw";
  }
}

function send(response: ServerResponse, status: number, text: string, type = "text/plain"): void {
  response.writeHead(status, { "content-type": type, "x-content-type-options": "nosniff" });
  response.end(text);
}
