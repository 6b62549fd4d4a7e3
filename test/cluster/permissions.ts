/**
 * Whether roles are minimal: what they grant, held against what the audit log shows as used. One
 * permission is a line, `VERB GROUP/RESOURCE[/SUBRESOURCE] SCOPE`, so that a difference reads well.
 */
import type { ApiClient, ApiObject } from "./api-client.ts";
import type { AuditEvent } from "./audit-log.ts";

/** A rule of a Role or ClusterRole. */
interface PolicyRule {
  readonly verbs: readonly string[];
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
}

/** Where a permission holds: a namespace's name, or everywhere. */
export type Scope = string;

/** Scope of a ClusterRoleBinding. */
export const everywhere: Scope = "*";

const line = (verb: string, group: string, resource: string, scope: Scope): string =>
  `${verb} ${group === "" ? "core" : group}/${resource} ${scope}`;

/** @returns what rules grant in a scope, a line for each verb of each resource. */
export function permissionsOf(rules: readonly PolicyRule[], scope: Scope): string[] {
  return rules.flatMap(({ verbs, apiGroups = [], resources = [], nonResourceURLs = [] }) =>
    verbs.flatMap((verb) => [
      ...nonResourceURLs.map((url) => `${verb} ${url} ${everywhere}`),
      ...apiGroups.flatMap((group) => resources.map((it) => line(verb, group, it, scope))),
    ]),
  );
}

/** @returns what bindings grant to a ServiceAccount, sorted, without repeats. */
export async function grantedTo(
  api: ApiClient,
  account: { readonly namespace: string; readonly name: string },
): Promise<string[]> {
  const rbac = "/apis/rbac.authorization.k8s.io/v1";
  const isSubject = (binding: ApiObject): boolean =>
    ((binding["subjects"] ?? []) as { kind: string; namespace?: string; name: string }[]).some(
      (it) =>
        it.kind === "ServiceAccount" &&
        it.name === account.name &&
        it.namespace === account.namespace,
    );
  const bindings = [
    ...(await api.list(`${rbac}/clusterrolebindings`)),
    ...(await api.list(`${rbac}/rolebindings`)),
  ].filter(isSubject);
  const granted = new Set<string>();
  for (const binding of bindings) {
    const { kind, name } = binding["roleRef"] as { readonly kind: string; readonly name: string };
    const { namespace } = binding.metadata;
    const role =
      kind === "ClusterRole"
        ? await api.get(`${rbac}/clusterroles/${name}`)
        : await api.get(`${rbac}/namespaces/${namespace}/roles/${name}`);
    const rules = (role["rules"] ?? []) as PolicyRule[];
    for (const it of permissionsOf(rules, namespace ?? everywhere)) granted.add(it);
  }
  return [...granted].sort();
}

/** @returns the permissions that a request needed, in each scope that would have given them. */
function usedBy({ verb, objectRef, requestURI, responseStatus }: AuditEvent): string[] {
  if (objectRef?.resource === undefined) {
    return [`${verb} ${requestURI.split("?")[0]} ${everywhere}`];
  }
  const { apiGroup = "", resource, subresource, namespace } = objectRef;
  const whole = subresource === undefined ? resource : `${resource}/${subresource}`;
  const scopes = namespace === undefined ? [everywhere] : [namespace, everywhere];
  // Server-side apply of an object that is not there asks for both.
  const verbs = verb === "patch" && responseStatus?.code === 201 ? [verb, "create"] : [verb];
  return verbs.flatMap((it) => scopes.map((scope) => line(it, apiGroup, whole, scope)));
}

/**
 * @param granted lines of `grantedTo`.
 * @param events requests of the ServiceAccount.
 * @returns what is granted and never used.
 */
export function unused(granted: readonly string[], events: readonly AuditEvent[]): string[] {
  const used = new Set(events.flatMap(usedBy));
  return granted.filter((it) => !used.has(it));
}

/** @returns permissions that name no verb, group or resource but take any. */
export function wildcards(granted: readonly string[]): string[] {
  return granted.filter((it) => {
    const [verb = "", target = ""] = it.split(" ");
    return verb === "*" || target.split("/").includes("*");
  });
}

/** @returns permissions on Secrets of every namespace. */
export function clusterWideSecrets(granted: readonly string[]): string[] {
  return granted.filter((it) => it.endsWith(` ${everywhere}`) && it.includes(" core/secrets"));
}
