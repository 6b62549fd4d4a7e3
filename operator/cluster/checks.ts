/** What `spillway check` judges, each from what was read. Pure but for certificates. */
import { X509Certificate } from "node:crypto";
import { annotations, labels, ownObjects } from "../manifests/index.ts";
import type { ApiObject, Lease } from "../runtime/index.ts";
import { customResourceDefinition, type DefinedKind, nearestName } from "../schema/index.ts";
import { hashOf } from "./canonical-hash.ts";
import { bad, type CheckLine, good } from "./check-line.ts";
import { gitVersionOf, minorOf } from "./minor-version.ts";
import type { ConfigMap, InstalledDefinition, Pod } from "./resources.ts";

/** Oldest minor version of Kubernetes 1 with native sidecars switched on. */
const leastMinor = 29;

/** From this one on injection needs no webhook: MutatingAdmissionPolicy v1. */
const policyMinor = 36;

/** A certificate that ends within this is reported, ms: 30 days. */
const soonMs = 30 * 24 * 3_600_000;

/** Names that one line tells at most. */
const maxNames = 10;

/** The API server. @param answer of `/version`. */
export function checkVersion(answer: unknown, server: string): CheckLine {
  const subject = "API server";
  const version = gitVersionOf(answer);
  const minor = minorOf(answer);
  if (minor === undefined) return bad(subject, `${server} tells no version. Is it Kubernetes?`);
  if (minor < leastMinor) {
    const needed = `1.${leastMinor} or later is needed for native sidecars. Upgrade the cluster`;
    return bad(subject, `${version}; ${needed}.`);
  }
  const webhook = minor < policyMinor ? "; injection by webhook" : "";
  return good(subject, `${version} at ${server}${webhook}`);
}

/** A definition against what this version writes. @param installed undefined: it is not there. */
export function checkDefinition(
  kind: DefinedKind,
  installed: InstalledDefinition | undefined,
): CheckLine {
  const expected = customResourceDefinition(kind);
  const { name } = expected.metadata;
  const apply = "kubectl apply --server-side -f crds/";
  if (installed === undefined) return bad(name, `is not installed. Install it: ${apply}`);
  const established = (installed.status?.conditions ?? []).some(
    ({ type, status }) => type === "Established" && status === "True",
  );
  if (!established) return bad(name, `is not established; kubectl describe crd ${name} says why.`);
  const [own] = expected.spec.versions;
  const served = installed.spec?.versions?.find((it) => it.served && it.name === own?.name);
  if (served === undefined) return bad(name, `does not serve ${own?.name ?? ""}. Update: ${apply}`);
  const [mine, theirs] = [own?.schema.openAPIV3Schema, served.schema?.openAPIV3Schema].map(hashOf);
  return mine === theirs
    ? good(name, `schema ${mine ?? ""}`)
    : bad(name, `schema ${theirs ?? ""}, this version has ${mine ?? ""}. Update: ${apply}`);
}

/** The leader of the operator. @param lease undefined: there is none. */
export function checkLeader(
  lease: Lease | undefined,
  namespace: string,
  nowEpochMs: number,
): CheckLine {
  const subject = "operator";
  if (lease === undefined) {
    const remedy = "Install the operator, or name its namespace with --operator-namespace.";
    return bad(subject, `no Lease ${ownObjects.lease} in namespace ${namespace}. ${remedy}`);
  }
  const { holderIdentity = "", renewTime = "", leaseDurationSeconds = 15 } = lease.spec ?? {};
  if (holderIdentity === "") {
    const remedy = `kubectl get pods -n ${namespace} tells whether one is starting.`;
    return bad(subject, `nobody leads: the last leader gave up its Lease. ${remedy}`);
  }
  const ageSeconds = Math.max(0, Math.round((nowEpochMs - Date.parse(renewTime)) / 1_000));
  // Clocks of two machines differ; one whole life more is no reason to worry.
  if (!(ageSeconds <= 2 * leaseDurationSeconds)) {
    const remedy = `kubectl get pods -n ${namespace} tells how the operator is.`;
    return bad(
      subject,
      `${holderIdentity} led and has not been heard for ${ageSeconds} s. ${remedy}`,
    );
  }
  return good(subject, `${holderIdentity} leads, renewed ${ageSeconds} s ago`);
}

/** The authorities that sidecars trust. @param config undefined: it is not there. */
export function checkTrust(
  config: ConfigMap | undefined,
  namespace: string,
  nowEpochMs: number,
): CheckLine {
  const subject = "certificates";
  const where = `ConfigMap ${ownObjects.injection} of namespace ${namespace}`;
  const bundle = config?.data?.["trustBundle"] ?? "";
  const pems = bundle.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (pems.length === 0) {
    return bad(
      subject,
      `no trustBundle in ${where}: no pod gets a sidecar until an operator writes it.`,
    );
  }
  try {
    const ends = pems.map((pem) => Date.parse(new X509Certificate(pem).validTo));
    const last = Math.max(...ends);
    const until = new Date(last).toISOString().slice(0, 10);
    const which = pems.length === 1 ? "the authority" : `the last of ${pems.length} authorities`;
    if (last > nowEpochMs + soonMs) return good(subject, `${which} is valid until ${until}`);
    const how = last > nowEpochMs ? `is valid until ${until} only` : `ended on ${until}`;
    return bad(subject, `${which} ${how}. A running operator replaces it in time; see its log.`);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return bad(subject, `the trustBundle in ${where} cannot be read: ${why}.`);
  }
}

/** Whether a namespace or pod opted in. */
function optsIn({ metadata }: ApiObject): boolean {
  return metadata.labels?.[labels.inject] === "true";
}

/**
 * Pods that opted in and have no sidecar.
 * @param namespaces those that were read; a missing one is taken as not opted in.
 */
export function checkInjection(pods: readonly Pod[], namespaces: readonly ApiObject[]): CheckLine {
  const subject = "sidecars";
  const optedIn = new Set(namespaces.filter(optsIn).map(({ metadata }) => metadata.name));
  const living = pods.filter(
    ({ status }) => !["Succeeded", "Failed"].includes(status?.phase ?? ""),
  );
  const has = ({ metadata }: Pod): boolean => metadata.labels?.[labels.injected] !== undefined;
  const without = living.filter(
    (pod) =>
      !has(pod) &&
      (optsIn(pod) ||
        (optedIn.has(pod.metadata.namespace ?? "") &&
          pod.metadata.labels?.[labels.inject] !== "false")),
  );
  if (without.length === 0) {
    const count = living.filter(has).length;
    return good(subject, `${count} ${count === 1 ? "pod has" : "pods have"} one, none lacks it`);
  }
  const names = without
    .slice(0, maxNames)
    .map(({ metadata }) => `${metadata.namespace ?? ""}/${metadata.name}`);
  const more = without.length > names.length ? `, and ${without.length - names.length} more` : "";
  const which = `${without.length} opted in and lack one: ${names.join(", ")}${more}`;
  return bad(subject, `${which}. Create them again: injection looks at new pods only.`);
}

const knownWords = [...Object.values(labels), ...Object.values(annotations)];

/** Labels and annotations that look like ours and are none. */
export function checkWords(pods: readonly Pod[]): CheckLine {
  const subject = "annotations";
  const prefix = `${labels.inject.split("/", 1)[0] ?? ""}/`;
  const unknown = new Map<string, string>();
  for (const { metadata } of pods) {
    const words = Object.keys({ ...metadata.labels, ...metadata.annotations });
    for (const word of words) {
      if (!word.startsWith(prefix) || knownWords.some((known) => known === word)) continue;
      unknown.set(word, `${metadata.namespace ?? ""}/${metadata.name}`);
    }
  }
  if (unknown.size === 0) return good(subject, `of ${prefix}* all are known`);
  const told = [...unknown].slice(0, maxNames).map(([word, pod]) => {
    const near = nearestName(word, knownWords);
    return `${word} of ${pod}${near === undefined ? "" : ` (did you mean ${near}?)`}`;
  });
  return bad(subject, `unknown: ${told.join(", ")}.`);
}
