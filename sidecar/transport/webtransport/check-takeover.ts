import { PassThrough } from "node:stream";
import { TransportError } from "../transport-error.ts";
import { DirectSession } from "./direct-session.ts";
import { assertShape } from "./package-shape.ts";

/** Modules of the package that its door does not show. */
export interface InsideModules {
  /** lib/client.js */
  readonly client: unknown;
  /** lib/session.js */
  readonly face: unknown;
  /** lib/http2/session.js */
  readonly session: unknown;
  /** lib/http2/node/capsuleparser.js */
  readonly parser: unknown;
}

interface Maker {
  readonly make: new (options: object) => object;
}

/**
 * Builds a session of the package on a stream that leads nowhere, takes it over and opens a lane.
 * @throws {TransportError} `PACKAGE_CHANGED` naming version and part.
 */
export function checkTakeover(modules: InsideModules): void {
  const client = classOf(modules.client, "HttpClient");
  assertShape<{ onClientWebTransportSupport: unknown }>(client.make.prototype, "HttpClient", {
    onClientWebTransportSupport: "function",
  });
  const face = classOf(modules.face, "HttpWTSession");
  assertShape<{ setSessionObj: unknown }>(face.make.prototype, "HttpWTSession", {
    setSessionObj: "function",
  });
  const stream = new PassThrough();
  const written: Buffer[] = [];
  stream.write = (chunk: Buffer) => {
    written.push(chunk);
    return true;
  };
  const windows = {
    initialStreamSendWindowOffsetBidi: 64,
    initialStreamSendWindowOffsetUnidi: 64,
    initialStreamReceiveWindowOffset: 64,
    streamShouldAutoTuneReceiveWindow: true,
    streamReceiveWindowSizeLimit: 64,
  };
  const parser = classOf(modules.parser, "Http2CapsuleParser");
  const object = new (classOf(modules.session, "Http2WebTransportSession").make)({
    stream,
    isclient: true,
    createParser: (nativesession: object) =>
      new parser.make({ ...windows, stream, nativesession, isclient: true }),
    sendWindowOffset: 64,
    receiveWindowOffset: 64,
    shouldAutoTuneReceiveWindow: true,
    receiveWindowSizeLimit: 64,
    initialBidirectionalSendStreams: 2,
    initialBidirectionalReceiveStreams: 2,
    initialUnidirectionalSendStreams: 2,
    initialUnidirectionalReceiveStreams: 2,
  });
  const { ready, closed } = rejectionsOf(new face.make({ object, parentobj: {} }));
  ready.catch(() => undefined);
  closed.catch(() => undefined);
  const direct = new DirectSession(object, true, {
    lane: () => undefined,
    fault: () => undefined,
    peerClosed: () => undefined,
  });
  const { id } = direct.openLane();
  direct.end();
  stream.removeAllListeners();
  // Type 0x190b4d3b of a capsule without FIN, length 1, stream 1: as the package opens a stream.
  const opened = Buffer.concat(written).toString("hex");
  if (id !== 1 || opened !== "990b4d3b0101") {
    throw new TransportError(
      "PACKAGE_CHANGED",
      `@fails-components/webtransport 1.6.8 is expected: it opened stream ${id} with ${opened}`,
    );
  }
}

function classOf(module: unknown, name: string): Maker {
  const make: unknown =
    typeof module === "object" && module !== null ? Reflect.get(module, name) : undefined;
  const found = { make };
  assertShape<Maker>(found, name, { make: "function" });
  return found;
}

function rejectionsOf(face: unknown): {
  readonly ready: Promise<unknown>;
  readonly closed: Promise<unknown>;
} {
  assertShape<{ readonly ready: Promise<unknown>; readonly closed: Promise<unknown> }>(
    face,
    "HttpWTSession",
    { ready: "object", closed: "object" },
  );
  return face;
}
