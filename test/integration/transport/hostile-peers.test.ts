/**
 * Nothing a peer sends or fails to send ends the process or hangs beyond 5 s: garbage instead of
 * TLS, HTTP/2 and capsules, and connections that are cut after every number of bytes.
 */
import { once } from "node:events";
import { connect as connectTcp, createServer } from "node:net";
import { connect as connectTls } from "node:tls";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { capsuleType, encodeCapsule } from "../../../sidecar/transport/webtransport/capsule.ts";
import { createTestCluster } from "../../support/certificates.ts";
import { eventually } from "../../support/eventually.ts";
import { openRawPeer } from "../../support/raw-peer.ts";
import { socketEnd } from "../../support/socket-end.ts";
import { CarrierPair, factoryIn } from "./carrier-pair.ts";

let pair: CarrierPair;
const uncaught: unknown[] = [];
const note = (error: unknown) => {
  uncaught.push(error);
};

beforeAll(async () => {
  pair = await CarrierPair.open();
  process.on("uncaughtExceptionMonitor", note);
  process.on("unhandledRejection", note);
});

afterEach(async () => {
  // Whatever happened, the listener goes on and the session beside it is untouched.
  const lane = pair.near.openLane();
  lane.write(new Uint8Array(64).subarray(32));
  await eventually(() => lane.bufferedBytes === 0);
  (await pair.dialAgain()).close("still there");
  expect(uncaught).toEqual([]);
});

afterAll(() => {
  process.off("uncaughtExceptionMonitor", note);
  process.off("unhandledRejection", note);
  pair.close();
});

describe("what comes instead of TLS", () => {
  it("is refused, whatever it is", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 600 }), async (bytes) => {
        const socket = connectTcp(pair.listener.address.port, "127.0.0.1");
        socket.on("error", () => undefined);
        await once(socket, "connect");
        socket.end(bytes);
        await socketEnd(socket);
      }),
      { numRuns: 40 },
    );
  });
});

describe("what comes instead of HTTP/2", () => {
  it("ends the connection, whatever it is", async () => {
    const { leaf, port } = await pair.rawOptions();
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 600 }), async (bytes) => {
        const socket = connectTls({
          port,
          host: "127.0.0.1",
          rejectUnauthorized: false,
          ALPNProtocols: ["h2"],
          ...(leaf && { cert: leaf.certificatePem, key: leaf.privateKeyPem }),
        });
        socket.on("error", () => undefined);
        await once(socket, "secureConnect");
        socket.write(Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), bytes]));
        // HTTP/2 may take it for the begin of something: whoever sent it goes away.
        socket.end();
        await socketEnd(socket);
      }),
      { numRuns: 20 },
    );
  });
});

describe("what comes instead of capsules", () => {
  const data = (id: number, text: string) =>
    Buffer.concat([Buffer.from([0x99, 0x0b, 0x4d, 0x3b, 1 + text.length, id]), Buffer.from(text)]);

  it.each<[string, Uint8Array]>([
    ["a stream of the acceptor's side", data(0, "x")],
    ["a stream out of order", data(9, "x")],
    ["a unidirectional stream", data(3, "x")],
    ["an integer above 2^53", new Uint8Array(16).fill(0xff)],
    ["a close that is too long", Buffer.from([0x68, 0x43, 0x80, 0x10, 0, 0])],
    ["more than the window", beyondWindow()],
    ["more lanes than the bound", manyLanes(65)],
  ])("%s: MALFORMED, and the connection ends", async (_case, bytes) => {
    const raw = await openRawPeer(await pair.rawOptions());
    const accepted = await pair.lastAccepted();
    // A reader that stands still, so that the window can be used up.
    const before = pair.acceptor.refusals()["MALFORMED"] ?? 0;
    const reason = new Promise<string>((resolve) => {
      accepted.onClose((close) => {
        resolve(close.reason);
      });
    });
    raw.stream.write(bytes);
    expect(await reason).not.toBe("");
    await raw.closed;
    expect(pair.acceptor.refusals()["MALFORMED"]).toBe(before + 1);
  });

  it("any bytes end the session or leave it be", async () => {
    const options = await pair.rawOptions();
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.oneof(
            fc.uint8Array({ maxLength: 80 }),
            fc.tuple(fc.nat(20), fc.string({ maxLength: 20 })).map(([id, text]) => data(id, text)),
            fc
              .tuple(
                fc.constantFrom(...Object.values(capsuleType)),
                fc.array(fc.maxSafeNat(), { maxLength: 3 }),
              )
              .map(([type, fields]) => encodeCapsule(type, fields)),
          ),
          { maxLength: 12 },
        ),
        async (pieces) => {
          const raw = await openRawPeer(options);
          for (const piece of pieces) if (piece.length > 0) raw.stream.write(piece);
          raw.stream.end();
          await raw.closed;
          raw.destroy();
        },
      ),
      { numRuns: 60 },
    );
  });

  it("a second session on one connection is refused", async () => {
    const raw = await openRawPeer(await pair.rawOptions());
    const before = pair.acceptor.refusals()["REQUEST_REFUSED"] ?? 0;
    const second = raw.session.request({
      ":method": "CONNECT",
      ":protocol": "webtransport",
      ":scheme": "https",
      ":authority": "127.0.0.1",
      ":path": "/spillway/v1",
    });
    second.on("error", () => undefined);
    await once(second, "close");
    expect(pair.acceptor.refusals()["REQUEST_REFUSED"]).toBe(before + 1);
    expect(raw.stream.destroyed).toBe(false);
    raw.destroy();
  });
});

describe("an answer that ends early", () => {
  it("fails the dial within 5 s, after any number of bytes", async () => {
    const cluster = await createTestCluster();
    const far = await factoryIn(cluster, "far");
    const near = await factoryIn(cluster, "near");
    const listener = await far.listen({ host: "127.0.0.1", port: 0 }, () => undefined);
    for (const bytes of [0, 1, 5, 90, 500, 1_000, 1_400, 1_600, 1_700, 1_800, 1_900]) {
      const cutter = await cutAfter(bytes, listener.address.port);
      const target = { nodeId: "far", host: "127.0.0.1", port: cutter.port };
      const startedMs = performance.now();
      const outcome = await near.dial(target, AbortSignal.timeout(5_000)).then(
        (carrier) => {
          carrier.close("cut later than thought");
          return "open";
        },
        (error: unknown) => (error as { code: string }).code,
      );
      expect(["DIAL_FAILED", "open"]).toContain(outcome);
      expect(performance.now() - startedMs).toBeLessThan(5_500);
      cutter.close();
    }
    await listener.close();
  });

  it("fails the dial when what answers is garbage", async () => {
    const near = await factoryIn(await createTestCluster(), "near");
    for (const garbage of [Buffer.alloc(200, 0x16), Buffer.from("HTTP/1.1 400 no\r\n\r\n")]) {
      const server = createServer((socket) => {
        socket.on("error", () => undefined);
        socket.end(garbage);
      }).listen(0, "127.0.0.1");
      await once(server, "listening");
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      const target = { nodeId: "far", host: "127.0.0.1", port };
      await expect(near.dial(target, AbortSignal.timeout(5_000))).rejects.toMatchObject({
        code: "DIAL_FAILED",
      });
      server.close();
    }
  });

  it("fails the dial when it is aborted at any moment, and leaves nothing behind", async () => {
    const cluster = await createTestCluster();
    const far = await factoryIn(cluster, "far");
    const near = await factoryIn(cluster, "near");
    const listener = await far.listen({ host: "127.0.0.1", port: 0 }, () => undefined);
    const target = { nodeId: "far", host: "127.0.0.1", port: listener.address.port };
    for (const afterMs of [0, 1, 2, 4, 6, 8, 12, 16, 24]) {
      await near.dial(target, AbortSignal.timeout(afterMs)).then(
        (carrier) => {
          carrier.close("it was quicker");
        },
        (error: unknown) => {
          expect(error).toMatchObject({ code: "DIAL_FAILED" });
        },
      );
    }
    await expect(near.dial(target, AbortSignal.abort())).rejects.toMatchObject({
      code: "DIAL_FAILED",
    });
    await listener.close();
  });
});

/** More than one lane's window, to a lane that nobody reads. */
function beyondWindow(): Buffer {
  const bytes = 4 * 1024 * 1024 + 1;
  const header = Buffer.from([0x99, 0x0b, 0x4d, 0x3b, 0x80, 0, 0, 0, 1]);
  header.writeUInt32BE(0x8000_0000 + bytes + 1, 4);
  return Buffer.concat([header, Buffer.alloc(bytes)]);
}

function manyLanes(count: number): Buffer {
  return Buffer.concat(
    Array.from({ length: count }, (_, index) =>
      encodeCapsule(capsuleType.streamData, [1 + 4 * index]),
    ),
  );
}

/** A proxy that cuts the connection once it has passed `bytes` of the answer. */
async function cutAfter(bytes: number, port: number): Promise<{ port: number; close(): void }> {
  const server = createServer((near) => {
    const far = connectTcp(port, "127.0.0.1");
    let left = bytes;
    const cut = () => {
      near.destroy();
      far.destroy();
    };
    near.on("error", () => undefined);
    far.on("error", () => undefined);
    near.on("data", (chunk: Buffer) => far.write(chunk));
    near.on("close", () => far.destroy());
    far.on("close", () => near.destroy());
    far.on("data", (chunk: Buffer) => {
      near.write(chunk.subarray(0, left));
      left -= chunk.length;
      if (left <= 0) near.end(cut);
    });
    if (bytes === 0) cut();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    close: () => server.close(),
  };
}
