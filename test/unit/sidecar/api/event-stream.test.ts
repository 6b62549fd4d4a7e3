import { Writable } from "node:stream";
import { describe, expect, test } from "vitest";
import type { FastifyReply } from "fastify";
import { EventStream, StreamBook } from "../../../../sidecar/api/event-stream.ts";
import { apiLimits } from "../../../../sidecar/api/limits.ts";
import { apiMetrics } from "../../../../sidecar/api/metrics.ts";
import { createMetrics } from "../../../../sidecar/runtime/index.ts";
import { FakeTime } from "../../../support/fake-time.ts";

/** A response whose client takes bytes only when told. */
class FakeResponse extends Writable {
  readonly written: string[] = [];
  status = 0;
  #taken: (() => void)[] = [];
  taking = true;

  constructor() {
    super({ highWaterMark: 64, decodeStrings: false });
  }

  override _write(chunk: string, _encoding: string, done: () => void): void {
    this.written.push(chunk);
    if (this.taking) done();
    else this.#taken.push(done);
  }

  /** The client takes what waits, and everything from now on. */
  take(): void {
    this.taking = true;
    for (const done of this.#taken.splice(0)) done();
  }

  writeHead(status: number): void {
    this.status = status;
  }

  flushHeaders(): void {
    // Headers have no weight here.
  }
}

function fixture() {
  const time = new FakeTime();
  const exposition = createMetrics();
  const components = { timers: time, metrics: exposition.register(apiMetrics) };
  const response = new FakeResponse();
  const reply = { hijack: () => undefined, raw: response } as unknown as FastifyReply;
  let closed = 0;
  const stream = new EventStream(reply, components, () => (closed += 1));
  return { time, exposition, components, response, reply, stream, closed: () => closed };
}

const event = (n: number) => () => ({
  event: "e",
  id: String(n),
  data: { n, pad: "x".repeat(100) },
});

describe("an event stream", () => {
  test("writes id, event and data in one line of JSON", () => {
    const { stream, response } = fixture();
    stream.push(() => ({ event: "outcome", id: "7", data: { text: "a\nb" } }));
    stream.push(() => ({ event: "presence", data: 1 }));
    expect(response.status).toBe(200);
    expect(response.written.join("")).toBe(
      'id: 7\nevent: outcome\ndata: {"text":"a\\nb"}\n\nevent: presence\ndata: 1\n\n',
    );
  });

  test("says every 15 s that it is there", async () => {
    const { time, response } = fixture();
    await time.elapse(3 * apiLimits.streamCommentMs);
    expect(response.written).toEqual(Array.from({ length: 3 }, () => ": still here\n\n"));
  });

  test("renders nothing that the client cannot take yet, and goes on in order", async () => {
    const { stream, response, time } = fixture();
    response.taking = false;
    let rendered = 0;
    for (let n = 0; n < 10; n++) {
      stream.push(() => {
        rendered += 1;
        return event(n)();
      });
    }
    expect(rendered).toBe(1);
    response.take();
    await time.elapse(0);
    await new Promise(setImmediate);
    expect(rendered).toBe(10);
    const ids = [...response.written.join("").matchAll(/^id: (\d)$/gm)].map(([, id]) => Number(id));
    expect(ids).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test("cuts off a client that takes nothing for 30 s, once, and counts it", async () => {
    const { stream, response, time, closed, exposition } = fixture();
    response.taking = false;
    stream.push(event(1));
    await time.elapse(apiLimits.streamStallMs - 1);
    expect(response.destroyed).toBe(false);
    await time.elapse(1);
    expect(response.destroyed).toBe(true);
    expect(closed()).toBe(1);
    expect(await exposition.expose()).toContain(
      'spillway_api_clients_cut_off_total{kind="stream"} 1',
    );
    expect(time.timerCount).toBe(0);
  });

  test("does not cut off one that is slow and alive", async () => {
    const { stream, response, time } = fixture();
    for (let n = 0; n < 5; n++) {
      response.taking = false;
      stream.push(event(n));
      await time.elapse(apiLimits.streamStallMs - 1);
      response.take();
      await new Promise(setImmediate);
    }
    await time.elapse(apiLimits.streamStallMs);
    expect(response.destroyed).toBe(false);
  });

  test("cuts off a client behind which more events wait than the bound", () => {
    const { stream, response, closed } = fixture();
    response.taking = false;
    for (let n = 0; n <= apiLimits.streamEvents; n++) stream.push(event(n));
    expect(closed()).toBe(0);
    stream.push(event(0));
    expect(closed()).toBe(1);
    expect(response.destroyed).toBe(true);
  });

  test("is silent after its end, and ends once", async () => {
    const { stream, response, time, closed } = fixture();
    stream.end();
    stream.end();
    stream.push(event(1));
    await time.elapse(60_000);
    expect(response.written).toEqual([]);
    expect(closed()).toBe(1);
  });

  test("takes a reset by the client as its end", async () => {
    const { response, closed } = fixture();
    response.destroy(new Error("ECONNRESET"));
    await new Promise(setImmediate);
    expect(closed()).toBe(1);
  });
});

describe("the book of streams", () => {
  test("knows when it is full, counts those open, ends them all", async () => {
    const { components, exposition } = fixture();
    const book = new StreamBook(components);
    let closed = 0;
    for (let n = 0; n < apiLimits.streams; n++) {
      expect(book.full).toBe(false);
      const reply = { hijack: () => undefined, raw: new FakeResponse() } as unknown as FastifyReply;
      book.open(reply, () => (closed += 1));
    }
    expect(book.full).toBe(true);
    expect(await exposition.expose()).toContain(
      `spillway_api_streams ${String(apiLimits.streams)}`,
    );
    book.endAll();
    expect(closed).toBe(apiLimits.streams);
    expect(book.full).toBe(false);
  });
});
