/** Memory of a process that keeps much and is asked little. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** How far the heap may grow above what was live, before what is dead is looked for, %. */
const growingPercent = 30;

/** How often it is looked at what the process does, ms. */
const lookEveryMs = 2_000;
/** Who used less than this between two looks is at rest, ms of a core. */
const restBusyMs = 100;
/** Work that leaves so much behind that a collection is worth its time, ms of a core. */
const worthBusyMs = 500;

/** Says when a process has come to rest after work. */
export class RestWatch {
  #workedMs = 0;

  /**
   * To be told every two seconds.
   * @param busyMs CPU that the process used since it was told last.
   * @returns whether it has come to rest just now; once after each work that is worth it.
   */
  look(busyMs: number): boolean {
    this.#workedMs += busyMs;
    if (busyMs >= restBusyMs || this.#workedMs < worthBusyMs) return false;
    this.#workedMs = 0;
    return true;
  }
}

/**
 * Keeps the heap close to what is live in it, for a main file, at its start. By itself a heap of
 * 30 MB may grow to the fourfold in a storm of writes, and what is dead stays until it is full.
 * - It grows by a third at most between two collections, each of some 20 ms.
 * - What work has left behind is collected when the process has come to rest, and given back: three
 *   times the time of a collection, which by itself keeps the pages for what may come.
 *
 * `v8.setFlagsFromString` after the start of the VM is documented as unsafe for flags that the
 * running VM relies on: of these one is read when a collection has ended, the other when a context
 * is made, and is how a program without options of its own for Node comes by `gc`.
 */
export function keepHeapSmall(): void {
  setFlagsFromString(`--heap-growing-percent=${growingPercent}`);
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  setFlagsFromString("--no-expose-gc");
  if (!isAction(collect)) throw new Error("unreachable: a V8 without gc");
  const watch = new RestWatch();
  let last = process.cpuUsage();
  setInterval(() => {
    const { user, system } = process.cpuUsage(last);
    last = process.cpuUsage();
    if (watch.look((user + system) / 1_000)) collect(all);
  }, lookEveryMs).unref();
}

/** Source: V8, `src/extensions/gc-extension.cc`. */
const all = { type: "major", flavor: "last-resort" } as const;

function isAction(value: unknown): value is (options: typeof all) => void {
  return typeof value === "function";
}
