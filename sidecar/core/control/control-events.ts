/** Everything a ControlSession may be told and everything it asks the outside to do. */
import type {
  AcknowledgedResource,
  AttachRequest,
  AttachResponse,
  CapabilityEntry,
  DemandEntry,
  Peer,
  Refusal,
  ResourceVersion,
  Version,
} from "../../../proto/gen/spillway/control/v1/control_pb.ts";
import type { DescriptorSet } from "../../../proto/gen/spillway/control/v1/node_config_pb.ts";
import type { NodeStatus } from "./node-status.ts";

/** Who the operator says this sidecar is. */
export interface ControlIdentity {
  readonly clusterId: string;
  readonly namespace: string;
  readonly nodeId: string;
}

/** A token that the stream has not shown yet. */
export interface FreshToken {
  readonly token: string;
  /** Time that it has left, ms; undefined when it does not say. */
  readonly expiresInMs: number | undefined;
}

/** A Demand or Capability that the node works by. */
export interface ResourceInForce {
  readonly kind: "demand" | "capability";
  readonly name: string;
  /** The object and the generation that is in force: an older one when the newest was refused. */
  readonly resource: ResourceVersion;
}

/** What came of a configuration. */
export interface ConfigOutcome {
  readonly version: Version;
  /** Each resource of that version, and whether it was taken over. */
  readonly acknowledged: readonly AcknowledgedResource[];
  readonly inForce: readonly ResourceInForce[];
}

/** The only way into a ControlSession. */
export type ControlInput =
  /** Once, first: what was kept is taken over, then the stream is opened. */
  | { readonly type: "start" }
  /** A message of the open stream. */
  | { readonly type: "received"; readonly message: AttachResponse }
  /** The stream ended or could not be opened; `refusal` when the operator said why. */
  | {
      readonly type: "ended";
      readonly refusal?: Refusal | undefined;
      /** One sentence for the log. */
      readonly reason: string;
    }
  /** Answers `readToken`; undefined when the file holds nothing to show. */
  | { readonly type: "token"; readonly fresh: FreshToken | undefined }
  /** Answers `makeRequest`: DER of a CertificationRequest over a new key. */
  | { readonly type: "requestMade"; readonly request: Uint8Array }
  /** Answers `useCertificate`: handshakes use it from now on, or it cannot be used. */
  | {
      readonly type: "certificateUsed";
      /** Why it cannot be used; undefined when it is. */
      readonly refused: string | undefined;
      /** As in the effect. */
      readonly renewAfterMs: number | undefined;
    }
  /** Answers `configure`. */
  | { readonly type: "configured"; readonly outcome: ConfigOutcome }
  /** Answers `sample`. */
  | { readonly type: "sampled"; readonly status: NodeStatus }
  /** The process ends: the stream is closed and nothing is opened any more. */
  | { readonly type: "stop" };

/** What is to be taken over, whole. */
export interface WholeConfig {
  readonly version: Version;
  readonly identity: ControlIdentity;
  readonly demands: readonly DemandEntry[];
  readonly capabilities: readonly CapabilityEntry[];
  readonly descriptorSets: readonly DescriptorSet[];
  /** 32 bytes, a secret; empty when announcements are not marked, so not sent. */
  readonly announcementKey: Uint8Array;
}

/** The only way out of a ControlSession; to be carried out in the order given. */
export type ControlEffect =
  /**
   * Open a stream with a token read anew and send `hello` first. Answered by `received` or `ended`.
   * @param address "HOST:PORT" of the leader; undefined: the address of the configuration.
   */
  | {
      readonly type: "connect";
      readonly address: string | undefined;
      readonly hello: AttachRequest;
    }
  | { readonly type: "send"; readonly message: AttachRequest }
  /** Close the stream; `ended` is not expected (one is harmless). */
  | { readonly type: "disconnect"; readonly reason: string }
  /**
   * Read the token file again. Answered by `token`; a token that was shown already counts as fresh
   * only when `again` says so.
   */
  | { readonly type: "readToken"; readonly again: boolean }
  /** Make a key and a request over it. Answered by `requestMade`. */
  | { readonly type: "makeRequest" }
  /**
   * Prove by this certificate and check by this bundle from the next handshake on. Answered by
   * `certificateUsed`.
   */
  | {
      readonly type: "useCertificate";
      readonly identity: ControlIdentity;
      /** For the key of the last `makeRequest`; undefined: the one that is in use or was kept. */
      readonly certificatePem: string | undefined;
      readonly trustBundlePem: string;
      /** When to ask for the next one, ms from now; undefined: that does not change. */
      readonly renewAfterMs: number | undefined;
    }
  /** Take this over. Answered by `configured`; only once a certificate is in use. */
  | { readonly type: "configure"; readonly config: WholeConfig }
  /** These are the peers now, all of them; only once a configuration was given. */
  | { readonly type: "peers"; readonly peers: readonly Peer[] }
  /** These capabilities, by name, are to take nothing new; all others are. */
  | { readonly type: "quiesce"; readonly capabilities: ReadonlySet<string> }
  /** Look at the node. Answered by `sampled`. */
  | { readonly type: "sample" }
  /** Keep what is held, for a restart. */
  | { readonly type: "store"; readonly what: "config" | "peers" }
  /** For the log. */
  | {
      readonly type: "note";
      readonly level: "info" | "warn";
      readonly event: ControlNote;
      /** One sentence. */
      readonly detail: string;
    };

/** What is worth a line in the log. */
export type ControlNote =
  | "attached"
  | "lost"
  | "leader"
  | "refused"
  | "resync"
  | "certificate"
  | "identity";
