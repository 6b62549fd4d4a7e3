import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ApiError, type WatchEvent } from "../../../../operator/runtime/index.ts";
import { maxLineBytes, WatchLines } from "../../../../operator/runtime/watch-lines.ts";
import { type Widget, widgets } from "../../../support/runtime-rig.ts";

function reader() {
  const events: WatchEvent<Widget>[] = [];
  const lines = new WatchLines<Widget>(widgets, (event) => events.push(event));
  return { events, push: (text: string) => lines.push(Buffer.from(text)) };
}

function added(name: string): string {
  return `${JSON.stringify({ type: "ADDED", object: { metadata: { name } } })}\n`;
}

function thrown(text: string): unknown {
  try {
    reader().push(text);
  } catch (error) {
    return error;
  }
  return undefined;
}

describe("lines of a watch", () => {
  it("are the same events however the bytes are cut", () => {
    const text = Buffer.from(["ä", "b", "日本"].map(added).join(""));
    fc.assert(
      fc.property(fc.array(fc.nat(text.length)), (cuts) => {
        const events: WatchEvent<Widget>[] = [];
        const lines = new WatchLines<Widget>(widgets, (event) => events.push(event));
        const places = [0, ...cuts.toSorted((a, b) => a - b), text.length];
        // One buffer for all pieces, as a network stack may do.
        const reused = Buffer.alloc(text.length);
        for (const [at, from] of places.entries()) {
          const to = places[at + 1] ?? from;
          text.copy(reused, 0, from, to);
          lines.push(reused.subarray(0, to - from));
        }
        const names = events.map(
          (event) => event.type === "upserted" && event.object.metadata.name,
        );
        expect(names).toEqual(["ä", "b", "日本"]);
      }),
    );
  });

  it("tell changes, removals and bookmarks", () => {
    const { events, push } = reader();
    push(added("a").replace("ADDED", "MODIFIED"));
    push(added("a").replace("ADDED", "DELETED"));
    const metadata = { resourceVersion: "7", annotations: { "k8s.io/initial-events-end": "true" } };
    push(`${JSON.stringify({ type: "BOOKMARK", object: { metadata } })}\n\n`);
    expect(events).toEqual([
      { type: "upserted", object: { metadata: { name: "a" } } },
      { type: "removed", object: { metadata: { name: "a" } } },
      { type: "bookmark", resourceVersion: "7", initialEventsEnd: true },
    ]);
  });

  it("that report an error throw it with its code and wait", () => {
    const object = {
      code: 410,
      reason: "Expired",
      message: "too old",
      details: { retryAfterSeconds: 3 },
    };
    const error = thrown(`${JSON.stringify({ type: "ERROR", object })}\n`);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ code: "GONE", status: 410, retryAfterMs: 3_000 });
    expect(thrown('{"type":"ERROR"}\n')).toMatchObject({ code: "SERVER_ERROR" });
  });

  it.each([
    "nonsense\n",
    "7\n",
    '{"type":"ADDED"}\n',
    '{"type":"ADDED","object":{"metadata":{}}}\n',
    '{"type":"DELETED","object":[]}\n',
    '{"type":"BOOKMARK","object":{"metadata":{}}}\n',
    '{"type":"OTHER","object":{"metadata":{"name":"a"}}}\n',
  ])("that are none are refused: %j", (text) => {
    expect(thrown(text)).toMatchObject({ code: "MALFORMED_ANSWER" });
  });

  it("that never end are refused at their bound", () => {
    const lines = new WatchLines(widgets, () => undefined);
    const piece = new Uint8Array(maxLineBytes / 4).fill(65);
    for (let at = 0; at < 4; at++) lines.push(piece);
    expect(() => lines.push(piece)).toThrow(/a line of more than/);
  });
});
