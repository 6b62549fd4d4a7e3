import { expect, test } from "vitest";
import { askVersion } from "../../../../operator/inspect/index.ts";
import type { Answer, Call } from "../../../../operator/inspect/index.ts";

function place(answer: Answer) {
  const asked: string[] = [];
  const ask = async ({ method, path }: Call): Promise<Answer> => {
    asked.push(`${method} ${path}`);
    return answer;
  };
  return { asked, ask };
}

test("a sidecar is asked for its version", async () => {
  const sidecar = place({ ok: true, status: 200, body: { version: "1.2.3" } });
  expect(await askVersion(sidecar)).toEqual({ ok: true, version: "1.2.3" });
  expect(sidecar.asked).toEqual(["GET /v1/version"]);
});

test.each([
  [404, { code: "UNKNOWN_ROUTE" }],
  [200, { version: "" }],
  [200, { version: "x".repeat(65) }],
  [200, "hello"],
])("one that answers %j %j does not tell it", async (status, body) => {
  expect(await askVersion(place({ ok: true, status, body }))).toEqual({
    ok: true,
    version: undefined,
  });
});

test("that it does not answer is passed on", async () => {
  const silence = { ok: false, reason: "no answer within 5000 ms" } as const;
  expect(await askVersion(place(silence))).toEqual(silence);
});
