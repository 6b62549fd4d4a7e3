/**
 * `CML.Config`: how this program reaches others. Set at run time, by the program, before its first
 * Demand or Capability; the SDK reads no environment variable.
 */
import { isIP } from "node:net";
import { SdkError } from "./sdk-error.ts";
import type { WarningListener } from "./warning.ts";
import { emitNodeWarning } from "./warning.ts";

/** Who this program is. */
export interface Credentials {
  /** PEM; its SAN URI spiffe://CLUSTER/ns/NAMESPACE/node/NODEID names the node. */
  readonly certificate: string;
  /** PEM of its private key. */
  readonly privateKey: string;
  /** PEM of the authorities that peers are checked against. @default the certificate's chain */
  readonly ca?: string;
  /** @default the CLUSTER of the certificate */
  readonly clusterId?: string;
  /**
   * 32 bytes, base64: the key that announcements are marked with, the same on every node.
   * @default made from the first authority: whoever has its certificate can announce
   */
  readonly clusterKey?: string;
}

/** Where announcements are sent. */
export interface MulticastOptions {
  /** UDP port. @default 7077 */
  readonly port?: number;
  /** Interfaces by name or address. @default all that are up, without container plugins' */
  readonly interfaces?: readonly string[];
}

/** Group, port and interfaces of the discovery. */
export interface MulticastSettings {
  readonly group?: string;
  readonly port?: number;
  readonly interfaces?: readonly string[];
}

/** What was configured, complete. */
export type ResolvedConfig =
  | { readonly mode: "sidecar"; readonly socketPath: string }
  | {
      readonly mode: "embedded";
      /** Absent: the development mode. */
      readonly credentials?: Credentials;
      readonly multicast: MulticastSettings;
    };

/** Longest path of a unix socket, bytes. Source: sockaddr_un(7), less the closing zero. */
const socketPathLimitBytes = 107;

/** The configuration of one program. */
export class Config {
  #credentials: Credentials | undefined;
  #noCa = false;
  #multicast: MulticastSettings = {};
  #socketPath: string | undefined;
  #warn: WarningListener = emitNodeWarning;
  #inUse = false;

  /**
   * Identifies this program to its peers by a certificate (embedded mode).
   * @throws {SdkError} `INVALID_OPTION` when a part is no PEM, `CONFIG_IN_USE`.
   */
  setCredentials(credentials: Credentials): void {
    this.#checkUnused("setCredentials");
    checkPem("certificate", credentials.certificate, "CERTIFICATE");
    checkPem("privateKey", credentials.privateKey, "PRIVATE KEY");
    if (credentials.ca !== undefined) {
      checkPem("ca", credentials.ca, "CERTIFICATE");
    }
    this.#credentials = { ...credentials };
  }

  /**
   * Development only: encrypted, but nobody's identity is checked. Warns at every start.
   * @throws {SdkError} `INVALID_OPTION` unless `development` is true, `CONFIG_IN_USE`.
   */
  setNoCAMode(options: { readonly development: true }): void {
    this.#checkUnused("setNoCAMode");
    // Callers without types pass nothing: the word must be spelled out.
    const given: { readonly development?: unknown } | undefined = options;
    if (given?.development !== true) {
      throw new SdkError(
        "INVALID_OPTION",
        "setNoCAMode turns identity checks off; it takes { development: true } to say that this " +
          "is no production program. In production call setCredentials.",
      );
    }
    this.#noCa = true;
  }

  /**
   * Group address of the discovery (embedded mode).
   * @param address an IPv4 group, 224.0.0.0 to 239.255.255.255. @default 239.255.77.77
   * @throws {SdkError} `INVALID_OPTION`, `CONFIG_IN_USE`.
   */
  setMulticast(address: string, options: MulticastOptions = {}): void {
    this.#checkUnused("setMulticast");
    const first = Number(address.split(".")[0]);
    if (isIP(address) !== 4 || first < 224 || first > 239) {
      throw new SdkError(
        "INVALID_OPTION",
        `setMulticast: "${address}" is no IPv4 multicast address; take one of 224.0.0.0 to ` +
          "239.255.255.255, for example 239.255.77.77.",
      );
    }
    const { port, interfaces } = options;
    if (port !== undefined && (!Number.isInteger(port) || port < 1 || port > 65_535)) {
      throw new SdkError("INVALID_OPTION", `setMulticast: port ${port} is not in 1 to 65535.`);
    }
    this.#multicast = {
      group: address,
      ...(port === undefined ? {} : { port }),
      ...(interfaces === undefined ? {} : { interfaces: [...interfaces] }),
    };
  }

  /**
   * Works through the sidecar that listens on this unix socket; credentials and multicast are then
   * the sidecar's own and the program's are left aside.
   * @throws {SdkError} `INVALID_OPTION`, `CONFIG_IN_USE`.
   */
  useSidecar(socketPath: string): void {
    this.#checkUnused("useSidecar");
    const sizeBytes = Buffer.byteLength(socketPath);
    if (sizeBytes === 0 || sizeBytes > socketPathLimitBytes) {
      throw new SdkError(
        "INVALID_OPTION",
        `useSidecar: a socket path has 1 to ${socketPathLimitBytes} bytes, this one ${sizeBytes}.`,
      );
    }
    this.#socketPath = socketPath;
  }

  /** Takes warnings instead of Node's `warning` event. May be called at any time. */
  onWarning(listener: WarningListener): void {
    this.#warn = listener;
  }

  /** Tells a warning. @internal */
  readonly warn: WarningListener = (warning) => {
    try {
      this.#warn(warning);
    } catch (error) {
      // A listener that throws must not stop the work that the warning is about.
      emitNodeWarning({ ...warning, cause: error });
    }
  };

  /**
   * What was configured; no change is taken until `release`. @internal
   * @throws {SdkError} `NOT_CONFIGURED`.
   */
  use(): ResolvedConfig {
    const resolved = this.#resolve();
    this.#inUse = true;
    return resolved;
  }

  /** Nothing uses the configuration any more. @internal */
  release(): void {
    this.#inUse = false;
  }

  #resolve(): ResolvedConfig {
    if (this.#socketPath !== undefined) {
      return { mode: "sidecar", socketPath: this.#socketPath };
    }
    if (this.#credentials !== undefined) {
      return { mode: "embedded", credentials: this.#credentials, multicast: this.#multicast };
    }
    if (this.#noCa) {
      return { mode: "embedded", multicast: this.#multicast };
    }
    throw new SdkError(
      "NOT_CONFIGURED",
      "Say who this program is before its first Demand or Capability: CML.Config.useSidecar(path), " +
        "CML.Config.setCredentials({ certificate, privateKey }), or, in development, " +
        "CML.Config.setNoCAMode({ development: true }).",
    );
  }

  #checkUnused(call: string): void {
    if (this.#inUse) {
      throw new SdkError(
        "CONFIG_IN_USE",
        `CML.Config.${call} comes too late: a Demand or Capability is running. Configure before ` +
          "the first of them, or close all of them before.",
      );
    }
  }
}

function checkPem(field: string, value: unknown, label: string): void {
  if (typeof value !== "string" || !/-----BEGIN [A-Z ]+-----/.test(value)) {
    throw new SdkError("INVALID_OPTION", `setCredentials: ${field} is no PEM text.`);
  }
  if (!value.includes(`${label}-----`)) {
    throw new SdkError("INVALID_OPTION", `setCredentials: ${field} holds no ${label}.`);
  }
}
