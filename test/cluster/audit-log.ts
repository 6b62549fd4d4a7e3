/** What the API server wrote down: who asked for what, and with which answer. */
import { existsSync, readFileSync } from "node:fs";

/** One finished request. */
export interface AuditEvent {
  readonly auditID: string;
  readonly stage: "ResponseStarted" | "ResponseComplete" | "Panic";
  /** `get`, `list`, `watch`, `create`, `update`, `patch`, `delete` or `deletecollection`. */
  readonly verb: string;
  readonly requestURI: string;
  readonly user: {
    readonly username: string;
    readonly groups?: readonly string[];
    readonly extra?: Readonly<Record<string, readonly string[]>>;
  };
  readonly userAgent?: string;
  /** Absent for a path that is no resource, e.g. `/readyz`. */
  readonly objectRef?: {
    readonly resource?: string;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly name?: string;
    readonly apiGroup?: string;
  };
  readonly responseStatus?: { readonly code?: number; readonly reason?: string };
  readonly requestReceivedTimestamp: string;
  readonly stageTimestamp: string;
}

/** Verbs that change something. */
export const writeVerbs: ReadonlySet<string> = new Set([
  "create",
  "update",
  "patch",
  "delete",
  "deletecollection",
]);

/** Everybody's requests but those of the control plane itself, without their bodies. */
export const auditPolicy = {
  apiVersion: "audit.k8s.io/v1",
  kind: "Policy",
  omitStages: ["RequestReceived"],
  rules: [
    { level: "None", users: ["system:apiserver", "system:kube-controller-manager"] },
    { level: "None", userGroups: ["system:serviceaccounts:kube-system"] },
    { level: "None", nonResourceURLs: ["/readyz", "/livez", "/healthz"] },
    { level: "Metadata" },
  ],
} as const;

/** The log file of one API server. */
export class AuditLog {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  /**
   * Requests so far, oldest first. A watch is there twice: when it began and when it ended.
   * @param matches which of them; all when absent.
   */
  read(matches: (event: AuditEvent) => boolean = () => true): AuditEvent[] {
    if (!existsSync(this.#file)) return [];
    const lines = readFileSync(this.#file, "utf8").split("\n");
    // The last line may be half written.
    return lines
      .slice(0, -1)
      .map((line) => JSON.parse(line) as AuditEvent)
      .filter(matches);
  }

  /** Finished writes of one user (all when absent), refused ones too. */
  writes(username?: string): AuditEvent[] {
    return this.read(
      ({ verb, stage, user }) =>
        writeVerbs.has(verb) &&
        stage === "ResponseComplete" &&
        (username === undefined || user.username === username),
    );
  }
}
