import type { Logger } from "../../runtime/logger.ts";
import type { Carrier, CarrierFactory, CarrierListener, CertificateIdentity } from "../carrier.ts";
import type { DialTarget } from "../ports.ts";
import { type CredentialOptions, type Credentials, readCredentials } from "./credentials.ts";
import { dialPeer } from "./dial.ts";
import { listenForPeers, type WebTransportListener } from "./listen.ts";
import { loadPackage, type WebTransportPackage } from "./load-package.ts";
import { type Refusal, Refusals } from "./refusal.ts";

/** What a factory is made of. */
export interface WebTransportFactoryOptions {
  readonly credentials: CredentialOptions;
  readonly logger: Logger;
  /** Told of each refusal, for metrics. */
  readonly onRefusal?: (refusal: Refusal) => void;
}

/**
 * Loads the package, reads the credentials, checks both.
 * @throws {TransportError} `PACKAGE_CHANGED`, `BAD_CREDENTIALS`.
 */
export async function createWebTransportFactory(
  options: WebTransportFactoryOptions,
): Promise<WebTransportFactory> {
  const library = await loadPackage();
  const credentials = await readCredentials(options.credentials);
  return new WebTransportFactory(library, credentials, options);
}

/** Makes carriers over WebTransport; holds the node's credentials. */
export class WebTransportFactory implements CarrierFactory {
  readonly #library: WebTransportPackage;
  readonly #refusals: Refusals;
  readonly #listeners = new Set<WebTransportListener>();
  #credentials: Credentials;

  /** Use `createWebTransportFactory`. */
  constructor(
    library: WebTransportPackage,
    credentials: Credentials,
    options: WebTransportFactoryOptions,
  ) {
    this.#library = library;
    this.#credentials = credentials;
    this.#refusals = new Refusals(options.logger, options.onRefusal);
  }

  /** Who this node is to its peers. */
  get identity(): CertificateIdentity {
    return this.#credentials.identity;
  }

  /** Wall clock, ms since 1970, at which the certificate in use ends. */
  get notAfterMs(): number {
    return this.#credentials.notAfterMs;
  }

  /** @returns how often each refusal code came up since the begin. */
  refusals(): Readonly<Record<string, number>> {
    return this.#refusals.counts();
  }

  /**
   * Proves and checks by these from the next handshake on, at listeners and dials; open sessions
   * stay. On an error everything stays as it was.
   * @throws {TransportError} `BAD_CREDENTIALS`.
   */
  async updateCredentials(options: CredentialOptions): Promise<void> {
    const credentials = await readCredentials(options);
    this.#credentials = credentials;
    for (const listener of this.#listeners) listener.updateCredentials(credentials);
  }

  async listen(
    address: { readonly host: string; readonly port: number },
    accept: (carrier: Carrier) => void,
  ): Promise<CarrierListener> {
    const listener = await listenForPeers(
      { library: this.#library, credentials: this.#credentials, refusals: this.#refusals },
      address,
      accept,
    );
    this.#listeners.add(listener);
    return {
      address: listener.address,
      close: async () => {
        this.#listeners.delete(listener);
        await listener.close();
      },
    };
  }

  async dial(target: DialTarget, signal: AbortSignal): Promise<Carrier> {
    return dialPeer(
      {
        library: this.#library,
        credentials: this.#credentials,
        onFault: (reason, address) => {
          this.#refusals.add({ code: "MALFORMED", reason, address });
        },
      },
      target,
      signal,
    );
  }
}
