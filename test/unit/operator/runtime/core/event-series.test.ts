import { describe, expect, it } from "vitest";
import {
  EventSeries,
  maxSeries,
  seriesSilenceMs,
  seriesWriteMs,
} from "../../../../../operator/runtime/core/event-series.ts";

const said = {
  regarding: "uid-1",
  type: "Normal",
  reason: "Up",
  action: "Start",
  note: "",
} as const;

describe("a series of events", () => {
  it("begins with one event; the second becomes a count at once", () => {
    const series = new EventSeries();
    expect(series.say(said, 0)).toEqual({ type: "create", series: 1 });
    expect(series.say(said, 1)).toEqual({ type: "count", series: 1, count: 2 });
  });

  it("is written at most once a minute after that, and its last count is not lost", () => {
    const series = new EventSeries();
    series.say(said, 0);
    series.say(said, 1);
    for (let at = 2; at < 100; at++) expect(series.say(said, at)).toEqual({ type: "nothing" });
    expect(series.nextDeadlineMs()).toBe(1 + seriesWriteMs);
    expect(series.advance(seriesWriteMs)).toEqual([]);
    const last = { type: "count", series: 1, count: 100 };
    expect(series.advance(1 + seriesWriteMs)).toEqual([last]);
    expect(series.nextDeadlineMs()).toBe(Infinity);
  });

  it("ends by silence: the same said later is a new event", () => {
    const series = new EventSeries();
    series.say(said, 0);
    expect(series.say(said, seriesSilenceMs)).toEqual({ type: "create", series: 2 });
  });

  it("is about one object and one thing: another note is another event", () => {
    const series = new EventSeries();
    series.say(said, 0);
    expect(series.say({ ...said, note: "other" }, 0).type).toBe("create");
    expect(series.say({ ...said, regarding: "uid-2" }, 0).type).toBe("create");
  });

  it("drops what one object says beyond its rate, and lets others speak", () => {
    const series = new EventSeries();
    for (let at = 0; at < 25; at++) series.say({ ...said, note: `${at}` }, 0);
    expect(series.say({ ...said, note: "25" }, 0)).toEqual({ type: "dropped", why: "rate" });
    expect(series.say({ ...said, regarding: "uid-2" }, 0).type).toBe("create");
    expect(series.say({ ...said, note: "25" }, 300_000).type).toBe("create");
  });

  it("is forgotten first where there are too many", () => {
    const series = new EventSeries();
    series.say(said, 0);
    for (let at = 0; at < maxSeries; at++) series.say({ ...said, regarding: `other-${at}` }, 0);
    expect(series.say(said, 1).type).toBe("create");
  });
});
