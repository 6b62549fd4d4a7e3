/** Reads what `spillway check` judges. */
import { askVersion } from "../inspect/index.ts";
import { labels, ownObjects } from "../manifests/index.ts";
import type { KubeconfigOptions } from "../runtime/index.ts";
import { customResourceDefinition, definedKinds } from "../schema/index.ts";
import { askPods } from "./ask-pods.ts";
import { ClusterAccess } from "./cluster-access.ts";
import { ClusterError } from "./cluster-error.ts";
import type { CheckLine } from "./check-line.ts";
import {
  checkDefinition,
  checkInjection,
  checkLeader,
  checkTrust,
  checkVersion,
  checkWords,
} from "./checks.ts";
import { checkPolicy, policiesLacking, policyNames } from "./policy-checks.ts";
import { placeOfPod } from "./pod-place.ts";
import { type ConfigMap, isRunning, type Pod, types } from "./resources.ts";
import { checkCommandVersion, checkSidecarVersions } from "./version-checks.ts";

/** What is checked. */
export interface CheckOptions {
  /** @default as kubectl finds it */
  readonly kubeconfig: KubeconfigOptions;
  /** Pods of this namespace alone. @default all namespaces */
  readonly namespace: string | undefined;
  /** Where the operator keeps its Lease and the trust bundle. */
  readonly operatorNamespace: string;
  /** The wall clock of the person's machine, ms since 1970. */
  readonly nowEpochMs: number;
  /** Of this command. */
  readonly version: string;
}

/** The ConfigMap that the operator writes, asked for once. */
type Injection = Promise<ConfigMap | undefined>;

/**
 * Checks a cluster, a line for each thing. What the person may not read is skipped, and said.
 * @throws {ClusterError} when the cluster cannot be asked at all.
 */
export async function runChecks(options: CheckOptions): Promise<CheckLine[]> {
  const access = await ClusterAccess.open(options.kubeconfig);
  try {
    // First and alone: who cannot get this gets nothing, and one error says why.
    const version = await access.request({ method: "GET", path: "/version" });
    const injection = access.find(types.configMaps, {
      namespace: options.operatorNamespace,
      name: ownObjects.injection,
    });
    const lines = await Promise.all([
      ...definitionChecks(access),
      ...policyChecks(access, version, options),
      ...operatorChecks(access, injection, options),
      podChecks(access, injection, options),
    ]);
    return [checkVersion(version, access.credentials.server), ...lines.flat()];
  } finally {
    await access.close();
  }
}

function definitionChecks(access: ClusterAccess): Promise<CheckLine[]>[] {
  return definedKinds.map((kind) => {
    const { name } = customResourceDefinition(kind).metadata;
    return allowed(name, async () => [
      checkDefinition(kind, await access.find(types.definitions, { name })),
    ]);
  });
}

function policyChecks(
  access: ClusterAccess,
  version: unknown,
  { operatorNamespace }: CheckOptions,
): Promise<CheckLine[]>[] {
  return policyNames.map((name) =>
    allowed(name, async () => {
      const lacking = policiesLacking(name, version);
      if (lacking !== undefined) return [lacking];
      const [policy, binding] = await Promise.all([
        access.find(types.policies, { name }),
        access.find(types.policyBindings, { name }),
      ]);
      return [checkPolicy(name, { policy, binding }, operatorNamespace)];
    }),
  );
}

function operatorChecks(
  access: ClusterAccess,
  injection: Injection,
  { operatorNamespace: namespace, nowEpochMs, version }: CheckOptions,
): Promise<CheckLine[]>[] {
  return [
    allowed("operator", async () => {
      const lease = await access.find(types.leases, { namespace, name: ownObjects.lease });
      return [checkLeader(lease, namespace, nowEpochMs)];
    }),
    allowed("certificates", async () => [checkTrust(await injection, namespace, nowEpochMs)]),
    allowed("command", async () => [checkCommandVersion(version, versionIn(await injection))]),
  ];
}

async function podChecks(
  access: ClusterAccess,
  injection: Injection,
  { namespace, version }: CheckOptions,
): Promise<CheckLine[]> {
  return allowed("sidecars", async () => {
    const [pods = [], namespaces = []] = await Promise.all([
      access.list(types.pods, { namespace }),
      namespace === undefined
        ? access.list(types.namespaces, {})
        : access.find(types.namespaces, { name: namespace }).then((it) => (it ? [it] : [])),
    ]);
    const operator = await injection.then(versionIn, () => undefined);
    const running = pods.filter((pod) => isRunning(pod) && isInjected(pod));
    const seen = await askPods(running, (pod) => askVersion(placeOfPod(access.credentials, pod)));
    return [
      checkInjection(pods, namespaces),
      checkSidecarVersions({ ...seen, pods: running, operator, command: version }),
      checkWords(pods),
    ];
  });
}

function versionIn(injection: ConfigMap | undefined): string | undefined {
  return injection?.data?.["operatorVersion"];
}

function isInjected({ metadata }: Pod): boolean {
  return metadata.labels?.[labels.injected] !== undefined;
}

/** A check that the person has no permission for is a line that says so. */
async function allowed(subject: string, check: () => Promise<CheckLine[]>): Promise<CheckLine[]> {
  try {
    return await check();
  } catch (error) {
    if (!(error instanceof ClusterError) || error.code !== "FORBIDDEN") throw error;
    return [{ verdict: "skipped", subject, text: `${error.text}.` }];
  }
}
