/**
 * Where the package's promises resolve before a buffer is free (package-defects.test.ts), the
 * callback of our lanes is to be relied on: the memory of sends goes round by it.
 */
import { expect, onTestFinished, test } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { CarrierPair } from "./carrier-pair.ts";

test("memory that is reused once a lane says that it is written arrives as it was", async () => {
  const pair = await CarrierPair.open();
  onTestFinished(() => {
    pair.close();
  });
  const { near, lanes } = pair;
  const lane = near.openLane();
  const [far] = await lanes();
  // Above the lane's window of 4 MiB: each write waits for it and goes out in parts.
  const sizeBytes = 6 * 1024 * 1024;
  const rounds = 4;
  const received: Uint8Array[] = [];
  far?.onBytes((chunk) => received.push(Uint8Array.from(chunk)));
  const buffer = new Uint8Array(32 + sizeBytes).subarray(32);
  for (let round = 0; round < rounds; round += 1) {
    await new Promise<void>((resolve, reject) => {
      lane.write(buffer.fill(round), (error) => {
        if (error === undefined || error === null) resolve();
        else reject(error);
      });
    });
    buffer.fill(0xff);
  }
  const all = () => received.reduce((sum, one) => sum + one.length, 0);
  await eventually(() => all() === rounds * sizeBytes);
  const bytes = Buffer.concat(received);
  for (let round = 0; round < rounds; round += 1) {
    const wrong = bytes
      .subarray(round * sizeBytes, (round + 1) * sizeBytes)
      .findIndex((byte) => byte !== round);
    expect(wrong).toBe(-1);
  }
});
