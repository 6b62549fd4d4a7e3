import { describe, expect, test } from "vitest";
import {
  createLogger,
  silentLogger,
  type LoggerOptions,
} from "../../../../sidecar/runtime/logger.ts";

function capture(options: LoggerOptions = {}): {
  lines: Record<string, unknown>[];
  root: ReturnType<typeof createLogger>;
} {
  const lines: Record<string, unknown>[] = [];
  const destination = {
    write: (text: string) => lines.push(JSON.parse(text) as Record<string, unknown>),
  };
  return { lines, root: createLogger({ ...options, destination }) };
}

describe("the logger", () => {
  test("writes one JSON line with time, level, component, fields and message", () => {
    const { lines, root } = capture({ fields: { node: "web-0" } });
    root.forComponent("sidecar:work").info({ ticket: "t1", demand: "d" }, "item added");
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({
      level: "info",
      component: "sidecar:work",
      node: "web-0",
      ticket: "t1",
      demand: "d",
      msg: "item added",
    });
    expect(String(lines[0]?.["time"])).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/);
  });

  test("leaves out what is below its level", () => {
    const { lines, root } = capture({ level: "warn" });
    const logger = root.forComponent("a:b");
    logger.trace({}, "no");
    logger.debug({}, "no");
    logger.info({}, "no");
    logger.warn({}, "yes");
    logger.error({}, "yes");
    logger.fatal({}, "yes");
    expect(lines.map(({ level }) => level)).toEqual(["warn", "error", "fatal"]);
  });

  test("a narrowed logger keeps its fields, and its component", () => {
    const { lines, root } = capture();
    const logger = root.forComponent("a:b").with({ peer: "p" }).with({ traceId: "x" });
    logger.info({ ticket: "t" }, "m");
    expect(lines[0]).toMatchObject({ component: "a:b", peer: "p", traceId: "x", ticket: "t" });
  });

  test("writes an error with its code and stack", () => {
    const { lines, root } = capture();
    const err = Object.assign(new Error("broken"), { code: "ECONNRESET" });
    root.forComponent("a:b").error({ err }, "m");
    expect(lines[0]?.["err"]).toMatchObject({ message: "broken", code: "ECONNRESET" });
  });

  test("flushing another destination is harmless; the silent one writes nothing", async () => {
    const { lines, root } = capture();
    await root.flush();
    silentLogger.with({ peer: "p" }).fatal({}, "nothing");
    expect(lines).toEqual([]);
  });
});
