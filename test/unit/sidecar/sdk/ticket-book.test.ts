import { describe, expect, test } from "vitest";
import { TicketBook } from "../../../../sidecar/sdk/ticket-book.ts";
import { systemOutcome } from "../../../../sidecar/sdk/outcome.ts";

const outcome = (run = 1) => systemOutcome("CANCELLED", "c", run);

describe("TicketBook", () => {
  test("keeps an outcome that comes before the add was answered", () => {
    const book = new TicketBook<string>();
    book.adding();
    expect(book.outcome("t", outcome())).toBeUndefined();
    expect(book.added("t", "entry")).toEqual(outcome());
  });

  test("keeps no outcome of a stranger once no add is under way", () => {
    const book = new TicketBook<string>();
    book.adding();
    book.outcome("stranger", outcome());
    book.refused();
    book.adding();
    expect(book.added("stranger", "entry")).toBeUndefined();
  });

  test("does not take a second telling for an early one", () => {
    const book = new TicketBook<string>();
    book.adding();
    book.added("t", "entry");
    expect(book.outcome("t", outcome())?.entries).toEqual(["entry"]);
    book.adding();
    expect(book.outcome("t", outcome())).toBeUndefined();
    expect(book.added("t", "again")).toBeUndefined();
    expect(book.outcome("t", outcome())).toEqual({ entries: ["again"], firstTold: false });
  });

  test("tells a later run as a first one", () => {
    const book = new TicketBook<string>();
    for (const run of [1, 2]) {
      book.adding();
      book.added("t", `entry ${run}`);
      expect(book.outcome("t", outcome(run))?.firstTold).toBe(true);
    }
  });

  test("forgets the tickets that ended longest ago", () => {
    const book = new TicketBook<number>();
    for (let index = 0; index < 10_001; index += 1) {
      book.adding();
      book.added(`t${index}`, index);
      book.outcome(`t${index}`, outcome());
    }
    book.adding();
    book.added("t0", 0);
    expect(book.outcome("t0", outcome())?.firstTold).toBe(true);
  });

  test("names and gives up what is open", () => {
    const book = new TicketBook<string>();
    for (const ticket of ["a", "b", "b"]) {
      book.adding();
      book.added(ticket, `entry of ${ticket}`);
    }
    expect(book.openTickets()).toEqual(["a", "b"]);
    expect(book.takeAll()).toHaveLength(3);
    expect(book.openTickets()).toEqual([]);
  });
});
