/**
 * A node in a process of its own, to be killed or frozen: `peer-process.ts CREDENTIALS_JSON [PORT]`
 * with a fork's channel. Listens and tells its port; with PORT it dials node `near` there.
 */
import { realClock, realTimers, silentLogger } from "../../../../sidecar/runtime/index.ts";
import { CarrierTransport } from "../../../../sidecar/transport/index.ts";
import {
  type CredentialOptions,
  createWebTransportFactory,
} from "../../../../sidecar/transport/webtransport/index.ts";

const [, , json = "", port] = process.argv;
const factory = await createWebTransportFactory({
  credentials: JSON.parse(json) as CredentialOptions,
  logger: silentLogger,
});
const transport = new CarrierTransport(
  { factory, clock: realClock, timers: realTimers, logger: silentLogger },
  { local: { clusterId: "test", namespace: "test", nodeId: "far", incarnation: Date.now() } },
);
const address = await transport.listen({ host: "127.0.0.1", port: 0 });
if (port !== undefined) {
  await transport.dial({ nodeId: "near", host: "127.0.0.1", port: Number(port) });
}
process.on("disconnect", () => process.exit(0));
process.send?.(address.port);
