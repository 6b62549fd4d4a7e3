import { expect, test } from "vitest";
import { Health } from "../../../../sidecar/runtime/health.ts";

test("ready means that nobody has a reason; each component has one at a time", () => {
  const health = new Health();
  expect(health.readiness()).toEqual({ ready: true, reasons: [] });
  health.set("config", "no configuration yet");
  health.set("peers", "not listening");
  health.set("peers", "port in use");
  expect(health.readiness()).toEqual({
    ready: false,
    reasons: ["no configuration yet", "port in use"],
  });
  health.set("config", undefined);
  health.set("peers", undefined);
  expect(health.readiness().ready).toBe(true);
});
