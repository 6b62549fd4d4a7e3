/**
 * The cluster's certificate authority: kept in a Secret, shared by the operator's replicas, rotated
 * by the leader.
 */
import { hkdfSync, randomBytes } from "node:crypto";
import { issueForRequest, issueServer } from "../../sidecar/runtime/certificate-for-request.ts";
import { createAuthority, type IssuedCertificate } from "../../sidecar/runtime/certificate.ts";
import type { WallClock } from "../../sidecar/runtime/index.ts";
import {
  type AuthorityState,
  bundleOf,
  decodeAuthority,
  defaultRotationPolicy,
  encodeAuthority,
  planRotation,
  type RotationPolicy,
  type RotationStep,
  validityOf,
} from "./authority-state.ts";
import { ControlError } from "./control-error.ts";
import type { NamespaceTrust } from "./pod-assignment.ts";
import type { SecretStore } from "./ports.ts";

/** What an authority works with. */
export interface AuthorityComponents {
  readonly secrets: SecretStore;
  readonly wallClock: WallClock;
}

/** What an authority is. */
export interface AuthorityOptions {
  /** Cluster that it speaks for, `[-a-z0-9.]{1,63}`. */
  readonly clusterId: string;
  /** How long a leaf is good. @default 24 h */
  readonly leafLifeMs?: number;
  /** Age at which a sidecar asks for the next leaf. @default a third of its life */
  readonly renewAfterMs?: number;
  /** @default a year, begun to be replaced after eight months */
  readonly rotation?: RotationPolicy;
}

/** Whom a leaf is for. */
export interface LeafSubject {
  readonly namespace: string;
  readonly podUid: string;
  readonly roles: readonly string[];
}

/** A leaf, and how long it may be used. */
export interface IssuedLeaf {
  readonly certificatePem: string;
  readonly validForMs: number;
  readonly renewAfterMs: number;
}

/** What a step of the rotation changed. */
export interface Tended {
  readonly step: RotationStep;
  /** When to tend again, wall clock, ms since 1970; Infinity: nothing is to come. */
  readonly againAtMs: number;
}

/** DNS name that every control listener answers to, whatever its address. */
export const controlServerName = "control.spillway.dev";

const leafLifeMs = 24 * 3_600_000;
/** Two operators that begin at once both write; the loser reads the winner's. */
const maxAttempts = 5;

/** The authority. Its private keys stay in this object and in the Secret. */
export class Authority {
  readonly #components: AuthorityComponents;
  readonly #clusterId: string;
  readonly #leafLifeMs: number;
  readonly #renewAfterMs: number;
  readonly #policy: RotationPolicy;
  #state: AuthorityState;
  #version: string;

  private constructor(
    components: AuthorityComponents,
    options: AuthorityOptions,
    stored: { readonly state: AuthorityState; readonly version: string },
  ) {
    this.#components = components;
    this.#clusterId = options.clusterId;
    this.#leafLifeMs = options.leafLifeMs ?? leafLifeMs;
    this.#renewAfterMs = options.renewAfterMs ?? Math.floor(this.#leafLifeMs / 3);
    this.#policy = options.rotation ?? defaultRotationPolicy;
    this.#state = stored.state;
    this.#version = stored.version;
  }

  /**
   * Reads the authority, or makes it when there is none.
   * @throws {ControlError} `AUTHORITY_MALFORMED`, `AUTHORITY_CONFLICT`; and what the store throws.
   */
  static async open(
    components: AuthorityComponents,
    options: AuthorityOptions,
  ): Promise<Authority> {
    const { secrets, wallClock } = components;
    const policy = options.rotation ?? defaultRotationPolicy;
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      const found = await secrets.read();
      if (found !== undefined) {
        const state = decodeAuthority(found.data);
        return new Authority(components, options, { state, version: found.version });
      }
      const state: AuthorityState = {
        current: await newAuthority(options.clusterId, wallClock.nowEpochMs(), policy),
        announcementSecret: randomBytes(32).toString("base64"),
      };
      const written = await secrets.write(encodeAuthority(state), undefined);
      if (written !== undefined) {
        return new Authority(components, options, { state, version: written.version });
      }
    }
    throw conflict();
  }

  get clusterId(): string {
    return this.#clusterId;
  }

  /** PEM of every authority to trust. */
  get bundlePem(): string {
    return bundleOf(this.#state);
  }

  /** Of the authority that signs: changes when certificates should be asked for anew. */
  get signerPem(): string {
    return this.#state.current.certificatePem;
  }

  /** What the sidecars of a namespace are to trust. The key is HKDF-SHA256 (RFC 5869). */
  trustOf(namespace: string): NamespaceTrust {
    const secret = Buffer.from(this.#state.announcementSecret, "base64");
    const info = `spillway announcement key\0${namespace}`;
    const announcementKey = new Uint8Array(hkdfSync("sha256", secret, "", info, 32));
    return { bundlePem: this.bundlePem, announcementKey };
  }

  /**
   * Issues the leaf of a pod over the key of its request.
   * @throws {RuntimeError} as `issueForRequest`. Cost: 3–5 ms.
   */
  async issue(subject: LeafSubject, requestDer: Uint8Array): Promise<IssuedLeaf> {
    const nowMs = this.#components.wallClock.nowEpochMs();
    const validForMs = this.#validForMs(nowMs);
    const certificatePem = await issueForRequest(this.#state.current, requestDer, {
      name: {
        clusterId: this.#clusterId,
        namespace: subject.namespace,
        nodeId: subject.podUid,
      },
      roles: subject.roles,
      nowMs,
      validForMs,
    });
    const renewAfterMs = Math.min(this.#renewAfterMs, Math.floor(validForMs / 3));
    return { certificatePem, validForMs, renewAfterMs };
  }

  /**
   * Issues the certificate of a control listener.
   * @param dnsNames besides `control.spillway.dev`.
   */
  async issueServer(dnsNames: readonly string[] = []): Promise<IssuedCertificate> {
    const nowMs = this.#components.wallClock.nowEpochMs();
    return issueServer(this.#state.current, {
      dnsNames: [controlServerName, ...dnsNames],
      nowMs,
      validForMs: this.#validForMs(nowMs),
    });
  }

  /**
   * Reads the Secret again: the leader may have taken a step.
   * @throws {ControlError} `AUTHORITY_MALFORMED`, and the one in memory stays in use.
   */
  async reload(): Promise<void> {
    const found = await this.#components.secrets.read();
    // A Secret that was deleted is not made anew under running sidecars: the next start does that.
    if (found === undefined || found.version === this.#version) return;
    this.#state = decodeAuthority(found.data);
    this.#version = found.version;
  }

  /**
   * Takes the step of the rotation that is due. Only the leader calls it.
   * @throws {ControlError} `AUTHORITY_CONFLICT` when others keep writing; what the store throws.
   */
  async tend(): Promise<Tended> {
    return this.#write((nowMs) => planRotation(this.#state, this.#policy, nowMs).step);
  }

  /** Begins a rotation now, unless one is under way. Only the leader calls it. */
  async rotate(): Promise<Tended> {
    return this.#write(() => (this.#state.next === undefined ? "prepare" : "none"));
  }

  async #write(stepAt: (nowMs: number) => RotationStep): Promise<Tended> {
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      const nowMs = this.#components.wallClock.nowEpochMs();
      const step = stepAt(nowMs);
      if (step === "none" || (await this.#take(step, nowMs))) {
        return { step, againAtMs: planRotation(this.#state, this.#policy, nowMs).againAtMs };
      }
      await this.reload();
    }
    throw conflict();
  }

  /** @returns false when another write came first. */
  async #take(step: Exclude<RotationStep, "none">, nowMs: number): Promise<boolean> {
    const state = await this.#after(step, nowMs);
    const written = await this.#components.secrets.write(encodeAuthority(state), this.#version);
    if (written === undefined) return false;
    this.#state = state;
    this.#version = written.version;
    return true;
  }

  async #after(step: Exclude<RotationStep, "none">, nowMs: number): Promise<AuthorityState> {
    const { current, next, previous, announcementSecret } = this.#state;
    const kept = previous === undefined ? {} : { previous };
    if (step === "drop") {
      return { current, announcementSecret, ...(next === undefined ? {} : { next }) };
    }
    const made = next ?? (await this.#newAuthority(nowMs));
    if (step === "prepare") {
      return { current, next: { ...made, sinceMs: nowMs }, ...kept, announcementSecret };
    }
    return {
      current: { certificatePem: made.certificatePem, privateKeyPem: made.privateKeyPem },
      previous: {
        certificatePem: current.certificatePem,
        untilMs: nowMs + this.#policy.trustPreviousMs,
      },
      announcementSecret,
    };
  }

  #newAuthority(nowMs: number): Promise<IssuedCertificate> {
    return newAuthority(this.#clusterId, nowMs, this.#policy);
  }

  /** No leaf outlives the authority that signed it. */
  #validForMs(nowMs: number): number {
    const { endMs } = validityOf(this.#state.current.certificatePem);
    return Math.min(this.#leafLifeMs, endMs - nowMs);
  }
}

function newAuthority(
  clusterId: string,
  nowMs: number,
  { authorityLifeMs }: RotationPolicy,
): Promise<IssuedCertificate> {
  return createAuthority({ clusterId, nowMs, validForMs: authorityLifeMs });
}

function conflict(): ControlError {
  return new ControlError(
    "AUTHORITY_CONFLICT",
    `The authority's Secret was written by others ${maxAttempts.toString()} times in a row. Look ` +
      "for a second writer; the operator tries again.",
  );
}
