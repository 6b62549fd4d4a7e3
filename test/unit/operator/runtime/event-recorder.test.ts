import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  type ApiClient,
  EventRecorder,
  type RecordedEvent,
} from "../../../../operator/runtime/index.ts";
import { eventually } from "../../../support/eventually.ts";
import { FakeApiServer } from "../../../support/fake-api-server.ts";
import { runtimeRig, seriesOf } from "../../../support/runtime-rig.ts";

let server: FakeApiServer;
let client: ApiClient;
let rig: ReturnType<typeof runtimeRig>;
let recorder: EventRecorder;

beforeEach(async () => {
  server = await FakeApiServer.start();
  rig = runtimeRig();
  client = rig.client(server);
  const { surroundings, metrics } = rig;
  recorder = new EventRecorder(
    { reportingController: "example.com/widgets", reportingInstance: "pod-1" },
    { client, surroundings, metrics },
  );
});

afterEach(async () => {
  await client.close();
  await server.stop();
});

function event(changes: Partial<RecordedEvent> = {}): RecordedEvent {
  return {
    regarding: {
      apiVersion: "example.com/v1",
      kind: "Widget",
      namespace: "a",
      name: "w",
      uid: "uid-w",
    },
    type: "Normal",
    reason: "Made",
    action: "Make",
    note: "It is made.",
    ...changes,
  };
}

describe("a recorder", () => {
  it("writes an event beside its object", async () => {
    recorder.record(event());
    await recorder.stop();
    expect(server.requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
      "POST /apis/events.k8s.io/v1/namespaces/a/events",
    ]);
    expect(server.requests[0]?.body).toMatchObject({
      metadata: { namespace: "a", name: expect.stringMatching(/^w\.[0-9a-f]{16}$/) },
      reportingController: "example.com/widgets",
      reportingInstance: "pod-1",
      reason: "Made",
      eventTime: expect.stringMatching(/\.\d{6}Z$/),
    });
  });

  it("counts what is said again in the same event", async () => {
    for (let at = 0; at < 3; at++) recorder.record(event());
    await eventually(() => server.requests.length === 2 && rig.time.timerCount === 1);
    await rig.time.elapse(61_000);
    await recorder.stop();
    const [created, second, last, ...more] = server.requests;
    const { name } = (created?.body as { metadata: { name: string } }).metadata;
    expect(second?.url.endsWith(`/events/${name}`)).toBe(true);
    expect(second?.body).toMatchObject({ series: { count: 2 } });
    expect(last?.body).toMatchObject({ series: { count: 3 } });
    expect(more).toEqual([]);
  });

  it("puts events of objects without a namespace into the default one", async () => {
    recorder.record(event({ regarding: { apiVersion: "v1", kind: "Node", name: "n" } }));
    await recorder.stop();
    expect(server.requests[0]?.url).toBe("/apis/events.k8s.io/v1/namespaces/default/events");
  });

  it("cuts texts to the API's bounds, at whole characters", async () => {
    recorder.record(event({ note: "ä".repeat(2_000), reason: "R".repeat(500) }));
    await recorder.stop();
    const { note, reason } = server.requests[0]?.body as { note: string; reason: string };
    expect(Buffer.byteLength(note)).toBeLessThanOrEqual(1_024);
    expect(note).toMatch(/^ä+…$/);
    expect(reason.length).toBe(128);
  });

  it("never fails: what cannot be written is counted", async () => {
    server.fail({ answer: 403, reason: "Forbidden" });
    recorder.record(event());
    recorder.record(event());
    await recorder.stop();
    expect(await seriesOf(rig.metrics, "events_dropped_total", 'reason="failed"')).toBe(1);
    expect(server.requests.length).toBe(1);
  });

  it("drops what one object says too often, and what is in line beyond its bound", async () => {
    for (let at = 0; at < 30; at++) recorder.record(event({ note: `${at}` }));
    expect(await seriesOf(rig.metrics, "events_dropped_total", 'reason="rate"')).toBe(5);
    const regarding = event().regarding;
    for (let at = 0; at < 300; at++) {
      recorder.record(event({ regarding: { ...regarding, uid: `uid-${at}` } }));
    }
    expect(await seriesOf(rig.metrics, "events_dropped_total", 'reason="line"')).toBe(69);
    await recorder.stop();
    expect(server.requests.length).toBe(256);
  });

  it("records nothing after its end", async () => {
    await recorder.stop();
    recorder.record(event());
    expect(server.requests).toEqual([]);
    expect(rig.time.timerCount).toBe(0);
  });
});
