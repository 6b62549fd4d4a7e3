import { expect, test } from "vitest";
import { type LocatedApp, readApps } from "../../../../operator/local/apps-file.ts";
import { parseLocatedDocuments } from "../../../../operator/local/located-document.ts";
import { planPorts } from "../../../../operator/local/port-plan.ts";

function apps(...list: object[]): LocatedApp[] {
  const text = JSON.stringify({ apps: list.map((it) => ({ labels: {}, command: ["x"], ...it })) });
  const parsed = parseLocatedDocuments("apps.yaml", text);
  return readApps("apps.yaml", parsed.ok ? parsed.documents : []);
}

const allBut =
  (...used: number[]) =>
  async (port: number) =>
    !used.includes(port);

test("replicas beyond the first get the next free ports, never another program's", async () => {
  const list = apps(
    { name: "web", port: 8080, replicas: 3 },
    { name: "api", port: 8082 },
    { name: "worker" },
  );
  const plan = await planPorts(list, allBut(8081));
  expect([...plan]).toEqual([
    ["web", [8080, 8083, 8084]],
    ["api", [8082]],
  ]);
});

test("a port that is used is refused at its line", async () => {
  await expect(planPorts(apps({ name: "web", port: 8080 }), allBut(8080))).rejects.toMatchObject({
    code: "PORT_IN_USE",
    problems: [
      { file: "apps.yaml", line: 1, text: expect.stringContaining("apps[0].port is 8080") },
    ],
  });
});

test("ports run out at 65535", async () => {
  const list = apps({ name: "web", port: 65_535, replicas: 2 });
  await expect(planPorts(list, allBut())).rejects.toMatchObject({ code: "PORT_IN_USE" });
});
