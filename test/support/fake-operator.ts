/**
 * A small operator for tests of the sidecar's end of the control stream: it believes any token
 * "NAMESPACE/NODEID[/…]", issues certificates, and tells what a test sets. What it got is recorded.
 */
import { createSecureServer, type Http2SecureServer, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { DurationSchema } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import {
  type AttachRequest,
  type AttachResponse,
  AttachResponseSchema,
  ConfigDeltaSchema,
  ControlService,
  type Peer,
  PeersDeltaSchema,
  RefusalCode,
  RefusalSchema,
  type Report,
} from "../../proto/gen/spillway/control/v1/control_pb.ts";
import type { DescriptorSet } from "../../proto/gen/spillway/control/v1/node_config_pb.ts";
import { issueForRequest, issueServer } from "../../sidecar/runtime/certificate-for-request.ts";
import { createAuthority, type IssuedCertificate } from "../../sidecar/runtime/certificate.ts";
import { Outbox } from "../../sidecar/control/outbox.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** What all sidecars of a namespace are told. */
export interface ToldConfig {
  readonly demands?: MessageInitShape<typeof ConfigDeltaSchema>["demands"];
  readonly capabilities?: MessageInitShape<typeof ConfigDeltaSchema>["capabilities"];
  readonly descriptorSets?: readonly DescriptorSet[];
}

/** How it behaves. */
export interface FakeOperatorOptions {
  /** Life of certificates. @default 1 day */
  readonly validForMs?: number;
  /** When sidecars are to renew. @default 8 h */
  readonly renewAfterMs?: number;
  /** @default 1,000 */
  readonly reportIntervalMs?: number;
  /** Life of the token that sidecars are told. @default 1 h */
  readonly tokenExpiresInMs?: number;
  /** An authority that another fake operator began with. */
  readonly authority?: IssuedCertificate;
  /** @default 0: a free one */
  readonly port?: number;
}

/** One attached sidecar, or one that was. */
export class AttachedStream {
  readonly nodeId: string;
  readonly namespace: string;
  readonly token: string;
  readonly received: AttachRequest["kind"][] = [];
  readonly out = new Outbox<AttachResponse>(1_000);
  ended = false;
  /** Ends the stream with a refusal. */
  refuse: (refusal: MessageInitShape<typeof RefusalSchema>) => void = () => undefined;

  constructor(token: string) {
    const [namespace = "", nodeId = ""] = token.split("/");
    this.token = token;
    this.namespace = namespace;
    this.nodeId = nodeId;
  }

  send(kind: NonNullable<MessageInitShape<typeof AttachResponseSchema>["kind"]>): void {
    this.out.push(create(AttachResponseSchema, { kind }));
  }

  /** Messages of one kind, oldest first. */
  all<K extends AttachRequest["kind"]["case"]>(kind: K) {
    return this.received.flatMap((each) =>
      each.case === kind
        ? [each.value as Extract<AttachRequest["kind"], { case: K }>["value"]]
        : [],
    );
  }

  /** The last report. */
  get report(): Report | undefined {
    return this.all("report").at(-1);
  }
}

/** The operator. */
export class FakeOperator {
  readonly clusterId = "test";
  /** As it is bound, also when it has stopped. */
  port = 0;
  readonly streams: AttachedStream[] = [];
  /** Certificates issued so far. */
  issued = 0;
  /** Number of the configuration that each node was told last. */
  readonly toldVersions = new Map<string, bigint>();
  /** Every opening is refused with this. */
  refusal: MessageInitShape<typeof RefusalSchema> | undefined;
  /** Bundle that sidecars are told. */
  trustBundlePem: string;
  #authority: IssuedCertificate;
  readonly #options: Required<Omit<FakeOperatorOptions, "authority" | "port">>;
  readonly #server: Http2SecureServer;
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #config = new Map<string, ToldConfig>();
  readonly #peers = new Map<string, readonly Peer[]>();
  /** Above all that earlier fakes gave, as the real one's. */
  #version = BigInt(Date.now()) * 1_000n;

  private constructor(
    options: FakeOperatorOptions,
    authority: IssuedCertificate,
    server: IssuedCertificate,
  ) {
    this.#options = {
      validForMs: dayMs,
      renewAfterMs: 8 * hourMs,
      reportIntervalMs: 1_000,
      tokenExpiresInMs: hourMs,
      ...options,
    };
    this.#authority = authority;
    this.trustBundlePem = authority.certificatePem;
    this.#server = createSecureServer(
      { cert: server.certificatePem, key: server.privateKeyPem, minVersion: "TLSv1.3" },
      connectNodeAdapter({
        routes: (router) => {
          router.service(ControlService, {
            attach: (requests, context) => this.#attach(requests, context.requestHeader),
          });
        },
      }),
    );
    this.#server.on("session", (session) => {
      this.#sessions.add(session);
      session.on("error", () => undefined);
      session.on("close", () => this.#sessions.delete(session));
    });
  }

  static async start(options: FakeOperatorOptions = {}): Promise<FakeOperator> {
    const validity = { nowMs: Date.now(), validForMs: dayMs };
    const authority =
      options.authority ?? (await createAuthority({ clusterId: "test", ...validity }));
    const server = await issueServer(authority, {
      dnsNames: ["control.spillway.dev"],
      ...validity,
    });
    const operator = new FakeOperator(options, authority, server);
    await new Promise<void>((resolve) => {
      operator.#server.listen(options.port ?? 0, "127.0.0.1", resolve);
    });
    operator.port = (operator.#server.address() as AddressInfo).port;
    return operator;
  }

  get authority(): IssuedCertificate {
    return this.#authority;
  }

  get address(): string {
    return `127.0.0.1:${String(this.port)}`;
  }

  /** The last stream of a node that is open. */
  stream(nodeId: string): AttachedStream | undefined {
    return this.streams.findLast((each) => each.nodeId === nodeId && !each.ended);
  }

  /** Tells a node (or all, with "*") what it is. */
  tell(nodeId: string, config: ToldConfig): void {
    this.#config.set(nodeId, config);
    for (const stream of this.streams) {
      if (!stream.ended && (nodeId === "*" || stream.nodeId === nodeId)) this.#tellConfig(stream);
    }
  }

  /** Tells a node its peers. */
  tellPeers(nodeId: string, peers: readonly Peer[]): void {
    this.#peers.set(nodeId, peers);
    const stream = this.stream(nodeId);
    if (stream !== undefined) this.#tellPeers(stream);
  }

  /** Signs by another authority from now on; both are believed until `dropOldAuthority`. */
  async replaceAuthority(): Promise<void> {
    const validity = { nowMs: Date.now(), validForMs: dayMs };
    this.#authority = await createAuthority({ clusterId: "test", ...validity });
    this.trustBundlePem += this.#authority.certificatePem;
    for (const stream of this.streams) {
      if (stream.ended) continue;
      this.#tellConfig(stream);
      stream.send({ case: "certificateWanted", value: {} });
    }
  }

  /** Only the present authority is believed from now on. */
  dropOldAuthority(): void {
    this.trustBundlePem = this.#authority.certificatePem;
    for (const stream of this.streams) if (!stream.ended) this.#tellConfig(stream);
  }

  /** Goes away without a word. */
  async stop(): Promise<void> {
    for (const stream of this.streams) stream.out.close();
    for (const session of this.#sessions) session.destroy();
    await new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
  }

  async *#attach(
    requests: AsyncIterable<AttachRequest>,
    headers: Headers,
  ): AsyncGenerator<AttachResponse> {
    if (this.refusal !== undefined) throw refusalError(this.refusal);
    const stream = new AttachedStream((headers.get("authorization") ?? "").replace("Bearer ", ""));
    this.streams.push(stream);
    let refused: ConnectError | undefined;
    stream.refuse = (refusal) => {
      refused = refusalError(refusal);
      stream.out.close();
    };
    void this.#read(stream, requests);
    try {
      yield* stream.out;
      if (refused !== undefined) throw refused;
    } finally {
      stream.ended = true;
    }
  }

  async #read(stream: AttachedStream, requests: AsyncIterable<AttachRequest>): Promise<void> {
    try {
      for await (const { kind } of requests) {
        stream.received.push(kind);
        if (kind.case === "hello") this.#welcome(stream);
        if (kind.case === "certificateRequest") await this.#certify(stream, kind.value.request);
      }
    } catch {
      // The sidecar went; its stream ends by itself.
    }
    stream.ended = true;
    stream.out.close();
  }

  #welcome(stream: AttachedStream): void {
    const { namespace, nodeId } = stream;
    const ms = this.#options.reportIntervalMs;
    stream.send({
      case: "welcome",
      value: {
        clusterId: this.clusterId,
        namespace,
        nodeId,
        podName: nodeId,
        reportInterval: durationOf(ms),
        minReportInterval: durationOf(Math.min(50, ms)),
        tokenExpiresIn: durationOf(this.#options.tokenExpiresInMs),
      },
    });
    if (this.#configOf(nodeId) !== undefined) this.#tellConfig(stream);
    if (this.#peers.has(nodeId)) this.#tellPeers(stream);
  }

  #configOf(nodeId: string): ToldConfig | undefined {
    return this.#config.get(nodeId) ?? this.#config.get("*");
  }

  #tellConfig(stream: AttachedStream): void {
    const config = this.#configOf(stream.nodeId);
    if (config === undefined) return;
    for (const value of config.descriptorSets ?? []) stream.send({ case: "descriptorSet", value });
    const value = create(ConfigDeltaSchema, {
      version: this.#nextVersion(),
      demands: config.demands ?? [],
      capabilities: config.capabilities ?? [],
      trustBundle: { pem: this.trustBundlePem },
      announcementKey: new Uint8Array(32).fill(7),
    });
    this.toldVersions.set(stream.nodeId, this.#version);
    stream.send({ case: "configDelta", value });
  }

  #tellPeers(stream: AttachedStream): void {
    const peers = (this.#peers.get(stream.nodeId) ?? []).slice();
    const value = create(PeersDeltaSchema, { version: this.#nextVersion(), peers });
    stream.send({ case: "peersDelta", value });
  }

  #nextVersion() {
    this.#version += 1n;
    return { number: this.#version, digest: new TextEncoder().encode(String(this.#version)) };
  }

  async #certify(stream: AttachedStream, request: Uint8Array): Promise<void> {
    const { validForMs, renewAfterMs } = this.#options;
    const { namespace, nodeId } = stream;
    const certificatePem = await issueForRequest(this.#authority, request, {
      name: { clusterId: this.clusterId, namespace, nodeId },
      nowMs: Date.now(),
      validForMs,
    });
    this.issued += 1;
    const value = {
      certificatePem,
      validFor: durationOf(validForMs),
      renewAfter: durationOf(renewAfterMs),
    };
    stream.send({ case: "certificate", value });
  }
}

/** NOT_LEADER, naming where the leader is. */
export function notLeader(leaderAddress: string): MessageInitShape<typeof RefusalSchema> {
  return { code: RefusalCode.NOT_LEADER, message: "another operator leads", leaderAddress };
}

function refusalError(refusal: MessageInitShape<typeof RefusalSchema>): ConnectError {
  const error = new ConnectError("refused", Code.FailedPrecondition);
  error.details.push({ desc: RefusalSchema, value: refusal });
  return error;
}

function durationOf(ms: number) {
  return create(DurationSchema, {
    seconds: BigInt(Math.floor(ms / 1_000)),
    nanos: (ms % 1_000) * 1_000_000,
  });
}
