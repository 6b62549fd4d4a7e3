import { bareSystem } from "./bare-package.ts";
import type { BenchPems } from "./bench-credentials.ts";
import { carrierSystem } from "./carrier.ts";
import { grpcSystem } from "./grpc.ts";
import { http2System } from "./http2-tls.ts";
import { peerSessionSystem } from "./peer-session.ts";
import type { EchoSystem } from "./system.ts";
import { tcpSystem } from "./tcp.ts";

/** Everything that is compared, by the name in the table. */
export const systems: Readonly<Record<string, (pems: BenchPems) => EchoSystem>> = {
  "tcp batched": () => tcpSystem(true),
  tcp: () => tcpSystem(false),
  "peer lane": peerSessionSystem,
  carrier: carrierSystem,
  "http2 with TLS": http2System,
  "bare package": bareSystem,
  grpc: grpcSystem,
};
