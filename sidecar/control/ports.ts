/** What the control stream needs of the sidecar that it tells what to be. */
import type { Peer } from "../../proto/gen/spillway/control/v1/control_pb.ts";
import type {
  ConfigOutcome,
  ControlIdentity,
  NodeStatus,
  WholeConfig,
} from "../core/control/index.ts";

/** With what the sidecar proves itself to peers, and whom it believes. */
export interface ControlCredentials {
  readonly identity: ControlIdentity;
  readonly certificatePem: string;
  /** PKCS #8; a secret. */
  readonly privateKeyPem: string;
  /** PEM of one authority or more. */
  readonly trustBundlePem: string;
}

/** The sidecar. */
export interface ControlledNode {
  /**
   * Proves and checks by these from the next handshake on; open sessions stay.
   * @throws when they cannot be used; then everything stays as it was.
   */
  useCredentials(credentials: ControlCredentials): Promise<void>;
  /**
   * Takes a whole configuration over, each resource for itself. Called again only after it has
   * resolved, and only once there are credentials.
   */
  configure(config: WholeConfig): Promise<ConfigOutcome>;
  /** Takes over the peers that the operator names, all of them. */
  usePeers(peers: readonly Peer[]): void;
  /** These capabilities take nothing new from now on; all others do. */
  quiesce(capabilities: ReadonlySet<string>): void;
  /** How it is doing now. */
  status(): NodeStatus;
}
