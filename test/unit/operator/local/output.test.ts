import { expect, test } from "vitest";
import { createOutput, type Output } from "../../../../operator/local/output.ts";

function recorded(form: "text" | "json", colour = false): { output: Output; lines: string[] } {
  const lines: string[] = [];
  const write = (text: string): void => void lines.push(text);
  return { lines, output: createOutput({ form, colour, write, nowEpochMs: () => 0 }) };
}

test("a line stands behind the name of its program, all names in one column", () => {
  const { output, lines } = recorded("text");
  output.names(["web-0", "worker-0.sidecar"]);
  output.line({ name: "web-0", stream: "stdout" }, "hello");
  output.event("warn", "careful");
  expect(lines).toEqual(["web-0            │ hello\n", "spillway         │ warn: careful\n"]);
});

test("a logger's record is told for people, its facts as they can be searched", () => {
  const { output, lines } = recorded("text");
  const record = {
    level: 40,
    time: 1_000,
    pid: 7,
    hostname: "x",
    component: "sidecar:work",
    ticket: "t-1",
    reason: "no credit",
    msg: "the item waits",
  };
  output.line({ name: "web-0.sidecar", stream: "stdout" }, JSON.stringify(record));
  expect(lines).toEqual([
    'web-0.sidecar │ warn 00:00:01.000 sidecar:work: the item waits ticket=t-1 reason="no credit"\n',
  ]);
});

test.each(["{broken", "[1]", '{"no":"msg"}', '{"msg":3}'])("%s is shown as it is", (text) => {
  const { output, lines } = recorded("text");
  output.line({ name: "web-0", stream: "stderr" }, text);
  expect(lines).toEqual([`web-0    │ ${text}\n`]);
});

test("a program and its sidecar have one colour, the next program another", () => {
  const { output, lines } = recorded("text", true);
  for (const name of ["web-0", "web-0.sidecar", "worker-0"])
    output.line({ name, stream: "stdout" }, "");
  const colours = lines.map((line) => /\[(\d+)m/.exec(line)?.[1]);
  expect(colours[0]).toBe(colours[1]);
  expect(colours[2]).not.toBe(colours[0]);
});

test("with json each line is one object, a record inside it stays one", () => {
  const { output, lines } = recorded("json");
  output.line({ name: "web-0", stream: "stderr" }, "oh\tno");
  output.line({ name: "web-0.sidecar", stream: "stdout" }, '{"msg":"ready"}');
  output.event("info", "ended");
  const time = "1970-01-01T00:00:00.000Z";
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    { time, name: "web-0", stream: "stderr", line: "oh\tno" },
    { time, name: "web-0.sidecar", stream: "stdout", record: { msg: "ready" } },
    { time, name: "spillway", level: "info", message: "ended" },
  ]);
});

test("the block tells addresses, sockets and the next command", () => {
  const { output, lines } = recorded("text");
  output.ready({
    programs: [
      { name: "web-0", url: "http://127.0.0.1:8080", socketPath: "/run/web-0.sock" },
      {
        name: "worker-0",
        url: "http://127.0.0.1:9000",
        socketPath: "/run/worker-0.sock",
        waitsFor: "does not listen on port 9000 yet",
      },
    ],
    notes: ["x.yaml:1: a Deployment is no resource of ours and is left alone"],
    commands: ["spillway status shop"],
  });
  expect(lines.join("")).toMatchInlineSnapshot(`
    "
    ready
      web-0     http://127.0.0.1:8080  /run/web-0.sock
      worker-0  http://127.0.0.1:9000  /run/worker-0.sock  (does not listen on port 9000 yet)
      note: x.yaml:1: a Deployment is no resource of ours and is left alone

    try:
      spillway status shop
    Ctrl-C ends everything.

    "
  `);
});
