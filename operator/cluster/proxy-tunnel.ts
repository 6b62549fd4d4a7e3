/**
 * A connection through the HTTP or HTTPS proxy of a kubeconfig: CONNECT, as the requests of the
 * runtime go. Source: RFC 9110, §9.3.6.
 */
import { type IncomingMessage, request as requestPlain } from "node:http";
import { request as requestTls } from "node:https";
import { isIP } from "node:net";
import type { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import type { TlsOptions } from "../runtime/index.ts";
import { ClusterError } from "./cluster-error.ts";

/** Which way, and where to. */
export interface TunnelTarget {
  /** Address of the proxy, with user and password where it wants them; these are never told. */
  readonly proxy: string;
  /** Address of the API server, http or https; the proxy finds its name. */
  readonly server: URL;
  /** Of the connection to the API server. The proxy's own is judged by the system's authorities. */
  readonly tls: TlsOptions;
  /** Longest time until the proxy has answered, ms. */
  readonly timeoutMs: number;
}

/**
 * Opens one connection. To an https server TLS begins with its first bytes: that it fails is an
 * error of the stream.
 * @throws {ClusterError} `UNREACHABLE` when the proxy does not answer or refuses, with its status,
 *   and when its address cannot be used; user and password are not in it.
 */
export async function openTunnel({ proxy, server, tls, timeoutMs }: TunnelTarget): Promise<Duplex> {
  const host = server.hostname.replace(/^\[|\]$/g, "");
  const isSecure = server.protocol === "https:";
  const port = server.port === "" ? (isSecure ? 443 : 80) : Number(server.port);
  const url = URL.parse(proxy);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw unreachable("the proxy-url of the kubeconfig is no http or https address");
  }
  const authority = `${server.hostname}:${String(port)}`;
  const headers = { host: authority, ...credentialsOf(url) };
  const socket = await connectTo(url, headers, timeoutMs);
  if (!isSecure) return socket;
  const servername = isIP(host) === 0 ? { servername: host } : {};
  return connectTls({ socket, host, ALPNProtocols: ["http/1.1"], ...servername, ...tls });
}

function connectTo(
  proxy: URL,
  headers: { readonly host: string },
  timeoutMs: number,
): Promise<Duplex> {
  const { host: authority } = headers;
  const request = proxy.protocol === "https:" ? requestTls : requestPlain;
  const asked = request({
    method: "CONNECT",
    host: proxy.hostname.replace(/^\[|\]$/g, ""),
    ...(proxy.port === "" ? {} : { port: proxy.port }),
    path: authority,
    agent: false,
    headers: { ...headers },
    signal: AbortSignal.timeout(timeoutMs),
  });
  return new Promise((resolve, reject) => {
    asked.once("connect", (answer: IncomingMessage, socket: Duplex, head: Buffer) => {
      const { statusCode = 0, statusMessage = "" } = answer;
      if (statusCode >= 200 && statusCode < 300) {
        if (head.length > 0) socket.unshift(head);
        resolve(socket);
        return;
      }
      socket.destroy();
      const said = `${String(statusCode)} ${statusMessage.slice(0, 100)}`.trim();
      reject(unreachable(`the proxy ${proxy.host} refuses the way to ${authority}: ${said}`));
    });
    asked.once("error", (cause) => {
      const said = cause.name === "AbortError" ? `nothing within ${timeoutMs} ms` : cause.message;
      reject(unreachable(`the proxy ${proxy.host} does not answer: ${said}`, cause));
    });
    asked.end();
  });
}

/** Basic, as in the address. Source: RFC 7617. */
function credentialsOf({ username, password }: URL): Record<string, string> {
  if (username === "" && password === "") return {};
  const pair = `${decoded(username)}:${decoded(password)}`;
  return { "proxy-authorization": `Basic ${Buffer.from(pair).toString("base64")}` };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    // The error names the text: it is not told.
    throw unreachable(
      "the proxy-url of the kubeconfig has a % in its user or password that begins no character " +
        "in UTF-8; write %25 for %",
    );
  }
}

function unreachable(text: string, cause?: unknown): ClusterError {
  const remedy = "Check proxy-url in the kubeconfig.";
  return new ClusterError("UNREACHABLE", { text, remedy }, { cause });
}
