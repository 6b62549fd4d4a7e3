import { X509Certificate } from "node:crypto";
import {
  type BareSession,
  type BareStream,
  dialBare,
  largeWindows,
  listenBare,
} from "../../support/bare-package.ts";
import type { BenchPems } from "./bench-credentials.ts";
import { FrameReader, FrameWriter } from "./length-frames.ts";
import type { EchoClient, EchoSystem } from "./system.ts";

/** The package as it comes: web streams, TLS by certificate hash, our windows, batched writes. */
export function bareSystem(pems: BenchPems): EchoSystem {
  return {
    async serve() {
      const callback = async () => ({ status: 200, path: "/bare" });
      const { certificate, privateKey } = pems.server;
      const leaf = { certificatePem: certificate, privateKeyPem: privateKey };
      const server = await listenBare(largeWindows, callback, leaf);
      void serveSessions(server.sessions);
      return server.port;
    },
    async connect(port) {
      const { raw } = new X509Certificate(pems.server.certificate);
      const session = await dialBare(port, raw, largeWindows);
      await session.ready;
      return pipeOf(await session.createBidirectionalStream());
    },
  };
}

function pipeOf(stream: BareStream): EchoClient {
  const frames = writerTo(stream);
  return {
    send: (message) => {
      frames.send(message);
    },
    onEcho: (listener) => {
      const reader = new FrameReader((message) => {
        listener(message.length);
      });
      void pump(stream, reader);
    },
    close: () => undefined,
  };
}

async function serveSessions(sessions: AsyncIterable<BareSession>): Promise<void> {
  for await (const session of sessions) void serveStreams(session.incomingBidirectionalStreams);
}

async function serveStreams(streams: AsyncIterable<BareStream>): Promise<void> {
  for await (const stream of streams) {
    const frames = writerTo(stream);
    const reader = new FrameReader((message) => {
      frames.send(message);
    });
    void pump(stream, reader);
  }
}

function writerTo(stream: BareStream): FrameWriter {
  const writer = stream.writable.getWriter();
  return new FrameWriter((bytes) => {
    writer.write(bytes).catch(() => undefined);
  }, true);
}

async function pump(stream: BareStream, reader: FrameReader): Promise<void> {
  try {
    for await (const chunk of stream.readable) reader.push(chunk);
  } catch {
    // The run is over.
  }
}
