/** When a process started, as the system tells it: with the pid it names one process for good. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/**
 * @returns an opaque text, equal for two readings of one process; undefined when there is none.
 * Source: proc(5), field 22 of /proc/PID/stat; elsewhere `ps -o lstart=`.
 */
export function processStartTime(pid: number): string | undefined {
  return process.platform === "linux" ? fromProc(pid) : fromPs(pid);
}

function fromProc(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${String(pid)}/stat`, "utf8");
    // The second field, the name, may hold blanks and parentheses: count from its last one.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [state] = fields;
    return state === "Z" || state === "X" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

function fromPs(pid: number): string | undefined {
  try {
    const started = execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" });
    return started.trim() === "" ? undefined : started.trim();
  } catch {
    return undefined;
  }
}
