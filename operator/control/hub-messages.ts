/** The only ways into the hub, and out of it. */
import type {
  AttachRequest,
  Certificate,
  Hello,
  Refusal,
} from "../../proto/gen/spillway/control/v1/control_pb.ts";
import type { LeafSubject } from "./authority.ts";
import type { PodAssignment } from "./pod-assignment.ts";
import type { PodIdentity } from "./pod-identity.ts";

/** Names one stream in this process; never used twice. */
export type StreamId = number;

/** Everything the hub may be told. */
export type HubInput =
  /** A stream whose token was reviewed, with its first message. */
  | {
      readonly type: "attached";
      readonly stream: StreamId;
      readonly identity: PodIdentity;
      readonly expiresInMs: number;
      readonly hello: Hello;
    }
  | { readonly type: "message"; readonly stream: StreamId; readonly request: AttachRequest }
  /** The stream is over, whoever ended it. */
  | { readonly type: "detached"; readonly stream: StreamId }
  /** The answer to `review`. */
  | {
      readonly type: "authenticated";
      readonly stream: StreamId;
      readonly identity: PodIdentity;
      readonly expiresInMs: number;
    }
  | { readonly type: "notAuthenticated"; readonly stream: StreamId; readonly refusal: Refusal }
  /** The answer to `issue`. */
  | {
      readonly type: "issued";
      readonly stream: StreamId;
      readonly answer: Certificate | Refusal;
    }
  /** A pod with a sidecar, and what selects it; whole each time. */
  | { readonly type: "assigned"; readonly assignment: PodAssignment }
  /** The pod was deleted. */
  | { readonly type: "released"; readonly podUid: string }
  /** These capabilities of a pod are to take no further items; empty: all take items again. */
  | {
      readonly type: "quiesce";
      readonly podUid: string;
      readonly capabilityUids: readonly string[];
      readonly ttlMs: number;
    }
  /** The bundle changed: `trustOf` answers otherwise now. */
  | { readonly type: "trustChanged" }
  /** Another authority signs: every sidecar is to ask for a certificate. */
  | { readonly type: "signerChanged" }
  | { readonly type: "leading" }
  /** @param leaderAddress `IP:PORT`; undefined: not known. */
  | { readonly type: "following"; readonly leaderAddress: string | undefined }
  /** Every stream ends and none is taken again. */
  | { readonly type: "stopping" };

/** Everything it asks the outside to do. */
export type HubEffect =
  /** `take` has something for this stream. */
  | { readonly type: "wake"; readonly stream: StreamId }
  /** End the stream with this; the hub has forgotten it. */
  | { readonly type: "end"; readonly stream: StreamId; readonly refusal: Refusal }
  /** Say whose a token is, by `authenticated` or `notAuthenticated`. */
  | { readonly type: "review"; readonly stream: StreamId; readonly token: string }
  /** Issue a certificate, answered by `issued`. */
  | {
      readonly type: "issue";
      readonly stream: StreamId;
      readonly subject: LeafSubject;
      readonly requestDer: Uint8Array;
    }
  /** What is known of a pod's sidecar has changed: `sidecar` has it. */
  | { readonly type: "changed"; readonly podUid: string };
