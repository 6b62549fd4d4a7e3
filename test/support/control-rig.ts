/** What tests of the control stream need: an API server's answers, a Secret, pods, resources. */
import { randomUUID } from "node:crypto";
import { createClient, type Client } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type DesiredCapability,
  type DesiredDemand,
  desiredCapability,
  desiredDemand,
  type SecretStore,
  type StoredSecret,
  tokenAudience,
  type TokenReviews,
  type TokenReviewStatus,
} from "../../operator/control/index.ts";
import { check, schemas } from "../../operator/schema/index.ts";
import {
  type AttachRequest,
  AttachRequestSchema,
  type AttachResponse,
  ControlService,
  type HelloSchema,
  type PeersDelta,
  type Refusal,
  RefusalSchema,
} from "../../proto/gen/spillway/control/v1/control_pb.ts";
import { ConnectError } from "@connectrpc/connect";
import { capabilityManifest, demandManifest, type Json } from "./manifests.ts";

/** A Secret in memory, with the API server's optimistic concurrency. */
export class MemorySecret implements SecretStore {
  stored: StoredSecret | undefined;
  #version = 0;
  /** Runs before a write looks at the version: what another writer does meanwhile. */
  beforeWrite: () => Promise<void> = async () => {};

  async read(): Promise<StoredSecret | undefined> {
    return this.stored;
  }

  async write(
    data: Readonly<Record<string, string>>,
    expectedVersion: string | undefined,
  ): Promise<StoredSecret | undefined> {
    await this.beforeWrite();
    if (this.stored?.version !== expectedVersion) return undefined;
    this.#version += 1;
    this.stored = { data, version: this.#version.toString() };
    return this.stored;
  }
}

/** A pod as a token names it. */
export interface TestPod {
  readonly uid: string;
  readonly name: string;
  readonly namespace: string;
}

/** A pod with a fresh uid. */
export function testPod(name = "web-0", namespace = "shop"): TestPod {
  return { uid: randomUUID(), name, namespace };
}

/** A token that ends at a moment, as the API server would sign it; the signature is nobody's. */
export function tokenOf(pod: TestPod, endsAtMs: number): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = { sub: `system:serviceaccount:${pod.namespace}:default`, pod };
  return `${part({ alg: "none" })}.${part({ ...claims, exp: Math.floor(endsAtMs / 1_000) })}.x`;
}

/** What the API server answers for a pod's token. */
export function reviewedAs(pod: TestPod, over: Partial<TokenReviewStatus> = {}): TokenReviewStatus {
  return {
    authenticated: true,
    audiences: [tokenAudience],
    username: `system:serviceaccount:${pod.namespace}:default`,
    extra: {
      "authentication.kubernetes.io/pod-name": [pod.name],
      "authentication.kubernetes.io/pod-uid": [pod.uid],
      "authentication.kubernetes.io/node-name": ["kube-1"],
    },
    ...over,
  };
}

/** Believes what stands in tokens made by `tokenOf`, and counts. */
export class TrustingReviews implements TokenReviews {
  asked = 0;

  async review(token: string): Promise<TokenReviewStatus> {
    this.asked += 1;
    const body = token.split(".")[1] ?? "";
    try {
      const claims = JSON.parse(Buffer.from(body, "base64url").toString()) as { pod: TestPod };
      return reviewedAs(claims.pod);
    } catch {
      return { authenticated: false, audiences: [], username: "", extra: {} };
    }
  }
}

/** A resource's uid, generation, name and whatever of its spec a test cares for. */
export interface ResourceOver {
  readonly uid?: string;
  readonly generation?: number;
  readonly namespace?: string;
  readonly name?: string;
  readonly spec?: Json;
  readonly descriptorSet?: { readonly hash: string; readonly content: Uint8Array };
}

const descriptorSet = {
  hash: "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
  content: new TextEncoder().encode("hello"),
};

/** A Demand as pods get it. */
export function testDemand(over: ResourceOver = {}): DesiredDemand {
  const manifest = demandManifest((it) => Object.assign(it.spec, over.spec));
  const checked = check(schemas.Demand, manifest);
  if (!checked.ok) throw new Error(JSON.stringify(checked.refusals));
  return desiredDemand({ ...resourceOf(over, "thumbnails"), spec: checked.value.spec });
}

/** A Capability as pods get it. */
export function testCapability(over: ResourceOver = {}): DesiredCapability {
  const manifest = capabilityManifest((it) => Object.assign(it.spec, over.spec));
  const checked = check(schemas.Capability, manifest);
  if (!checked.ok) throw new Error(JSON.stringify(checked.refusals));
  return desiredCapability({ ...resourceOf(over, "thumbnailer"), spec: checked.value.spec });
}

function resourceOf(over: ResourceOver, name: string) {
  return {
    uid: over.uid ?? randomUUID(),
    generation: over.generation ?? 1,
    namespace: over.namespace ?? "shop",
    name: over.name ?? name,
    descriptorSet: over.descriptorSet ?? descriptorSet,
  };
}

type ReceivedKind = NonNullable<AttachResponse["kind"]["case"]>;
type Received<K extends ReceivedKind> = Extract<AttachResponse["kind"], { case: K }>["value"];

/** A sidecar's end of one stream, as small as it can be. */
export class TestSidecar {
  readonly #client: Client<typeof ControlService>;
  readonly #outgoing: AttachRequest["kind"][] = [];
  readonly #abort = new AbortController();
  readonly #counts = new Map<AttachResponse["kind"]["case"], number>();
  readonly #isKeeping: boolean;
  #resume = (): void => {};
  #closed = false;
  /** All that came, in order. */
  readonly received: AttachResponse["kind"][] = [];
  /** Node ids of the peers that it was told of. */
  readonly peers = new Set<string>();
  /** What ended the stream; undefined while it is open or when it ended in peace. */
  refusal: Refusal | undefined;
  error: unknown;
  ended = false;

  /** @param options.isKeeping whether `received` is filled. Default true. */
  constructor(options: {
    readonly port: number;
    readonly caPem: string;
    readonly isKeeping?: boolean;
  }) {
    this.#isKeeping = options.isKeeping ?? true;
    this.#client = createClient(
      ControlService,
      createConnectTransport({
        baseUrl: `https://127.0.0.1:${options.port.toString()}`,
        httpVersion: "2",
        nodeOptions: { ca: options.caPem, servername: "control.spillway.dev" },
      }),
    );
  }

  /** Opens the stream; what comes is kept in `received`. */
  attach(token: string | undefined, hello: MessageInitShape<typeof HelloSchema> = {}): this {
    this.sendKind({ case: "hello", value: hello });
    const headers: Record<string, string> =
      token === undefined ? {} : { authorization: `Bearer ${token}` };
    void this.#receive(headers);
    return this;
  }

  /** Sends one message. */
  sendKind(kind: MessageInitShape<typeof AttachRequestSchema>["kind"]): void {
    this.#outgoing.push(create(AttachRequestSchema, kind === undefined ? {} : { kind }).kind);
    this.#resume();
  }

  /** How many of one kind came. Cheap. */
  count(kind: AttachResponse["kind"]["case"]): number {
    return this.#counts.get(kind) ?? 0;
  }

  /** Everything of one kind that came. */
  all<K extends ReceivedKind>(kind: K): Received<K>[] {
    const found: unknown[] = this.received.filter((it) => it.case === kind).map((it) => it.value);
    return found as Received<K>[];
  }

  /** Says no more; the stream ends. */
  finish(): void {
    this.#closed = true;
    this.#resume();
  }

  /** Breaks the stream. */
  cut(): void {
    this.#abort.abort();
  }

  async #receive(headers: Record<string, string>): Promise<void> {
    try {
      const options = { headers, signal: this.#abort.signal };
      for await (const { kind } of this.#client.attach(this.#requests(), options)) {
        if (this.#isKeeping) this.received.push(kind);
        this.#counts.set(kind.case, this.count(kind.case) + 1);
        if (kind.case === "peersDelta") this.#peersChanged(kind.value);
      }
    } catch (error) {
      this.error = error;
      if (error instanceof ConnectError) [this.refusal] = error.findDetails(RefusalSchema);
    } finally {
      this.ended = true;
      this.#closed = true;
      this.#resume();
    }
  }

  #peersChanged({ base, peers, removed }: PeersDelta): void {
    if (base === undefined) this.peers.clear();
    for (const nodeId of removed) this.peers.delete(nodeId);
    for (const { nodeId } of peers) this.peers.add(nodeId);
  }

  async *#requests(): AsyncGenerator<AttachRequest> {
    for (;;) {
      const kind = this.#outgoing.shift();
      if (kind !== undefined) yield create(AttachRequestSchema, { kind });
      else if (this.#closed) return;
      else await new Promise<void>((resolve) => (this.#resume = resolve));
    }
  }
}
