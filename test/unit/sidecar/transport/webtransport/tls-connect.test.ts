import { createRequire } from "node:module";
import type * as Tls from "node:tls";
import { describe, expect, it } from "vitest";
import { withTlsConnect } from "../../../../../sidecar/transport/webtransport/tls-connect.ts";

const tls = createRequire(import.meta.url)("node:tls") as typeof Tls;
const original = tls.connect;
const connect = (...args: unknown[]): unknown => Reflect.apply(tls.connect, tls, args);

describe("withTlsConnect", () => {
  it("stands in for one call and is gone after it", () => {
    const socket = {} as Tls.TLSSocket;
    const seen: unknown[] = [];
    const { made, socket: given } = withTlsConnect(
      (_connect, options) => {
        seen.push(options);
        // A second call, even inside the first, is everybody's own.
        expect(tls.connect).toBe(original);
        return socket;
      },
      () => {
        expect(tls.connect).not.toBe(original);
        return connect(1, "host", { servername: "x" });
      },
    );
    expect(seen).toEqual([{ servername: "x" }]);
    expect(made).toBe(socket);
    expect(given).toBe(socket);
    expect(tls.connect).toBe(original);
  });

  it("is gone when the making throws", () => {
    const fail = () => {
      throw new Error("no");
    };
    expect(() => withTlsConnect(() => ({}) as Tls.TLSSocket, fail)).toThrow("no");
    expect(tls.connect).toBe(original);
  });

  it("says which version is expected when tls.connect is not called", () => {
    expect(() =>
      withTlsConnect(
        () => ({}) as Tls.TLSSocket,
        () => 1,
      ),
    ).toThrow(/1\.6\.8 is expected/);
    expect(tls.connect).toBe(original);
  });
});
