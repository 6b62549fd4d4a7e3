/** Two carriers over loopback that lead to each other, for tests of the carrier itself. */
import { silentLogger } from "../../../sidecar/runtime/index.ts";
import type { ByteLane, Carrier, CarrierListener } from "../../../sidecar/transport/index.ts";
import {
  createWebTransportFactory,
  type WebTransportFactory,
} from "../../../sidecar/transport/webtransport/index.ts";
import { createTestCluster, type TestCluster } from "../../support/certificates.ts";
import { eventually } from "../../support/eventually.ts";
import type { RawPeerOptions } from "../../support/raw-peer.ts";
import { TcpProxy } from "../../support/tcp-proxy.ts";

/** Makes a factory of one node of a test cluster. */
export async function factoryIn(
  cluster: TestCluster,
  nodeId: string,
): Promise<WebTransportFactory> {
  const leaf = await cluster.leaf(nodeId);
  return createWebTransportFactory({
    credentials: {
      certificate: { pem: leaf.certificatePem },
      privateKey: { pem: leaf.privateKeyPem },
      authorities: [{ pem: cluster.authority.certificatePem }],
    },
    logger: silentLogger,
  });
}

/** `near` dialled `far`, through a proxy. */
export class CarrierPair {
  readonly near: Carrier;
  readonly listener: CarrierListener;
  readonly acceptor: WebTransportFactory;
  readonly #cluster: TestCluster;
  readonly #dialler: WebTransportFactory;
  readonly #proxy: TcpProxy;
  readonly #accepted: Carrier[];
  readonly #lanes: ByteLane[];

  private constructor(parts: {
    near: Carrier;
    listener: CarrierListener;
    factories: readonly [WebTransportFactory, WebTransportFactory];
    cluster: TestCluster;
    proxy: TcpProxy;
    accepted: Carrier[];
    lanes: ByteLane[];
  }) {
    this.near = parts.near;
    this.listener = parts.listener;
    [this.acceptor, this.#dialler] = parts.factories;
    this.#cluster = parts.cluster;
    this.#proxy = parts.proxy;
    this.#accepted = parts.accepted;
    this.#lanes = parts.lanes;
  }

  /** Opens a pair: nodes `far` (accepting) and `near` (dialling) of cluster `test`. */
  static async open(): Promise<CarrierPair> {
    const cluster = await createTestCluster();
    const factories = [await factoryIn(cluster, "far"), await factoryIn(cluster, "near")] as const;
    const accepted: Carrier[] = [];
    const lanes: ByteLane[] = [];
    const listener = await factories[0].listen({ host: "127.0.0.1", port: 0 }, (carrier) => {
      if (accepted.length === 0) {
        carrier.onLane((lane) => {
          lanes.push(lane);
        });
      }
      accepted.push(carrier);
    });
    const proxy = await TcpProxy.open(listener.address);
    const target = { nodeId: "far", host: "127.0.0.1", port: proxy.port };
    const near = await factories[1].dial(target, AbortSignal.timeout(5_000));
    await eventually(() => accepted.length === 1);
    return new CarrierPair({ near, listener, factories, cluster, proxy, accepted, lanes });
  }

  /** The accepting end of `near`. */
  get far(): Carrier {
    const [far] = this.#accepted;
    if (far === undefined) throw new Error("nothing was accepted");
    return far;
  }

  /** The accepting end of whoever came last. */
  readonly lastAccepted = async (): Promise<Carrier> =>
    eventually(() => (this.#accepted.length > 1 ? this.#accepted.at(-1) : undefined));

  /** Lanes that `near` opened, once there is one. */
  readonly lanes = async (): Promise<readonly ByteLane[]> =>
    eventually(() => (this.#lanes.length > 0 ? this.#lanes : undefined));

  /** What a raw peer needs to be taken for node `raw`. */
  async rawOptions(): Promise<RawPeerOptions> {
    return {
      port: this.listener.address.port,
      leaf: await this.#cluster.leaf("raw"),
      authorityPem: this.#cluster.authority.certificatePem,
    };
  }

  /** Dials the listener once more. */
  async dialAgain(): Promise<Carrier> {
    const target = { nodeId: "far", host: "127.0.0.1", port: this.listener.address.port };
    return this.#dialler.dial(target, AbortSignal.timeout(5_000));
  }

  /** Cuts the path, as a killed process's system does. */
  kill(): void {
    this.#proxy.cut();
  }

  /** Frees everything. */
  close(): void {
    this.near.close("the test is over");
    void this.listener.close();
    void this.#proxy.close();
  }
}
