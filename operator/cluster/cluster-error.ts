/**
 * The one error of this room: what a person's own permissions, kubeconfig or cluster do not allow,
 * in one sentence with the remedy.
 */
import { ApiError } from "../runtime/index.ts";

/** Everything that can be refused here. */
export type ClusterErrorCode =
  /** No kubeconfig names a cluster. */
  | "NO_KUBECONFIG"
  /** A kubeconfig is there and cannot be used. */
  | "KUBECONFIG_INVALID"
  /** The API server does not answer. */
  | "UNREACHABLE"
  /** The API server does not know who asks. */
  | "UNAUTHORIZED"
  /** A permission is missing. */
  | "FORBIDDEN"
  /** The definitions of the resources are not installed. */
  | "NOT_INSTALLED"
  /** There is no Demand of that name. */
  | "UNKNOWN_DEMAND"
  /** No pod with a sidecar is there to be asked. */
  | "NO_PODS"
  /** The pod does not exist any more. */
  | "POD_GONE"
  /** The pod is there, and nothing accepts the connection in it. */
  | "FORWARD_REFUSED"
  /** The port forward did not come about, or broke. */
  | "FORWARD_FAILED"
  /** The API server answered what it should not. */
  | "API_FAILED";

/** Codes that hold for every pod alike: asking the next one is of no use. */
const general: ReadonlySet<ClusterErrorCode> = new Set([
  "NO_KUBECONFIG",
  "KUBECONFIG_INVALID",
  "UNREACHABLE",
  "UNAUTHORIZED",
  "FORBIDDEN",
]);

/** A refusal of this room. */
export class ClusterError extends Error {
  override readonly name = "ClusterError";
  readonly code: ClusterErrorCode;
  /** What is wrong: a clause without a full stop. */
  readonly text: string;
  /** What to do: a sentence. */
  readonly remedy: string;

  constructor(
    code: ClusterErrorCode,
    what: { readonly text: string; readonly remedy: string },
    options?: ErrorOptions,
  ) {
    super(`${what.text}. ${what.remedy}`, options);
    this.code = code;
    this.text = what.text;
    this.remedy = what.remedy;
  }

  /** Whether it holds for every pod alike. */
  get isGeneral(): boolean {
    return general.has(this.code);
  }
}

/**
 * `User "x" cannot list resource "pods" in API group "" in the namespace "y"`, as every API server
 * words it. Source: k8s.io/apiserver, `responsewriters.forbiddenMessage`.
 */
const forbidden = new RegExp(
  'User "([^"]*)" cannot (\\S+) resource "([^"]+)" in API group "([^"]*)"' +
    '(?: in the namespace "([^"]*)")?',
);

/** A permission, as RBAC names it. */
export interface Permission {
  readonly user: string;
  readonly verb: string;
  /** With its subresource: `pods/portforward`. */
  readonly resource: string;
  readonly group: string;
  /** Undefined: in the whole cluster. */
  readonly namespace: string | undefined;
}

/**
 * The missing permission in words.
 * @param said by the API server.
 * @param likely what is missing where the API server does not say.
 */
export function forbiddenError(said: string, likely?: Permission): ClusterError {
  const permission = permissionIn(said) ?? likely;
  if (permission === undefined) {
    const remedy = "Ask whoever gives out permissions in this cluster.";
    return new ClusterError("FORBIDDEN", { text: `the API server refuses: ${said}`, remedy });
  }
  const { user, verb, resource, group, namespace } = permission;
  const where = namespace === undefined ? "in the whole cluster" : `in namespace ${namespace}`;
  const [plain = "", subresource] = resource.split("/");
  const inGroup = (name: string): string => (group === "" ? name : `${name}.${group}`);
  const check = [
    `kubectl auth can-i ${verb} ${inGroup(plain)}`,
    ...(subresource === undefined ? [] : [`--subresource=${subresource}`]),
    ...(namespace === undefined ? [] : [`-n ${namespace}`]),
  ].join(" ");
  return new ClusterError("FORBIDDEN", {
    text: `${user} may not ${verb} ${inGroup(resource)} ${where}`,
    remedy: `Ask for a role that allows it; ${check} tells when it does.`,
  });
}

function permissionIn(said: string): Permission | undefined {
  const [, user, verb, resource, group = "", namespace] = forbidden.exec(said) ?? [];
  if (user === undefined || verb === undefined || resource === undefined) return undefined;
  return { user, verb, resource, group, namespace };
}

/** What a request to the API server came to, in words. */
export function clusterErrorOf(error: unknown, server: string): ClusterError {
  if (error instanceof ClusterError) return error;
  if (!(error instanceof ApiError)) throw error;
  const { message } = error;
  const cause = { cause: error };
  switch (error.code) {
    case "CREDENTIALS_INVALID":
      return new ClusterError(
        "KUBECONFIG_INVALID",
        { text: message, remedy: "Correct it, or name another one with --kubeconfig." },
        cause,
      );
    case "UNREACHABLE":
    case "TIMEOUT":
      return new ClusterError(
        "UNREACHABLE",
        {
          text: `the API server ${server} does not answer: ${message}`,
          remedy: "Check that the cluster is up and that the kubeconfig names it.",
        },
        cause,
      );
    case "UNAUTHORIZED":
      return unauthorized(cause);
    case "FORBIDDEN":
      return forbiddenError(message);
    default:
      return new ClusterError(
        "API_FAILED",
        {
          text: `the API server answered: ${message}`,
          remedy: "Try again; if it stays, see its log.",
        },
        cause,
      );
  }
}

/** The API server does not accept the credentials. */
export function unauthorized(options?: ErrorOptions): ClusterError {
  const text = "the API server does not accept the credentials of the kubeconfig";
  const remedy = "Log in again; kubectl auth whoami shows who you are.";
  return new ClusterError("UNAUTHORIZED", { text, remedy }, options);
}
