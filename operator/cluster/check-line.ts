/** One thing that `spillway check` looked at. */
export interface CheckLine {
  /** `skipped`: a permission to look is missing, or the cluster knows no such thing; neither. */
  readonly verdict: "ok" | "bad" | "skipped";
  /** What was looked at. */
  readonly subject: string;
  /** What was seen and, when it is bad, what to do. */
  readonly text: string;
}

/** @returns lines with a newline at the end. */
export function checkText(lines: readonly CheckLine[]): string {
  const width = Math.max(...lines.map(({ subject }) => subject.length));
  return lines
    .map(({ verdict, subject, text }) => {
      return `${verdict.padEnd(7)}  ${subject.padEnd(width)}  ${text}\n`;
    })
    .join("");
}

/** Looked at, and as it should be. */
export function good(subject: string, text: string): CheckLine {
  return { verdict: "ok", subject, text };
}

/** Looked at, and not as it should be. */
export function bad(subject: string, text: string): CheckLine {
  return { verdict: "bad", subject, text };
}
