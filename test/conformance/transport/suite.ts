import { describe } from "vitest";
import type { TransportHarness } from "./harness.ts";
import { describeCredit } from "./credit.ts";
import { describeLife } from "./life.ts";
import { describeMalformed } from "./malformed.ts";
import { describeMessages } from "./messages.ts";
import { describeOneSession } from "./one-session.ts";
import { describeOpening } from "./opening.ts";

/** Makes a fresh implementation for one test. */
export type HarnessFactory = () => Promise<TransportHarness> | TransportHarness;

/** Everything a PeerTransport promises, whatever carries it. */
export function describeTransport(name: string, create: HarnessFactory): void {
  describe(`PeerTransport over ${name}`, () => {
    describeOpening(create);
    describeMessages(create);
    describeCredit(create);
    describeLife(create);
    describeOneSession(create);
    describeMalformed(create);
  });
}
