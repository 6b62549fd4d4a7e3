import { describe, expect, it } from "vitest";
import { readArguments } from "../../../sidecar/arguments.ts";

const control = [
  ["--control", "op.spillway-system.svc:17079"],
  ["--token-file", "/token"],
  ["--trust-bundle", "/bundle.pem"],
  ["--state-folder", "/state"],
  ["--pod-ip", "10.0.0.5"],
].flat();

function without(name: string): string[] {
  const at = control.indexOf(name);
  return control.toSpliced(at, 2);
}

describe("the arguments of the sidecar", () => {
  it("name a file", () => {
    expect(readArguments(["--config", "node.yaml"])).toEqual({
      way: "file",
      configFile: "node.yaml",
      logLevel: "info",
      parentPipe: undefined,
    });
  });

  it("name an operator; ports and socket have their defaults", () => {
    const read = readArguments(control);
    expect(read).toMatchObject({
      way: "control",
      options: {
        control: "op.spillway-system.svc:17079",
        tokenFile: "/token",
        trustBundleFile: "/bundle.pem",
        stateFolder: "/state",
        podIps: ["10.0.0.5"],
        peerPort: 17_077,
        admin: { host: "10.0.0.5", port: 17_078 },
        ops: { host: "127.0.0.1", port: 17_080 },
        appSocket: "/run/spillway/app.sock",
        multicast: true,
      },
    });
  });

  it("take the addresses of a pod with two families", () => {
    const read = readArguments([...without("--pod-ip"), "--pod-ip", "10.0.0.5,fd00::5"]);
    expect(read).toMatchObject({ options: { podIps: ["10.0.0.5", "fd00::5"] } });
  });

  it.each([
    ["neither way", [], /either --config FILE or --control/],
    ["both ways", [...control, "--config", "f"], /not both/],
    ["no token file", without("--token-file"), /--token-file is needed/],
    ["no trust bundle", without("--trust-bundle"), /--trust-bundle is needed/],
    ["no state folder", without("--state-folder"), /--state-folder is needed/],
    ["no pod IP", without("--pod-ip"), /--pod-ip is needed/],
    ["a pod IP that is a name", [...without("--pod-ip"), "--pod-ip", "web-0"], /IP addresses/],
    ["an operator without a port", [...without("--control"), "--control", "op"], /HOST:PORT/],
    ["an operator with a URL", [...without("--control"), "--control", "https://op:1"], /HOST:PORT/],
    ["a port too great", [...control, "--peer-port", "70000"], /0 to 65535/],
    ["a port that is none", [...control, "--ops-port", "x"], /0 to 65535/],
    ["an unknown level", ["--config", "f", "--log-level", "loud"], /--log-level is one of/],
    ["a pipe that is none", ["--config", "f", "--parent-pipe", "x"], /descriptor/],
    ["an unknown option", ["--config", "f", "--colour"], /colour/],
  ])("are refused with %s", (_what, args, message) => {
    expect(() => readArguments(args)).toThrow(message);
  });
});
