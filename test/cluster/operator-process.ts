/** The operator as its image starts it, with the token of a pod that exists in the API only. */
import { join } from "node:path";
import { request } from "undici";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/running-folder.ts";
import type { AuditEvent } from "./audit-log.ts";
import type { Cluster } from "./cluster.ts";
import { createServiceAccountFolder, operatorIdentity, operatorUser } from "./installed.ts";
import { ServerProcess } from "./server-process.ts";

/** Where the compiled operator is. */
const compiled = join(import.meta.dirname, "../../dist/operator/main.js");

/** Key of the pod's name among the facts of a token. */
const podNameKey = "authentication.kubernetes.io/pod-name";

/** One replica of the operator. */
export class OperatorProcess {
  /** Name of its pod. */
  readonly name: string;
  readonly process: ServerProcess;
  /** `HOST:PORT` of the control stream, as the Lease's holder identity has it. */
  readonly controlAddress: string;
  readonly #cluster: Cluster;
  readonly #healthUrl: string;
  #restarts = 0;
  #supervised = false;

  constructor(options: {
    readonly name: string;
    readonly process: ServerProcess;
    readonly controlAddress: string;
    readonly cluster: Cluster;
    readonly healthUrl: string;
  }) {
    this.name = options.name;
    this.process = options.process;
    this.controlAddress = options.controlAddress;
    this.#cluster = options.cluster;
    this.#healthUrl = options.healthUrl;
  }

  /** How often `supervise` started it again. */
  get restarts(): number {
    return this.#restarts;
  }

  /** From here on it is started again whenever it ends, as a kubelet would. */
  supervise(): void {
    this.#supervised = true;
    const watch = async (): Promise<void> => {
      while (this.#supervised) {
        await this.process.ended;
        if (!this.#supervised) return;
        this.#restarts += 1;
        this.process.spawn();
      }
    };
    void watch();
  }

  /** Ends it in order, for good. */
  async stop(): Promise<string> {
    this.#supervised = false;
    return await this.process.stop(10_000);
  }

  /** Ends it without notice, for good. */
  async kill(): Promise<void> {
    this.#supervised = false;
    await this.process.kill();
  }

  /** Its requests in the audit log, by the pod that its token names. */
  requests(matches: (event: AuditEvent) => boolean = () => true): AuditEvent[] {
    return this.#cluster.audit.read(
      (event) =>
        event.user.username === operatorUser &&
        event.user.extra?.[podNameKey]?.[0] === this.name &&
        matches(event),
    );
  }

  /** Whether it is the one that the Lease names. */
  async leads(): Promise<boolean> {
    return (await holder(this.#cluster)) === this.controlAddress;
  }

  /** Its metrics, as Prometheus would read them. */
  async metrics(): Promise<string> {
    const { body } = await request(`${this.#healthUrl}/metrics`);
    return await body.text();
  }
}

/** @returns the present holder of the operator's Lease; "" when there is none. */
export async function holder(cluster: Cluster): Promise<string> {
  const namespace = `/apis/coordination.k8s.io/v1/namespaces/${operatorIdentity.namespace}`;
  const lease = await cluster.admin.api.find(`${namespace}/leases/spillway-operator`);
  return String(lease?.["spec"]?.holderIdentity ?? "");
}

/**
 * Starts a replica in a cluster with an installation, and waits until it is ready.
 * @param name of its pod; each replica has another one.
 * @param program its main file.
 */
export async function startOperator(
  cluster: Cluster,
  name: string,
  program = compiled,
): Promise<OperatorProcess> {
  const folder = await createServiceAccountFolder(cluster, name);
  const [controlPort, healthPort] = [await freePort(), await freePort()];
  const healthUrl = `http://127.0.0.1:${healthPort}`;
  const server = new ServerProcess({
    name,
    program: process.execPath,
    args: [
      program,
      `--service-account-folder=${folder}`,
      `--control-port=${controlPort}`,
      `--health-port=${healthPort}`,
    ],
    logFile: join(cluster.folder, `${name}.log`),
    env: {
      POD_NAME: name,
      POD_NAMESPACE: operatorIdentity.namespace,
      POD_IP: "127.0.0.1",
      KUBERNETES_SERVICE_HOST: new URL(cluster.server).hostname,
      KUBERNETES_SERVICE_PORT: new URL(cluster.server).port,
    },
    isReady: async () => {
      const { statusCode, body } = await request(`${healthUrl}/readyz`, { headersTimeout: 2_000 });
      await body.dump();
      return statusCode === 200;
    },
  });
  await server.start();
  const controlAddress = `127.0.0.1:${controlPort}`;
  return new OperatorProcess({ name, process: server, controlAddress, cluster, healthUrl });
}

/** Waits until one of some replicas leads. @returns it. */
export async function leaderOf(
  operators: readonly OperatorProcess[],
  timeoutMs = 30_000,
): Promise<OperatorProcess> {
  return await eventually(
    async () => {
      for (const it of operators) if (it.process.isRunning && (await it.leads())) return it;
      return undefined;
    },
    { timeoutMs, intervalMs: 50, what: "a leader" },
  );
}
