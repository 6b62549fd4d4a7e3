/**
 * From the operator's words to what is in force. Three things must have come before a node can be
 * configured: who it is, a certificate, and the bundle that others are checked by; in which order
 * they come does not matter. What is handed out is remembered, so that nothing is twice.
 */
import type {
  Certificate,
  ConfigDelta,
  PeersDelta,
  ResourceVersion,
  Version,
} from "../../../proto/gen/spillway/control/v1/control_pb.ts";
import type { ConfigOutcome, ControlEffect, ControlIdentity } from "./control-events.ts";
import { durationMs } from "./duration.ts";
import { HeldConfig, sameVersion, type StoredConfig, type Taken } from "./held-config.ts";

/** What became of a delta, and what follows from it. */
export interface TakenDelta {
  readonly taken: Taken;
  readonly effects: readonly ControlEffect[];
}

/** What one sidecar was told, handed out and took over. */
export class Provision {
  readonly held: HeldConfig;
  #identity: ControlIdentity | undefined;
  /** Came before the bundle that it needs beside it. */
  #certificate: Certificate | undefined;
  /** Certificate and bundle are in use, so that a configuration can be. */
  #proven = false;
  /** The version handed out last, to be taken over. */
  #given: Version | undefined;
  #outcome: ConfigOutcome | undefined;

  constructor(stored: StoredConfig, identity: ControlIdentity | undefined) {
    this.held = new HeldConfig(stored);
    this.#identity = identity;
  }

  /** Undefined before the first Welcome, of this start or an earlier one. */
  get identity(): ControlIdentity | undefined {
    return this.#identity;
  }

  /** What came of the configuration that was taken over last; undefined before the first. */
  get outcome(): ConfigOutcome | undefined {
    return this.#outcome;
  }

  /** @returns false when the operator takes this sidecar for another; nothing changed then. */
  identify({ clusterId, namespace, nodeId }: ControlIdentity): boolean {
    const known = this.#identity;
    const same =
      known === undefined ||
      (known.clusterId === clusterId && known.namespace === namespace && known.nodeId === nodeId);
    if (same) this.#identity = { clusterId, namespace, nodeId };
    return same;
  }

  /** Uses the certificate that was kept, if the bundle was too. */
  useKept(renewInMs: number): ControlEffect[] {
    return this.held.trustBundle === "" ? [] : this.#use(undefined, renewInMs);
  }

  takeConfig(delta: ConfigDelta): TakenDelta {
    const bundleBefore = this.held.trustBundle;
    const taken = this.held.takeConfig(delta);
    if (taken !== "taken") return { taken, effects: [] };
    const bundleChanged = this.held.trustBundle !== bundleBefore;
    if (this.#certificate === undefined && this.#proven && bundleChanged) {
      return { taken, effects: this.#use(undefined, undefined) };
    }
    return { taken, effects: this.#useCertificate() };
  }

  takePeers(delta: PeersDelta): TakenDelta {
    const taken = this.held.takePeers(delta);
    if (taken !== "taken") return { taken, effects: [] };
    const store: ControlEffect = { type: "store", what: "peers" };
    const isGiven = this.#given !== undefined;
    return { taken, effects: isGiven ? [store, this.#peers()] : [store] };
  }

  takeCertificate(certificate: Certificate): ControlEffect[] {
    this.#certificate = certificate;
    return this.#useCertificate();
  }

  /** The last `useCertificate` was carried out. */
  certificateUsed(): void {
    this.#proven = true;
  }

  /** The last `configure` was carried out. */
  configured(outcome: ConfigOutcome): void {
    this.#outcome = outcome;
  }

  /** Hands out what is held and was not handed out yet. */
  give(): ControlEffect[] {
    const version = this.held.configVersion;
    const identity = this.#identity;
    if (!this.#proven || version === undefined || identity === undefined) return [];
    if (sameVersion(version, this.#given)) return [];
    const isFirst = this.#given === undefined;
    this.#given = version;
    const { announcementKey } = this.held;
    const configure: ControlEffect = {
      type: "configure",
      config: {
        version,
        identity,
        demands: this.held.demands(),
        capabilities: this.held.capabilities(),
        descriptorSets: this.held.descriptorSets(),
        announcementKey,
      },
    };
    return isFirst ? [configure, this.#peers()] : [configure];
  }

  /** The object behind a name, and its generation that is in force. */
  inForce(kind: "demand" | "capability", name: string): ResourceVersion | undefined {
    return this.#outcome?.inForce.find((each) => each.kind === kind && each.name === name)
      ?.resource;
  }

  /** Name of the capability of a uid; undefined when none in force has it. */
  capabilityOf(uid: string): string | undefined {
    return this.#outcome?.inForce.find(
      ({ kind, resource }) => kind === "capability" && resource.uid === uid,
    )?.name;
  }

  #peers(): ControlEffect {
    return { type: "peers", peers: this.held.peers() };
  }

  /** A certificate is of use only beside the bundle that others are checked by. */
  #useCertificate(): ControlEffect[] {
    const certificate = this.#certificate;
    if (certificate === undefined || this.held.trustBundle === "") return [];
    this.#certificate = undefined;
    return this.#use(certificate.certificatePem, durationMs(certificate.renewAfter) ?? 0);
  }

  #use(certificatePem: string | undefined, renewAfterMs: number | undefined): ControlEffect[] {
    const identity = this.#identity;
    if (identity === undefined) return [];
    const trustBundlePem = this.held.trustBundle;
    return [{ type: "useCertificate", identity, certificatePem, trustBundlePem, renewAfterMs }];
  }
}
