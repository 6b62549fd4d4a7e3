/** Opens connections to a port of a pod, with a person's own permissions. */
import type { ClientRequest, IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocket } from "ws";
import type { Credentials } from "../runtime/index.ts";
import { ClusterError, forbiddenError, unauthorized } from "./cluster-error.ts";
import { openTunnel } from "./proxy-tunnel.ts";
import { ForwardStream, forwardProtocols, type MessageSocket } from "./forward-stream.ts";

/** A port of a pod. */
export interface ForwardTarget {
  readonly namespace: string;
  readonly pod: string;
  /** Inside the pod, on its loopback. */
  readonly port: number;
}

/** Longest time until a connection is there, ms. */
const openTimeoutMs = 10_000;

/** Longest refusal that is read, bytes. */
const maxRefusalBytes = 64 * 1024;

/**
 * Opens one connection.
 * @throws {ClusterError} `FORBIDDEN`, `UNAUTHORIZED`, `POD_GONE`, `FORWARD_FAILED`, `UNREACHABLE`;
 *   that nothing listens in the pod (`FORWARD_REFUSED`) comes as the error of the stream.
 */
export async function openForward(
  credentials: Credentials,
  target: ForwardTarget,
): Promise<Duplex> {
  const { headers, tls } = await credentials.resolve();
  const { proxy, server } = credentials;
  const tunnel =
    proxy === undefined
      ? undefined
      : await openTunnel({ proxy, server: new URL(server), tls, timeoutMs: openTimeoutMs });
  const socket = new WebSocket(addressOf(server, target), [...forwardProtocols], {
    ...(tunnel === undefined ? tls : { createConnection: () => tunnel }),
    headers: { ...headers },
    handshakeTimeout: openTimeoutMs,
    perMessageDeflate: false,
  });
  return new Promise((resolve, reject) => {
    socket.once("open", () => {
      const stream = new ForwardStream(messageSocketOf(socket), (said) => saidError(said, target));
      resolve(stream);
    });
    socket.on("error", (cause) => {
      const text = `the API server ${server} does not answer: ${cause.message}`;
      const remedy = "Check that the cluster is up and that the kubeconfig names it.";
      reject(new ClusterError("UNREACHABLE", { text, remedy }, { cause }));
    });
    socket.once("unexpected-response", (request: ClientRequest, answer: IncomingMessage) => {
      void refusalOf(answer, target).then((error) => {
        request.destroy();
        reject(error);
      });
    });
  });
}

function addressOf(server: string, { namespace, pod, port }: ForwardTarget): string {
  const base = server.replace(/^http/, "ws").replace(/\/+$/, "");
  const path = `api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}`;
  return `${base}/${path}/portforward?ports=${String(port)}`;
}

function messageSocketOf(socket: WebSocket): MessageSocket {
  return {
    send: (data, sent) => {
      socket.send(data, sent);
    },
    pause: () => {
      if (socket.readyState === WebSocket.OPEN) socket.pause();
    },
    resume: () => {
      if (socket.readyState === WebSocket.OPEN) socket.resume();
    },
    close: () => {
      socket.close();
    },
    terminate: () => {
      socket.terminate();
    },
    onMessage: (listener) => {
      socket.on("message", (data, isBinary) => {
        if (isBinary && data instanceof Uint8Array) listener(data);
      });
    },
    onClose: (listener) => {
      socket.on("close", (code, reason) => {
        // 1000: in order; 1005, 1006: no word, as a kubelet that has said all it had to.
        const isPlain = code === 1_000 || code === 1_005 || code === 1_006;
        listener(isPlain ? "" : `closed with ${String(code)} ${reason.toString()}`.trim());
      });
    },
  };
}

/** What the kubelet said on the error channel, or why the web socket ended. */
function saidError(said: string, { namespace, pod, port }: ForwardTarget): ClusterError {
  if (!/connection refused/i.test(said)) {
    const text = `the port forward to pod ${pod} broke: ${said.trim()}`;
    return new ClusterError("FORWARD_FAILED", { text, remedy: "Try again." });
  }
  const text = `nothing listens on port ${String(port)} in pod ${pod}`;
  const remedy = `Is its sidecar running? kubectl logs ${pod} -c spillway -n ${namespace} tells.`;
  return new ClusterError("FORWARD_REFUSED", { text, remedy });
}

/** What the API server answered in the place of a web socket. */
async function refusalOf(answer: IncomingMessage, target: ForwardTarget): Promise<ClusterError> {
  const { namespace, pod } = target;
  const said = await messageOf(answer);
  switch (answer.statusCode) {
    case 401:
      return unauthorized();
    case 403:
      // Since 1.35 an upgrade needs the verb create too, and its refusal says nothing.
      return forbiddenError(said, {
        user: "you",
        verb: "create",
        resource: "pods/portforward",
        group: "",
        namespace,
      });
    case 404: {
      const remedy = `spillway status -n ${namespace} tells which pods there are.`;
      return new ClusterError("POD_GONE", { text: `pod ${pod} is gone`, remedy });
    }
    default: {
      const remedy = `kubectl describe pod ${pod} -n ${namespace} tells how it is.`;
      const text = `the port forward to pod ${pod} did not come about: ${said}`;
      return new ClusterError("FORWARD_FAILED", { text, remedy });
    }
  }
}

/** The sentence of a Status, else the beginning of what came. */
async function messageOf(answer: IncomingMessage): Promise<string> {
  let text = "";
  try {
    for await (const chunk of answer.setEncoding("utf8")) {
      text += String(chunk);
      if (text.length > maxRefusalBytes) break;
    }
  } catch {
    // What was read until the connection ended is all there is to quote.
  }
  try {
    const status: unknown = JSON.parse(text);
    if (typeof status === "object" && status !== null && "message" in status) {
      return String(status.message);
    }
  } catch {
    // Kubelets and proxies answer plain text.
  }
  return text.slice(0, 300).trim() || `status ${String(answer.statusCode)}`;
}
