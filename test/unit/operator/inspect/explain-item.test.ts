import { describe, expect, test } from "vitest";
import { type Answer, explainItem, type Place } from "../../../../operator/inspect/index.ts";

const reasons = [
  { code: "TYPE_MISMATCH", message: "type mismatch with uid-b: other", facts: { peer: "uid-b" } },
  { code: "NO_PROVIDER", message: "no provider connected", facts: {} },
];

function problem(status: number, code: string, value?: string): Answer {
  const body = { code, detail: `It is ${code}.`, ...(value === undefined ? {} : { value }) };
  return { ok: true, status, body };
}

const explained: Answer = { ok: true, status: 200, body: { state: "ready", reasons } };
const gone: Answer = { ok: false, reason: "the pod is gone" };

/** Places that answer so, in order; `asked` gets the names of those that were asked. */
function places(answers: Readonly<Record<string, Answer>>, asked: string[] = []): Place[] {
  return Object.entries(answers).map(([name, answer]) => ({
    name,
    nodeId: `uid-${name}`,
    ask: async (call) => {
      expect(call).toMatchObject({ method: "GET", path: "/v1/items/t-1/explain" });
      asked.push(name);
      return answer;
    },
  }));
}

describe("explain", () => {
  test("tells each reason on a line, with names in the place of ids", async () => {
    const answer = await explainItem(places({ a: explained, b: gone }), "t-1");
    expect(answer).toMatchObject({ good: true, body: { state: "ready", reasons } });
    expect(answer.text).toBe(
      "t-1 is ready, in the queue of a\n  type mismatch with b: other\n  no provider connected\n",
    );
  });

  test("goes on to the node that a sidecar names", async () => {
    const asked: string[] = [];
    const elsewhere = problem(421, "TICKET_ELSEWHERE", "uid-c");
    const of = places({ a: elsewhere, b: elsewhere, c: explained }, asked);
    expect((await explainItem(of, "t-1")).text).toContain("in the queue of c");
    expect(asked).toEqual(["a", "c"]);
  });

  test("says that the node is not here when nobody has its id", async () => {
    const of = places({ a: problem(421, "TICKET_ELSEWHERE", "uid-x") });
    await expect(explainItem(of, "t-1")).rejects.toMatchObject({
      code: "NODE_UNKNOWN",
      message: expect.stringContaining("at node uid-x, which is not here"),
    });
  });

  test("asks the next when one does not answer, and prefers who is configured", async () => {
    const asked: string[] = [];
    const of = places({ a: gone, b: problem(503, "NOT_CONFIGURED"), c: explained }, asked);
    expect((await explainItem(of, "t-1")).good).toBe(true);
    expect(asked).toEqual(["a", "b", "c"]);
  });

  test("says not configured yet when nobody is", async () => {
    const answer = await explainItem(places({ a: problem(503, "NOT_CONFIGURED") }), "t-1");
    expect(answer).toMatchObject({
      good: false,
      text: "not configured yet: It is NOT_CONFIGURED.\n",
    });
  });

  test("is no good for an item that is lost, and says why", async () => {
    const answer = await explainItem(places({ a: problem(410, "QUEUE_LOST") }), "t-1");
    expect(answer).toMatchObject({ good: false, text: "QUEUE_LOST: It is QUEUE_LOST.\n" });
  });

  test("refuses what is no ticket, and that there is nobody to ask", async () => {
    await expect(explainItem([], "t/../1")).rejects.toMatchObject({ code: "ARGUMENT_INVALID" });
    await expect(explainItem([], "t-1")).rejects.toMatchObject({ code: "NOTHING_ANSWERS" });
    await expect(explainItem(places({ a: gone }), "t-1")).rejects.toMatchObject({
      code: "NOTHING_ANSWERS",
      message:
        "the sidecar of a does not answer: the pod is gone. Ask spillway status for its state.",
    });
  });

  test("refuses what the sidecar finds no ticket, with its words", async () => {
    const unknown = explainItem(places({ a: problem(404, "UNKNOWN_TICKET") }), "t-1");
    await expect(unknown).rejects.toMatchObject({
      code: "INPUT_REFUSED",
      message: '"t-1" is refused as UNKNOWN_TICKET. It is UNKNOWN_TICKET.',
    });
  });

  test("refuses an answer of something else that listens there", async () => {
    const of = places({ a: { ok: true, status: 200, body: "<html>" } });
    await expect(explainItem(of, "t-1")).rejects.toMatchObject({ code: "NOTHING_ANSWERS" });
  });
});
