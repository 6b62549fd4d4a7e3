/** What the control stream needs of the cluster: reviews of tokens, and one Secret. */
import type {
  SecretStore,
  StoredSecret,
  TokenReviews,
  TokenReviewStatus,
} from "../control/index.ts";
import { ownObjects } from "../manifests/index.ts";
import { type ApiClient, ApiError, type ApiObject, resourceType } from "../runtime/index.ts";

/** Source: Kubernetes API, `core/v1` Secret. */
interface Secret extends ApiObject {
  readonly type?: string;
  readonly data?: Readonly<Record<string, string>>;
}

const secrets = resourceType<Secret>({
  group: "",
  version: "v1",
  plural: "secrets",
  kind: "Secret",
  namespaced: true,
});

/** Source: Kubernetes API, `authentication.k8s.io/v1` TokenReview. */
const reviewsPath = "/apis/authentication.k8s.io/v1/tokenreviews";

/** Longest wait for a review, ms: a sidecar waits for it. */
const reviewTimeoutMs = 5_000;

/** Asks the API server whose a token is. @param client every replica may ask. */
export function tokenReviews(client: ApiClient): TokenReviews {
  return {
    async review(token, audience) {
      const answer = await client.request({
        method: "POST",
        path: reviewsPath,
        body: {
          apiVersion: "authentication.k8s.io/v1",
          kind: "TokenReview",
          spec: { token, audiences: [audience] },
        },
        // A review stores nothing.
        idempotent: true,
        timeoutMs: reviewTimeoutMs,
      });
      return reviewStatusOf(answer);
    },
  };
}

/** The part that is asked for; what is missing counts as a refusal. */
export function reviewStatusOf(answer: unknown): TokenReviewStatus {
  const status = recordOf(recordOf(answer)["status"]);
  const user = recordOf(status["user"]);
  const extra = Object.entries(recordOf(user["extra"]));
  const { error, username } = { error: status["error"], username: user["username"] };
  return {
    authenticated: status["authenticated"] === true,
    audiences: textsOf(status["audiences"]),
    username: typeof username === "string" ? username : "",
    extra: Object.fromEntries(extra.map(([name, values]) => [name, textsOf(values)])),
    ...(typeof error === "string" ? { error } : {}),
  };
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

function textsOf(value: unknown): readonly string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [];
  return list.filter((it) => typeof it === "string");
}

/**
 * The Secret of the authority.
 * @param client guarded: only the leader writes it.
 */
export function authoritySecret(client: ApiClient, namespace: string): SecretStore {
  const place = { namespace, name: ownObjects.authority };
  return {
    async read() {
      try {
        return storedOf(await client.get(secrets, place));
      } catch (error) {
        if (error instanceof ApiError && error.code === "NOT_FOUND") return undefined;
        throw error;
      }
    },
    async write(data, expectedVersion) {
      const secret: Secret = {
        metadata: {
          ...place,
          ...(expectedVersion === undefined ? {} : { resourceVersion: expectedVersion }),
        },
        type: "Opaque",
        data: mapped(data, (text) => Buffer.from(text, "utf8").toString("base64")),
      };
      try {
        const write = expectedVersion === undefined ? "create" : "update";
        return storedOf(await client[write](secrets, secret));
      } catch (error) {
        const code = error instanceof ApiError ? error.code : undefined;
        if (code === "CONFLICT" || code === "ALREADY_EXISTS") return undefined;
        throw error;
      }
    },
  };
}

function storedOf({ metadata, data = {} }: Secret): StoredSecret {
  return {
    data: mapped(data, (text) => Buffer.from(text, "base64").toString("utf8")),
    version: metadata.resourceVersion ?? "",
  };
}

function mapped(
  data: Readonly<Record<string, string>>,
  change: (text: string) => string,
): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(data).map(([key, text]) => [key, change(text)]));
}
