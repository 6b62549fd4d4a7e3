/** What a process costs, read from the kernel. */
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

/** Clock ticks of a second in /proc: always 100 on Linux. */
const ticksPerSecond = 100;

/** @returns resident memory, MB of 1,000,000 bytes. */
export function residentMb(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return (Number(/VmRSS:\s*(\d+)/.exec(status)?.[1]) * 1024) / 1e6;
}

/** @returns user and system time used so far, s. */
export function cpuSeconds(pid: number): number {
  // The name in parentheses may hold blanks.
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** Watches a process that has nothing to do. @returns share of one core, %. */
export async function restingCpuPercent(pid: number, watchMs: number): Promise<number> {
  const [begin, beginMs] = [cpuSeconds(pid), performance.now()];
  await delay(watchMs);
  return ((cpuSeconds(pid) - begin) / (performance.now() - beginMs)) * 100_000;
}
