import { describe, expect, test } from "vitest";
import { Config } from "../../../../sidecar/sdk/config.ts";
import { Program } from "../../../../sidecar/sdk/program.ts";

const certificate = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n";
const privateKey = "-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n";

describe("CML.Config", () => {
  test("must be set before it is used, and says how", () => {
    expect(() => new Config().use()).toThrow(/useSidecar.*setCredentials.*setNoCAMode/);
  });

  test("takes the development mode only with the word spelled out", () => {
    const config = new Config();
    expect(() => config.setNoCAMode(undefined as never)).toThrow(/development: true/);
    expect(() => config.setNoCAMode({ development: false } as never)).toThrow(/development: true/);
    config.setNoCAMode({ development: true });
    expect(config.use()).toEqual({ mode: "embedded", multicast: {} });
  });

  test("prefers the sidecar: what else is set is the sidecar's own", () => {
    const config = new Config();
    config.setNoCAMode({ development: true });
    config.setMulticast("239.1.2.3");
    config.useSidecar("/run/spillway/app.sock");
    expect(config.use()).toEqual({ mode: "sidecar", socketPath: "/run/spillway/app.sock" });
  });

  test("prefers credentials to the development mode", () => {
    const config = new Config();
    config.setNoCAMode({ development: true });
    config.setCredentials({ certificate, privateKey });
    expect(config.use()).toMatchObject({ credentials: { certificate, privateKey } });
  });

  test.each(["224.0.0.1", "239.255.77.77"])("takes the group %s", (group) => {
    const config = new Config();
    config.setNoCAMode({ development: true });
    config.setMulticast(group, { port: 7_078, interfaces: ["lo"] });
    const multicast = { group, port: 7_078, interfaces: ["lo"] };
    expect(config.use()).toEqual({ mode: "embedded", multicast });
  });

  test.each(["10.0.0.1", "240.0.0.1", "239.255.77", "::1", ""])("refuses the group %j", (group) => {
    expect(() => new Config().setMulticast(group)).toThrow(/multicast address/);
  });

  test.each([0, 65_536, 1.5])("refuses the port %d", (port) => {
    expect(() => new Config().setMulticast("239.1.2.3", { port })).toThrow(/port/);
  });

  test("refuses parts that are no PEM", () => {
    const config = new Config();
    expect(() => config.setCredentials({ certificate: "x", privateKey })).toThrow(/certificate/);
    const swapped = { certificate, privateKey: certificate };
    expect(() => config.setCredentials(swapped)).toThrow(/PRIVATE KEY/);
    expect(() => config.setCredentials({ certificate, privateKey, ca: "x" })).toThrow(/ca/);
  });

  test("refuses socket paths that no kernel takes", () => {
    expect(() => new Config().useSidecar("")).toThrow(/1 to 107 bytes/);
    expect(() => new Config().useSidecar("/".padEnd(108, "x"))).toThrow(/108/);
  });

  test("is closed while something uses it", () => {
    const config = new Config();
    config.useSidecar("/a");
    config.use();
    expect(() => config.useSidecar("/b")).toThrow(/too late/);
    config.release();
    config.useSidecar("/b");
    expect(config.use()).toMatchObject({ socketPath: "/b" });
  });

  test("hands warnings to the listener, also when that throws", () => {
    const config = new Config();
    const seen: string[] = [];
    config.onWarning(({ code }) => seen.push(code));
    config.warn({ code: "NODE", message: "m" });
    expect(seen).toEqual(["NODE"]);
  });
});

describe("a program", () => {
  test("lets its configuration go with the last hold", async () => {
    const program = new Program();
    program.config.useSidecar("/nowhere");
    const holds = [program.acquire(), program.acquire()];
    expect(holds[0]?.backend).toBe(holds[1]?.backend);
    await holds[0]?.release();
    await holds[0]?.release();
    expect(() => program.config.useSidecar("/b")).toThrow(/too late/);
    await holds[1]?.release();
    program.config.useSidecar("/b");
  });
});
