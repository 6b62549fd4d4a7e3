/** A sidecar as injection starts it, for a pod that exists in the API only. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../support/eventually.ts";
import type { Cluster } from "./cluster.ts";
import { operatorIdentity } from "./installed.ts";
import { type Pod, podToken } from "./pods.ts";
import { ServerProcess } from "./server-process.ts";

/** Where the compiled sidecar is. */
const program = join(import.meta.dirname, "../../dist/sidecar/main.js");

/** Addresses that a sidecar bound, as its ready file has them. */
interface BoundAddresses {
  readonly ops: { readonly host: string; readonly port: number };
}

/** One sidecar. */
export class SidecarProcess {
  readonly pod: Pod;
  readonly process: ServerProcess;
  /** Unix socket of the application's API. */
  readonly appSocket: string;
  readonly #readyFile: string;

  constructor(pod: Pod, process: ServerProcess, folder: string) {
    this.pod = pod;
    this.process = process;
    this.appSocket = join(folder, "app.sock");
    this.#readyFile = join(folder, "ready.json");
  }

  /** Starts it, for the first time or again, and waits until it passes its start. */
  async start(): Promise<void> {
    rmSync(this.#readyFile, { force: true });
    await this.process.start();
  }

  /** URL of its ops listener. */
  get opsUrl(): string {
    const { ops } = JSON.parse(readFileSync(this.#readyFile, "utf8")) as BoundAddresses;
    return `http://${ops.host}:${ops.port}`;
  }
}

/** @returns the authorities that injection would carry into a pod; waits until they are there. */
export async function trustBundle(cluster: Cluster): Promise<string> {
  const path = `/api/v1/namespaces/${operatorIdentity.namespace}/configmaps/spillway-injection`;
  return await eventually(
    async () => (await cluster.admin.api.find(path))?.["data"]?.trustBundle as string | undefined,
    { timeoutMs: 30_000, what: "the operator's trust bundle" },
  );
}

/**
 * Starts the sidecar of a pod. The caller stops it.
 * @param control `HOST:PORT` of an operator, or of a service in front of several.
 */
export async function startSidecar(
  cluster: Cluster,
  pod: Pod,
  control: string,
): Promise<SidecarProcess> {
  const folder = join(cluster.folder, pod.uid.slice(0, 8));
  mkdirSync(folder);
  const files = {
    token: join(folder, "token"),
    trustBundle: join(folder, "trust-bundle.pem"),
    ready: join(folder, "ready.json"),
  };
  writeFileSync(files.token, await podToken(cluster.admin.api, pod), { mode: 0o600 });
  writeFileSync(files.trustBundle, await trustBundle(cluster));
  const server = new ServerProcess({
    name: `sidecar of ${pod.name}`,
    program: process.execPath,
    args: [
      program,
      `--control=${control}`,
      `--token-file=${files.token}`,
      `--trust-bundle=${files.trustBundle}`,
      `--state-folder=${join(folder, "state")}`,
      `--app-socket=${join(folder, "app.sock")}`,
      `--ready-file=${files.ready}`,
      "--pod-ip=127.0.0.1",
      "--peer-port=0",
      "--admin-port=0",
      "--ops-port=0",
      "--no-multicast",
    ],
    logFile: join(folder, "sidecar.log"),
    isReady: async () => existsSync(files.ready),
  });
  const sidecar = new SidecarProcess(pod, server, folder);
  await sidecar.start();
  return sidecar;
}
