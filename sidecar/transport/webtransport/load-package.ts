/**
 * Loads `@fails-components/webtransport` without the 28 lines it prints when its HTTP/3 part is not
 * installed, and says in one sentence when something we rely on is missing from it.
 */
import { readFile } from "node:fs/promises";
import { findPackageJSON, registerHooks } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { TransportError } from "../transport-error.ts";
import { checkTakeover } from "./check-takeover.ts";
import { assertShape, type ClientTransport, type HttpServer } from "./package-shape.ts";

/** The version that the changes at run time were written and tested against. */
export const supportedVersion = "1.6.8";

const packageName = "@fails-components/webtransport";
const http3Name = "@fails-components/webtransport-transport-http3-quiche";

/** The parts of the package's door that we use. */
export interface WebTransportPackage {
  readonly Http2Server: new (options: object) => HttpServer;
  readonly WebTransport: new (url: string, options: object) => ClientTransport;
  readonly quicheLoaded: Promise<unknown>;
}

let loading: Promise<WebTransportPackage> | undefined;

/**
 * @returns the package, loaded once.
 * @throws {TransportError} `PACKAGE_CHANGED` naming version and part.
 */
export async function loadPackage(): Promise<WebTransportPackage> {
  loading ??= loadQuietly();
  return loading;
}

async function loadQuietly(): Promise<WebTransportPackage> {
  await checkVersion();
  // The hook is taken away again: whoever embeds us may use the package's HTTP/3 part elsewhere.
  const hooks = registerHooks({
    resolve: (specifier, context, nextResolve) =>
      specifier === http3Name
        ? { url: "data:text/javascript,export{}", format: "module", shortCircuit: true }
        : nextResolve(specifier, context),
  });
  try {
    const loaded: unknown = await import("@fails-components/webtransport");
    assertShape<WebTransportPackage>(loaded, "the package", {
      Http2Server: "function",
      WebTransport: "function",
      quicheLoaded: "object",
    });
    // Both of its modules ask for the HTTP/3 part on their own; the second has begun before this.
    await loaded.quicheLoaded;
    await checkInside();
    return loaded;
  } finally {
    hooks.deregister();
  }
}

/**
 * Takes a session of the package over, on a stream that is none, so that a part that is missing is
 * found here and not at the first peer. The package's door does not show its inside: by file.
 */
async function checkInside(): Promise<void> {
  const manifest = findPackageJSON(packageName, import.meta.url) ?? "";
  const load = async (path: string): Promise<unknown> =>
    import(pathToFileURL(join(dirname(manifest), "lib", path)).href);
  const [client, face, session, parser] = await Promise.all([
    load("client.js"),
    load("session.js"),
    load("http2/session.js"),
    load("http2/node/capsuleparser.js"),
  ]);
  checkTakeover({ client, face, session, parser });
}

async function checkVersion(): Promise<void> {
  const path = findPackageJSON(packageName, import.meta.url);
  const text = path === undefined ? "{}" : await readFile(path, "utf8");
  const manifest: unknown = JSON.parse(text);
  const version =
    typeof manifest === "object" && manifest !== null && "version" in manifest
      ? manifest.version
      : undefined;
  if (version !== supportedVersion) {
    throw new TransportError(
      "PACKAGE_CHANGED",
      `${packageName} must be ${supportedVersion}, found ${String(version)}: ` +
        "sidecar/transport/webtransport changes it at run time and is tested with that version only",
    );
  }
}
