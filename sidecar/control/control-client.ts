/**
 * The sidecar's end of the control stream with real parts: socket, token file, keys, state folder.
 * What to do and when is decided by `ControlSession`; here it is carried out.
 */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { create } from "@bufbuild/protobuf";
import type { AttachResponse } from "../../proto/gen/spillway/control/v1/control_pb.ts";
import {
  type StoredIdentity,
  StoredIdentitySchema,
} from "../../proto/gen/spillway/control/v1/stored_pb.ts";
import {
  type ControlEffect,
  type ControlInput,
  ControlSession,
  type FreshToken,
  type WholeConfig,
} from "../core/control/index.ts";
import { assertNever, type Clock, type Random } from "../core/ports.ts";
import { createCertificateRequest } from "../runtime/certificate-request.ts";
import { EnginePump } from "../runtime/engine-pump.ts";
import type { Handles, Logger, Timers, WallClock } from "../runtime/index.ts";
import { splitCertificates } from "../runtime/pem.ts";
import { tokenEndMs } from "../runtime/token-end.ts";
import { ControlError } from "./control-error.ts";
import { ControlStream } from "./control-stream.ts";
import type { controlMetrics } from "./metrics.ts";
import type { ControlledNode } from "./ports.ts";
import { StateFolder } from "./state-folder.ts";
import { StoredStates } from "./stored-state.ts";
import { readToken } from "./token-file.ts";

/** Where the operator is and what this sidecar shows it. */
export interface ControlClientOptions {
  /** "HOST:PORT" of the operator's control listener. */
  readonly address: string;
  /** The pod's projected ServiceAccount token. */
  readonly tokenFile: string;
  /** PEM of the authorities that came with the pod; those that the operator told count too. */
  readonly trustBundleFile: string;
  /** Where the last configuration and the certificate are kept. */
  readonly stateFolder: string;
  /** Version of the program. */
  readonly sidecarVersion: string;
  /** This start, as peers are told. */
  readonly incarnation: number;
}

/** What the client works with. */
export interface ControlClientComponents {
  readonly node: ControlledNode;
  readonly clock: Clock;
  readonly wallClock: WallClock;
  readonly timers: Timers;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: Handles<(typeof controlMetrics)["declarations"]>;
}

/** Renewed certificate and bundle: one use at a time, in the order they came. */
type UseCertificate = Extract<ControlEffect, { readonly type: "useCertificate" }>;

/** The control stream of one sidecar. */
export class ControlClient {
  readonly #options: ControlClientOptions;
  readonly #components: ControlClientComponents;
  readonly #states: StoredStates;
  readonly #session: ControlSession;
  readonly #pump: EnginePump<ControlInput, ControlEffect>;
  #identity: StoredIdentity | undefined;
  /** The key of the request that is open. */
  #newKeyPem: string | undefined;
  #stream: ControlStream | undefined;
  /** Counts openings, so that one that was given up while it read its files opens nothing. */
  #opening = 0;
  /** What the node is asked to do, one after the other. */
  #work: Promise<void> = Promise.resolve();
  #stopped = false;

  private constructor(
    options: ControlClientOptions,
    components: ControlClientComponents,
    kept: { readonly states: StoredStates; readonly session: ControlSession } & {
      readonly identity: StoredIdentity | undefined;
    },
  ) {
    this.#options = options;
    this.#components = components;
    this.#states = kept.states;
    this.#session = kept.session;
    this.#identity = kept.identity;
    this.#pump = new EnginePump(kept.session, {
      clock: components.clock,
      timers: components.timers,
      perform: (effect) => {
        this.#perform(effect);
      },
    });
  }

  /**
   * Takes over what an earlier start kept, then looks for the operator; the node is told as things
   * come.
   * @throws {ControlError} `STATE_UNWRITABLE`, `BUNDLE_UNREADABLE`.
   */
  static async start(
    options: ControlClientOptions,
    components: ControlClientComponents,
  ): Promise<ControlClient> {
    await readBundle(options.trustBundleFile);
    const folder = await StateFolder.open(options.stateFolder);
    const states = new StoredStates(folder, components.logger);
    const { identity, config } = await states.read();
    const renewInMs = Number(identity?.renewAtMs ?? 0) - components.wallClock.nowEpochMs();
    const { clusterId = "", namespace = "", nodeId = "" } = identity ?? {};
    const session = new ControlSession(
      {
        sidecarVersion: options.sidecarVersion,
        incarnation: options.incarnation,
        stored: config,
        storedIdentity:
          identity === undefined ? undefined : { clusterId, namespace, nodeId, renewInMs },
      },
      components.random,
    );
    const client = new ControlClient(options, components, { states, session, identity });
    client.#pump.handle({ type: "start" });
    return client;
  }

  /** True while the operator is at the other end. */
  get attached(): boolean {
    return this.#session.attached;
  }

  /** Ends the stream; resolves when the node has done what it was asked and all is kept. */
  async stop(): Promise<void> {
    this.#pump.handle({ type: "stop" });
    this.#stopped = true;
    this.#pump.close();
    await this.#work;
  }

  #perform(effect: ControlEffect): void {
    const { node } = this.#components;
    switch (effect.type) {
      case "connect":
        void this.#connect(effect);
        break;
      case "send":
        this.#stream?.send(effect.message);
        break;
      case "disconnect":
        this.#disconnect();
        break;
      case "readToken":
        void this.#readFreshToken(effect.again);
        break;
      case "makeRequest":
        void this.#makeRequest();
        break;
      case "useCertificate":
        this.#then(() => this.#useCertificate(effect));
        break;
      case "configure":
        this.#then(() => this.#configure(effect.config));
        break;
      case "peers":
        this.#then(async () => {
          node.usePeers(effect.peers);
        });
        break;
      case "quiesce":
        node.quiesce(effect.capabilities);
        break;
      case "sample":
        this.#pump.handle({ type: "sampled", status: node.status() });
        break;
      case "store":
        this.#then(() => this.#store(effect.what));
        break;
      case "note":
        this.#note(effect);
        break;
      default:
        assertNever(effect);
    }
  }

  async #connect({ address, hello }: Extract<ControlEffect, { type: "connect" }>): Promise<void> {
    this.#opening += 1;
    const opening = this.#opening;
    this.#components.metrics.openings.inc({});
    try {
      const token = await readToken(this.#options.tokenFile);
      const authorities = await this.#authorities();
      if (opening !== this.#opening || this.#stopped) return;
      const options = { address: address ?? this.#options.address, authorities, token, hello };
      this.#stream = new ControlStream(options, {
        received: (message) => {
          this.#received(message);
        },
        ended: ({ refusal, reason }) => {
          this.#stream = undefined;
          this.#pump.handle({ type: "ended", refusal, reason });
          this.#showAttached();
        },
      });
    } catch (error) {
      if (opening !== this.#opening || this.#stopped) return;
      this.#pump.handle({ type: "ended", reason: sentence(error) });
    }
  }

  #disconnect(): void {
    this.#opening += 1;
    this.#stream?.close();
    this.#stream = undefined;
    this.#showAttached();
  }

  /** Both count: the pod's own is as old as the pod, the operator's may not have come yet. */
  async #authorities(): Promise<string[]> {
    const ofPod = await readBundle(this.#options.trustBundleFile);
    return [...new Set([...ofPod, ...splitCertificates(this.#session.held.trustBundle)])];
  }

  #received(message: AttachResponse): void {
    const { kind } = message;
    if (kind.case === "descriptorSet") {
      const hash = createHash("sha256").update(kind.value.content).digest("hex");
      if (hash !== kind.value.hash) {
        const named = kind.value.hash.slice(0, 64);
        this.#components.logger.warn({ named, hash }, "descriptors of another hash are dropped");
        return;
      }
    }
    this.#pump.handle({ type: "received", message });
    this.#showAttached();
  }

  async #readFreshToken(again: boolean): Promise<void> {
    let fresh: FreshToken | undefined;
    try {
      const token = await readToken(this.#options.tokenFile);
      const stream = this.#stream;
      if (stream !== undefined && (again || token !== stream.token)) {
        const endMs = tokenEndMs(token);
        const nowMs = this.#components.wallClock.nowEpochMs();
        fresh = { token, expiresInMs: endMs === undefined ? undefined : endMs - nowMs };
        stream.token = token;
      }
    } catch (error) {
      this.#components.logger.warn({ reason: sentence(error) }, "no fresh token");
    }
    this.#pump.handle({ type: "token", fresh });
  }

  async #makeRequest(): Promise<void> {
    const { requestDer, privateKeyPem } = await createCertificateRequest();
    this.#newKeyPem = privateKeyPem;
    this.#pump.handle({ type: "requestMade", request: requestDer });
  }

  async #useCertificate(effect: UseCertificate): Promise<void> {
    const { identity, trustBundlePem, renewAfterMs } = effect;
    const isNew = effect.certificatePem !== undefined;
    const certificatePem = effect.certificatePem ?? this.#identity?.certificatePem;
    const privateKeyPem = isNew ? this.#newKeyPem : this.#identity?.privateKeyPem;
    let refused: string | undefined;
    if (certificatePem === undefined || privateKeyPem === undefined) {
      refused = "there is no key for it";
    } else {
      const credentials = { identity, certificatePem, privateKeyPem, trustBundlePem };
      try {
        await this.#components.node.useCredentials(credentials);
        if (isNew) await this.#keepIdentity(credentials, renewAfterMs ?? 0);
      } catch (error) {
        refused = sentence(error);
      }
    }
    if (isNew) {
      const result = refused === undefined ? "used" : "refused";
      this.#components.metrics.certificates.inc({ result });
    }
    this.#pump.handle({ type: "certificateUsed", refused, renewAfterMs });
  }

  async #keepIdentity(
    credentials: Parameters<ControlledNode["useCredentials"]>[0],
    renewAfterMs: number,
  ): Promise<void> {
    const { identity, certificatePem, privateKeyPem } = credentials;
    const renewAtMs = this.#components.wallClock.nowEpochMs() + renewAfterMs;
    this.#newKeyPem = undefined;
    this.#identity = create(StoredIdentitySchema, {
      ...identity,
      certificatePem,
      privateKeyPem,
      renewAtMs: BigInt(Math.round(renewAtMs)),
    });
    await this.#states.writeIdentity(this.#identity);
  }

  async #configure(config: WholeConfig): Promise<void> {
    const outcome = await this.#components.node.configure(config);
    this.#pump.handle({ type: "configured", outcome });
  }

  #store(what: "config" | "peers"): Promise<void> {
    const { held } = this.#session;
    return what === "config" ? this.#states.writeConfig(held) : this.#states.writePeers(held);
  }

  /** One after the other; what fails is a bug or a broken machine, and is told. */
  #then(work: () => Promise<void>): void {
    this.#work = this.#work.then(work).catch((error: unknown) => {
      this.#components.logger.error({ err: error }, "what the operator asked for failed");
    });
  }

  #note({ level, event, detail }: Extract<ControlEffect, { type: "note" }>): void {
    const { logger } = this.#components;
    if (level === "warn") logger.warn({ event }, detail);
    else logger.info({ event }, detail);
  }

  #showAttached(): void {
    this.#components.metrics.attached.set({}, this.#session.attached ? 1 : 0);
  }
}

async function readBundle(file: string): Promise<string[]> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (cause) {
    const message = `the trust bundle cannot be read: ${sentence(cause)}`;
    throw new ControlError("BUNDLE_UNREADABLE", message, { cause });
  }
  const certificates = splitCertificates(text);
  if (certificates.length === 0) {
    throw new ControlError("BUNDLE_UNREADABLE", `the trust bundle ${file} has no certificate`);
  }
  return certificates;
}

function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
