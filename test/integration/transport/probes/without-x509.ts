/** Listens with credentials that exist already, where the library that issues them cannot load. */
import { registerHooks } from "node:module";

registerHooks({
  resolve: (specifier, context, nextResolve) => {
    if (specifier.startsWith("@peculiar/")) throw new Error(`${specifier} was loaded`);
    return nextResolve(specifier, context);
  },
});
const { silentLogger } = await import("../../../../sidecar/runtime/index.ts");
const { createWebTransportFactory } = await import(
  "../../../../sidecar/transport/webtransport/index.ts"
);
const [, , credentials = ""] = process.argv;
const factory = await createWebTransportFactory({
  credentials: JSON.parse(credentials) as Parameters<
    typeof createWebTransportFactory
  >[0]["credentials"],
  logger: silentLogger,
});
const listener = await factory.listen({ host: "127.0.0.1", port: 0 }, () => undefined);
await listener.close();
process.stdout.write("alive\n");
