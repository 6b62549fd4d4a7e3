import { describe, expect, test } from "vitest";
import { anyAddressOf, controlAddressOf, readConfig } from "../../../operator/config.ts";

const environment = {
  POD_NAMESPACE: "spillway-system",
  POD_NAME: "spillway-operator-0",
  POD_IP: "10.0.0.7",
  KUBERNETES_SERVICE_HOST: "10.96.0.1",
  KUBERNETES_SERVICE_PORT: "443",
};

describe("the operator's configuration", () => {
  test("needs nothing in a pod but what the pod gives it", () => {
    expect(readConfig([], environment)).toEqual({
      namespace: "spillway-system",
      podName: "spillway-operator-0",
      podIp: "10.0.0.7",
      clusterId: "cluster",
      controlPort: 17_079,
      healthPort: 17_078,
      lease: {
        name: "spillway-operator",
        leaseDurationMs: 15_000,
        renewDeadlineMs: 10_000,
        retryPeriodMs: 2_000,
      },
      logLevel: "info",
      apiServer: { from: "pod", host: "10.96.0.1", port: "443" },
    });
  });

  test("an option wins over its variable", () => {
    const config = readConfig(["--namespace=other", "--kubeconfig=/tmp/k"], environment);
    expect(config.namespace).toBe("other");
    expect(config.apiServer).toEqual({ from: "kubeconfig", path: "/tmp/k" });
  });

  test.each([
    [["--namespace=No"], "--namespace (or POD_NAMESPACE) is"],
    [["--pod-ip=web"], "--pod-ip (or POD_IP) is"],
    [["--cluster-id=A"], "--cluster-id is"],
    [["--control-port=0"], "--control-port is"],
    [["--health-port=1e3"], "--health-port is"],
    [["--log-level=loud"], "--log-level is"],
    [["--retry-period=soon"], "--retry-period is"],
    [["--renew-deadline=20s"], "do not fit"],
    [["--lease-duration=15500ms"], "give whole seconds"],
    [["--colour=red"], "--colour"],
  ])("%j is refused in words", (args, words) => {
    expect(() => readConfig(args, environment)).toThrow(words);
  });

  test("outside of a pod a kubeconfig is asked for", () => {
    const { POD_IP, POD_NAMESPACE } = environment;
    expect(() => readConfig([], { POD_IP, POD_NAMESPACE })).toThrow("--kubeconfig");
  });

  test("addresses of either family are written as they are dialled", () => {
    const six = { podIp: "fd00::7", controlPort: 17_079 };
    expect([controlAddressOf(six), anyAddressOf(six)]).toEqual(["[fd00::7]:17079", "::"]);
    const four = { podIp: "10.0.0.7", controlPort: 1 };
    expect([controlAddressOf(four), anyAddressOf(four)]).toEqual(["10.0.0.7:1", "0.0.0.0"]);
  });
});
