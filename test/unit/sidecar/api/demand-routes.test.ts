import { describe, expect, test } from "vitest";
import { apiFixture, type ApiFixture } from "../../../support/api-fixture.ts";
import { eventually } from "../../../support/eventually.ts";
import { openStream, socketCall } from "../../../support/socket-client.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

async function listening(): Promise<ApiFixture & { socketPath: string }> {
  const socketPath = `${temporaryFolder()}/app.sock`;
  const fixture = await apiFixture();
  await fixture.server.listen(socketPath);
  return { ...fixture, socketPath };
}

/** Adds an item of a submitter and completes it. */
async function finish({ node }: ApiFixture, submitter: string): Promise<void> {
  await node.add("pictures", new Uint8Array(), { submitter });
  const pulled = await node.pull("resizer", { max: 1, waitMs: 0 });
  const lease = pulled.ok ? (pulled.value[0]?.lease ?? "") : "";
  await node.settle(lease, { verb: "complete", result: new Uint8Array([0x10, 5]) });
}

const path = "/v1/demands/pictures/outcomes";

describe("outcomes", () => {
  test("tell each outcome to every reader, with an id to resume after", async () => {
    const fixture = await listening();
    const streams = [
      await openStream(fixture.socketPath, path),
      await openStream(fixture.socketPath, path),
    ];
    await finish(fixture, "a");
    for (const { events } of streams) {
      await eventually(() => events.length === 1);
      expect(events[0]).toMatchObject({ event: "outcome", id: "1" });
      expect(JSON.parse(events[0]?.data ?? "")).toMatchObject({
        ticket: "t1",
        state: "done",
        outcome: { run: 1, result: { width: 5 } },
      });
    }
  });

  test("begin after Last-Event-ID, in order, without a gap to what comes then", async () => {
    const fixture = await listening();
    for (let n = 0; n < 3; n++) await finish(fixture, "a");
    const stream = await openStream(fixture.socketPath, path, { "last-event-id": "1" });
    await finish(fixture, "a");
    await eventually(() => stream.events.length === 3);
    expect(stream.events.map(({ id }) => id)).toEqual(["2", "3", "4"]);
  });

  test("of one submitter only, when it is named", async () => {
    const fixture = await listening();
    const stream = await openStream(fixture.socketPath, `${path}?submitter=b`);
    await finish(fixture, "a");
    await finish(fixture, "b");
    await eventually(() => stream.events.length === 1);
    expect(JSON.parse(stream.events[0]?.data ?? "")).toMatchObject({ ticket: "t2" });
  });

  test("are unsubscribed when the reader goes away", async () => {
    const fixture = await listening();
    const stream = await openStream(fixture.socketPath, path);
    expect(fixture.node.subscriptions).toBe(1);
    stream.close();
    await eventually(() => fixture.node.subscriptions === 0);
  });

  test.each([
    ["/v1/demands/other/outcomes", {}, 404, "UNKNOWN_DEMAND"],
    [`${path}?submitter=`, {}, 400, "INVALID_ARGUMENT"],
    [`${path}?submitter=${"x".repeat(257)}`, {}, 400, "INVALID_ARGUMENT"],
    [path, { "last-event-id": "x".repeat(65) }, 400, "INVALID_ARGUMENT"],
  ])("of %.50s are refused as a problem", async (url, headers, status, code) => {
    const { socketPath, node } = await listening();
    const answer = await socketCall(socketPath, { path: url, headers });
    expect(JSON.parse(answer.text)).toMatchObject({ status, code });
    expect(node.subscriptions).toBe(0);
  });

  test("a result whose contract is gone is told as base64", async () => {
    const fixture = await apiFixture();
    await finish(fixture, "a");
    fixture.node.contractOf = () => undefined;
    expect((await fixture.app.inject("/v1/items/t1")).json().outcome).toEqual({
      run: 1,
      resultProtobuf: "EAU=",
    });
  });
});

describe("demands", () => {
  test("are listed in pages and shown one by one", async () => {
    const { app } = await apiFixture();
    expect((await app.inject("/v1/demands?limit=1")).json()).toMatchObject({
      demands: [{ name: "pictures", request: "pictures.Job", counts: { ready: 0 } }],
    });
    expect((await app.inject("/v1/demands?cursor=pictures")).json()).toEqual({ demands: [] });
    expect((await app.inject("/v1/demands/pictures")).json()).toMatchObject({ maxProviders: 10 });
    expect((await app.inject("/v1/demands/other")).json()).toMatchObject({
      code: "UNKNOWN_DEMAND",
    });
  });

  test.each(["limit=0", "limit=1001", "limit=x", "cursor=", "page=2", `cursor=${"x".repeat(257)}`])(
    "?%.20s is refused or means nothing",
    async (query) => {
      const { app } = await apiFixture();
      const answer = await app.inject(`/v1/demands?${query}`);
      expect(answer.statusCode).toBe(query === "cursor=" ? 200 : 400);
    },
  );
});

interface ItemsAnswer {
  readonly items: readonly { readonly ticket: string; readonly state: string }[];
  readonly next?: string;
}

describe("items of a demand", () => {
  const items = "/v1/demands/pictures/items";

  async function listed({ app }: ApiFixture, query: string): Promise<ItemsAnswer> {
    return (await app.inject(`${items}${query}`)).json<ItemsAnswer>();
  }

  test("are listed in pages, oldest first, without a gap or a repetition", async () => {
    const fixture = await apiFixture();
    for (let n = 0; n < 5; n++) await fixture.node.add("pictures", new Uint8Array(), {});
    const tickets: string[] = [];
    let query = "?limit=2";
    for (let pages = 0; pages < 3; pages++) {
      const page = await listed(fixture, query);
      tickets.push(...page.items.map(({ ticket }) => ticket));
      query = `?limit=2&cursor=${page.next ?? ""}`;
    }
    expect(tickets).toEqual(["t1", "t2", "t3", "t4", "t5"]);
    expect(await listed(fixture, "?limit=5")).not.toHaveProperty("next");
  });

  test("of one state are listed with their outcomes", async () => {
    const fixture = await apiFixture();
    await finish(fixture, "a");
    await fixture.node.add("pictures", new Uint8Array(), {});
    expect(await listed(fixture, "?state=done")).toMatchObject({
      items: [{ ticket: "t1", state: "done", outcome: { run: 1, result: { width: 5 } } }],
    });
    expect((await listed(fixture, "?state=ready")).items).toMatchObject([{ ticket: "t2" }]);
    expect(await listed(fixture, "?state=dead")).toEqual({ items: [] });
  });

  test("with large results end a page sooner, after one item at least", async () => {
    const fixture = await apiFixture();
    for (const mebibytes of [5, 3, 1, 1]) {
      await fixture.node.add("pictures", new Uint8Array(), {});
      const pulled = await fixture.node.pull("resizer", { max: 1, waitMs: 0 });
      const lease = pulled.ok ? (pulled.value[0]?.lease ?? "") : "";
      const result = new Uint8Array(mebibytes * 1024 * 1024);
      await fixture.node.settle(lease, { verb: "complete", result });
    }
    const first = await listed(fixture, "");
    expect([first.items.length, first.next]).toEqual([1, "t1"]);
    const second = await listed(fixture, "?cursor=t1");
    expect([second.items.length, second.next]).toEqual([2, "t3"]);
    expect((await listed(fixture, "?cursor=t3")).items).toHaveLength(1);
  });

  test.each([
    ["/v1/demands/other/items", 404, "UNKNOWN_DEMAND"],
    [`${items}?state=gone`, 400, "INVALID_ARGUMENT"],
    [`${items}?limit=1001`, 400, "INVALID_ARGUMENT"],
    [`${items}?cursor=t9`, 400, "INVALID_ARGUMENT"],
    [`${items}?colour=red`, 400, "INVALID_ARGUMENT"],
  ])("at %s are refused as a problem", async (url, status, code) => {
    const { app } = await apiFixture();
    expect((await app.inject(url)).json()).toMatchObject({ status, code });
  });
});
