import type { ConnectionOptions, TLSSocket } from "node:tls";
import { TransportError } from "../transport-error.ts";

/**
 * Calls `make` and lets `open` stand in for `tls.connect` while it runs. The package has no option
 * for certificates, but calls the CommonJS `tls.connect` synchronously in its constructor, through
 * `http2.connect`. The stand-in serves one call and is gone when `make` returns: no other code of
 * the process ever meets it.
 * @param open gets the real function, bound to the package's port and host, and its options.
 * @returns what `make` returned, and the socket.
 * @throws {TransportError} `PACKAGE_CHANGED` when `tls.connect` was not called once.
 */
export function withTlsConnect<T>(
  open: (
    connect: (options: ConnectionOptions) => TLSSocket,
    options: ConnectionOptions,
  ) => TLSSocket,
  make: () => T,
): { readonly made: T; readonly socket: TLSSocket } {
  const tls = process.getBuiltinModule("node:tls");
  const original = tls.connect;
  let socket: TLSSocket | undefined;
  Reflect.set(tls, "connect", (port: number, host: string, options: ConnectionOptions) => {
    Reflect.set(tls, "connect", original);
    socket = open((changed) => original(port, host, changed), options);
    return socket;
  });
  let made: T;
  try {
    made = make();
  } finally {
    Reflect.set(tls, "connect", original);
  }
  if (socket === undefined) {
    throw new TransportError(
      "PACKAGE_CHANGED",
      "@fails-components/webtransport 1.6.8 is expected: it did not call tls.connect while its " +
        "WebTransport was made",
    );
  }
  return { made, socket };
}
