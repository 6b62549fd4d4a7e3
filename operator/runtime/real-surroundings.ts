/** The real clocks, chance and timers of a process. */
import type { Log, LogLine, Surroundings } from "./ports.ts";

/** Node holds delays in a signed 32-bit number; a longer one would fire at once. */
const maxDelayMs = 2 ** 31 - 1;

const silent: LogLine = () => undefined;

/** Says nothing. */
export const silentLog: Log = { info: silent, warn: silent, error: silent };

/**
 * The real clocks, chance and timers.
 * @param log where lines go. @default nowhere
 */
export function realSurroundings(log: Log = silentLog): Surroundings {
  return {
    clock: { nowMs: () => performance.now() },
    wallClock: { nowEpochMs: () => Date.now() },
    random: { next: () => Math.random() },
    timers: {
      after(delayMs, callback) {
        const timer = setTimeout(callback, Math.min(Math.max(delayMs, 0), maxDelayMs));
        return () => {
          clearTimeout(timer);
        };
      },
    },
    log,
  };
}
