import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import {
  SettledStatus,
  type ToProvider,
  ToProviderSchema,
} from "../../../../proto/gen/spillway/work/v1/work_pb.ts";
import { TurnDeliveries } from "../../../../sidecar/node/turn-deliveries.ts";

type Kind = NonNullable<MessageInitShape<typeof ToProviderSchema>["kind"]>;

function message(kind: Kind): ToProvider {
  return create(ToProviderSchema, { kind });
}

function deliver(...tickets: string[]): ToProvider {
  const items = tickets.map((ticket) => ({ ticket }));
  return message({ case: "deliver", value: { items } });
}

function settled(status: SettledStatus): ToProvider {
  return message({ case: "settled", value: { status } });
}

/** What was sent, a word each: a delivery by its tickets, another message by its kind. */
function rig() {
  const sent: string[] = [];
  const ends: (() => void)[] = [];
  const deliveries = new TurnDeliveries({
    turns: { afterTurn: (callback) => ends.push(callback) },
    send: (link, { kind }) => {
      const what =
        kind.case === "deliver"
          ? kind.value.items.map(({ ticket }) => ticket).join("+")
          : String(kind.case);
      sent.push(`${String(link)}:${what}`);
    },
  });
  const endTurn = (): void => {
    for (const end of ends.splice(0)) end();
  };
  return { deliveries, sent, ends, endTurn };
}

describe("TurnDeliveries", () => {
  test("items of one turn go out as one Deliver for each link", () => {
    const { deliveries, sent, ends, endTurn } = rig();
    for (const ticket of ["a", "b", "c"]) {
      deliveries.begin();
      deliveries.send(ticket === "b" ? 2 : 1, deliver(ticket));
    }
    expect(sent).toEqual([]);
    expect(ends).toHaveLength(1);
    endTurn();
    expect(sent).toEqual(["1:a+c", "2:b"]);
    endTurn();
    expect(sent).toHaveLength(2);
  });

  test("outside a turn an item goes out at once", () => {
    const { deliveries, sent } = rig();
    deliveries.send(1, deliver("a"));
    expect(sent).toEqual(["1:a"]);
  });

  test("an accepted verb does not wait; whatever may speak of a held item goes after it", () => {
    const { deliveries, sent, endTurn } = rig();
    deliveries.begin();
    deliveries.send(1, deliver("a"));
    deliveries.send(1, settled(SettledStatus.ACCEPTED));
    deliveries.send(1, settled(SettledStatus.STALE_LEASE));
    deliveries.send(1, deliver("b"));
    deliveries.send(2, message({ case: "backlog", value: { ready: 1 } }));
    deliveries.send(1, message({ case: "cancel", value: { reason: "r" } }));
    deliveries.send(1, deliver("c"));
    deliveries.send(1, message({ case: "creditTaken", value: { revision: 1 } }));
    endTurn();
    expect(sent).toEqual([
      "1:settled",
      "1:a",
      "1:settled",
      "2:backlog",
      "1:b",
      "1:cancel",
      "1:c",
      "1:creditTaken",
    ]);
  });

  test("a Deliver keeps its bounds of 256 items and 1 MiB", () => {
    const { deliveries, sent, endTurn } = rig();
    deliveries.begin();
    for (let item = 0; item < 300; item += 1) deliveries.send(1, deliver("x"));
    expect(sent.map((text) => text.split("+").length)).toEqual([256]);
    const items = [{ ticket: "large", request: new Uint8Array(1_048_577) }];
    deliveries.send(1, message({ case: "deliver", value: { items } }));
    expect(sent.map((text) => text.split("+").length)).toEqual([256, 44]);
    endTurn();
    expect(sent.at(-1)).toBe("1:large");
  });

  test("what is held goes out before its link or the demand ends", () => {
    const { deliveries, sent } = rig();
    deliveries.begin();
    deliveries.send(1, deliver("a"));
    deliveries.send(2, deliver("b"));
    deliveries.flush(1);
    expect(sent).toEqual(["1:a"]);
    deliveries.flushAll();
    expect(sent).toEqual(["1:a", "2:b"]);
  });
});
