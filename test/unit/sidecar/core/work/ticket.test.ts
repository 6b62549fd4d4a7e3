/** design/work.md, "One queue per pod": what a ticket says, and what is answered about one. */
import { create, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  LeaseTokenSchema,
  TicketSchema,
} from "../../../../../proto/gen/spillway/work/v1/work_pb.ts";
import { leaseRefusal, resolveTicket } from "../../../../../sidecar/core/work/index.ts";
import {
  LeaseTokenWriter,
  parseLeaseToken,
  parseTicket,
  TicketWriter,
} from "../../../../../sidecar/core/work/ticket.ts";
import { RigSequences } from "../../../../support/demand-rig.ts";

const nodeId = fc.stringMatching(/^[-A-Za-z0-9.]{1,63}$/);
const incarnation = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const sequence = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const delivery = fc.integer({ min: 1, max: 2 ** 32 - 1 });

test("a ticket is base64url of work.v1.Ticket, equal to the generated codec's", () => {
  fc.assert(
    fc.property(nodeId, incarnation, sequence, (id, start, number) => {
      const text = new TicketWriter({ nodeId: id, incarnation: start }).write(number);
      const message = create(TicketSchema, {
        nodeId: id,
        incarnation: BigInt(start),
        sequence: BigInt(number),
      });
      expect(text).toBe(Buffer.from(toBinary(TicketSchema, message)).toString("base64url"));
      expect(parseTicket(text)).toEqual({ nodeId: id, incarnation: start, sequence: number });
    }),
  );
});

test("a lease token is the ticket, a dot and base64url of work.v1.LeaseToken", () => {
  fc.assert(
    fc.property(nodeId, incarnation, sequence, delivery, (id, start, number, count) => {
      const ticket = new TicketWriter({ nodeId: id, incarnation: start }).write(number);
      const text = new LeaseTokenWriter(7).write(ticket, count) ?? "";
      const message = create(LeaseTokenSchema, { delivery: count, providerIncarnation: 7n });
      const tail = Buffer.from(toBinary(LeaseTokenSchema, message)).toString("base64url");
      expect(text).toBe(`${ticket}.${tail}`);
      expect(parseLeaseToken(text)).toMatchObject({ delivery: count, providerIncarnation: 7 });
    }),
  );
});

test("no text ends the process", () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string(), fc.base64String(), fc.stringMatching(/^[-_A-Za-z0-9]*$/)),
      (text) => {
        const ticket = parseTicket(text);
        if (ticket !== undefined) expect(ticket.sequence).toBeGreaterThan(0);
        parseLeaseToken(text);
        new LeaseTokenWriter(1).write(text, 1);
      },
    ),
  );
});

describe("what is answered about a ticket", () => {
  const self = { nodeId: "web-0", incarnation: 5 };
  const sequences = new RigSequences();
  sequences.last = 10;
  const resolve = (id: string, start: number, number: number): unknown => {
    const text = new TicketWriter({ nodeId: id, incarnation: start }).write(number);
    const result = resolveTicket(text, self, sequences);
    return result.ok ? result.value : result.refusal.code;
  };

  test.each([
    ["one of ours", "web-0", 5, 10, 10],
    ["another node's", "web-1", 5, 1, "TICKET_ELSEWHERE"],
    ["of an earlier start", "web-0", 4, 1, "QUEUE_LOST"],
    ["a number that was never given", "web-0", 5, 11, "UNKNOWN_TICKET"],
    ["of a later start", "web-0", 6, 1, "UNKNOWN_TICKET"],
  ])("%s", (...[, id, start, number, answer]) => {
    expect(resolve(id, start, number)).toBe(answer);
  });

  test("TICKET_ELSEWHERE names the node", () => {
    const text = new TicketWriter({ nodeId: "web-1", incarnation: 1 }).write(1);
    const result = resolveTicket(text, self, sequences);
    expect(result).toMatchObject({ ok: false, refusal: { value: "web-1" } });
  });

  test.each(["", "?", "AAAAA", "a".repeat(300), "CgV3ZWItMB"])("%j is no ticket", (text) => {
    expect(resolveTicket(text, self, sequences)).toMatchObject({
      refusal: { code: "UNKNOWN_TICKET" },
    });
  });

  test("two texts never name one ticket: bits left over must be zero", () => {
    const text = new TicketWriter(self).write(1);
    const swapped = `${text.slice(0, -1)}${String.fromCharCode(text.charCodeAt(text.length - 1) + 1)}`;
    expect(parseTicket(swapped)).not.toEqual(parseTicket(text));
  });
});

test("a lease of an earlier start is stale, any other text is no lease", () => {
  const ticket = new TicketWriter({ nodeId: "web-0", incarnation: 1 }).write(1);
  expect(leaseRefusal(new LeaseTokenWriter(1).write(ticket, 1) ?? "").code).toBe("STALE_LEASE");
  expect(leaseRefusal("nonsense").code).toBe("UNKNOWN_LEASE");
  expect(leaseRefusal(ticket).code).toBe("UNKNOWN_LEASE");
  expect(leaseRefusal(`${ticket}.`).code).toBe("UNKNOWN_LEASE");
  expect(leaseRefusal(`${ticket}.AAAA`).code).toBe("UNKNOWN_LEASE");
});
