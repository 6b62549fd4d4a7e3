/** A user of the cluster: a kubeconfig on disk, plain requests, and kubectl. */
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { ApiClient, type Credentials } from "./api-client.ts";

/** What a user is made of. */
export interface UserOptions {
  /** Name as RBAC sees it. */
  readonly name: string;
  /** Address of the API server. */
  readonly server: string;
  /** PEM of the authority that signed its certificate. */
  readonly caPem: string;
  readonly credentials: Credentials;
  /** Folder for the kubeconfig and kubectl's cache. */
  readonly folder: string;
  /** Path of kubectl. */
  readonly kubectl: string;
}

/** What a finished kubectl said. */
export interface KubectlOutcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** See the head of the file. */
export class User {
  readonly name: string;
  readonly api: ApiClient;
  /** Path of the kubeconfig. */
  readonly kubeconfig: string;
  readonly #options: UserOptions;

  constructor(options: UserOptions) {
    const { name, server, caPem, credentials, folder } = options;
    this.#options = options;
    this.name = name;
    this.api = new ApiClient(server, caPem, credentials);
    this.kubeconfig = join(folder, `${name.replaceAll(/[^-a-z0-9]/g, "-")}.kubeconfig`);
    const text = JSON.stringify(kubeconfigOf(options), undefined, 2);
    writeFileSync(this.kubeconfig, text, { mode: 0o600 });
  }

  /**
   * Runs kubectl and expects it to succeed.
   * @param input what it reads at `-f -`; an object goes as JSON.
   * @returns what it printed.
   * @throws {Error} with what it said when it failed.
   */
  async kubectl(args: readonly string[], input?: string | object): Promise<string> {
    const { code, stdout, stderr } = await this.tryKubectl(args, input);
    if (code === 0) return stdout;
    throw new Error(`kubectl ${args.join(" ")} ended with ${code}: ${stderr}${stdout}`);
  }

  /** Runs kubectl to its end, whatever that is. */
  async tryKubectl(args: readonly string[], input?: string | object): Promise<KubectlOutcome> {
    const { kubectl, folder } = this.#options;
    const own = ["--kubeconfig", this.kubeconfig, "--cache-dir", join(folder, "kubectl-cache")];
    // kuberc=off: a user's own settings of kubectl have no say here.
    const child = spawn(kubectl, [...own, ...args], {
      env: { ...process.env, HOME: folder, KUBERC: "off" },
      stdio: ["pipe", "pipe", "pipe"],
    });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    child.stdin.on("error", () => undefined);
    child.stdin.end(typeof input === "object" ? JSON.stringify(input) : input);
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", resolve);
    });
    return { code, stdout, stderr };
  }
}

function kubeconfigOf({ name, server, caPem, credentials }: UserOptions): object {
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
  const cluster = { server, "certificate-authority-data": base64(caPem) };
  const user =
    "token" in credentials
      ? { token: credentials.token }
      : {
          "client-certificate-data": base64(credentials.certPem),
          "client-key-data": base64(credentials.keyPem),
        };
  return {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "cluster", cluster }],
    users: [{ name, user }],
    contexts: [{ name: "context", context: { cluster: "cluster", user: name } }],
    "current-context": "context",
  };
}
