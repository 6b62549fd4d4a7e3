import { realClock, realTimers, silentLogger } from "../../../sidecar/runtime/index.ts";
import { type CarrierFactory, CarrierTransport } from "../../../sidecar/transport/index.ts";
import { type BenchPems, factoryOf } from "./bench-credentials.ts";
import type { EchoSystem } from "./system.ts";

/** What is measured: a channel of a lane of a PeerSession, everything on, as the node uses it. */
export function peerSessionSystem(pems: BenchPems): EchoSystem {
  return {
    async serve() {
      const transport = transportOf("server", await factoryOf(pems, "server"));
      transport.onSession((session) => {
        session.onLane((lane) => {
          lane.onMessage((channel, message) => {
            lane.send(channel, message);
          });
        });
      });
      const { port } = await transport.listen({ host: "127.0.0.1", port: 0 });
      return port;
    },
    async connect(port) {
      const transport = transportOf("client", await factoryOf(pems, "client"));
      const session = await transport.dial({ nodeId: "server", host: "127.0.0.1", port });
      const lane = session.openLane();
      const channel = lane.openChannel();
      return {
        send: (message) => {
          lane.send(channel, message);
        },
        onEcho: (listener) => {
          lane.onMessage((_channel, message) => {
            listener(message.length);
          });
        },
        close: () => {
          session.close("SHUTDOWN", "the run is over");
        },
      };
    },
  };
}

function transportOf(nodeId: string, factory: CarrierFactory): CarrierTransport {
  const components = { factory, clock: realClock, timers: realTimers, logger: silentLogger };
  const local = { clusterId: "test", namespace: "test", nodeId, incarnation: Date.now() };
  return new CarrierTransport(components, { local });
}
