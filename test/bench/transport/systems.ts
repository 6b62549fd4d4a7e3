import { bareSystem } from "./bare-package.ts";
import { carrierSystem } from "./carrier.ts";
import { grpcSystem } from "./grpc.ts";

import { peerSessionSystem } from "./peer-session.ts";
import type { EchoSystem } from "./system.ts";
import { tcpSystem } from "./tcp.ts";

/** Everything that is compared, by the name in the table. */
export const systems: Readonly<Record<string, () => EchoSystem>> = {
  "tcp batched": () => tcpSystem(true),
  tcp: () => tcpSystem(false),
  "peer lane": peerSessionSystem,
  carrier: carrierSystem,
  "bare package": bareSystem,
  grpc: grpcSystem,
};
