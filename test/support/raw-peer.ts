/**
 * A peer that writes its own bytes: HTTP/2 with a certificate, and whatever a test sends above it.
 */
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from "node:http2";
import type { IssuedCertificate } from "../../sidecar/runtime/certificate.ts";
import { sessionPath } from "../../sidecar/transport/webtransport/limits.ts";

/** What a raw peer proves itself with, and how it asks. */
export interface RawPeerOptions {
  readonly port: number;
  readonly leaf?: IssuedCertificate;
  readonly authorityPem?: string;
  /** Headers of the CONNECT that differ from a right one. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answered CONNECT. */
export interface RawPeer {
  readonly status: number;
  readonly stream: ClientHttp2Stream;
  readonly session: ClientHttp2Session;
  /** Resolves once the stream is over. */
  readonly closed: Promise<void>;
  destroy(): void;
}

const customSettings = { 0x2b61: 1 << 24, 0x2b62: 1 << 22, 0x2b63: 1 << 22, 0x2b64: 8, 0x2b65: 8 };

/** Connects and asks for a session; rejects when the connection ends before there is an answer. */
export async function openRawPeer(options: RawPeerOptions): Promise<RawPeer> {
  const session = connect(`https://127.0.0.1:${options.port}`, {
    ...(options.leaf && { cert: options.leaf.certificatePem, key: options.leaf.privateKeyPem }),
    ...(options.authorityPem !== undefined && { ca: [options.authorityPem] }),
    rejectUnauthorized: options.authorityPem !== undefined,
    checkServerIdentity: () => undefined,
    settings: { enableConnectProtocol: true, customSettings },
    remoteCustomSettings: Object.keys(customSettings).map(Number),
  });
  try {
    return await new Promise<RawPeer>((resolve, reject) => {
      session.on("error", reject);
      session.on("close", () => {
        reject(new Error("the connection ended before there was an answer"));
      });
      session.once("remoteSettings", () => {
        const stream = session.request({
          ":method": "CONNECT",
          ":protocol": "webtransport",
          ":scheme": "https",
          ":authority": "127.0.0.1",
          ":path": sessionPath,
          ...options.headers,
        });
        stream.on("error", reject);
        stream.on("data", () => undefined);
        const closed = new Promise<void>((done) => {
          stream.on("close", done);
        });
        stream.once("response", (headers) => {
          const destroy = () => {
            session.destroy();
          };
          resolve({ status: Number(headers[":status"]), stream, session, closed, destroy });
        });
      });
    });
  } catch (error) {
    session.destroy();
    throw error;
  }
}
