/**
 * What `up` shows: each line of a program or sidecar behind its name, and what `up` itself has to
 * say. Two forms: text (with colours on a terminal) and one JSON object per line.
 *
 * JSON: {time, name, stream, line} for text, {time, name, stream, record} for a line that is JSON
 * itself; {time, name: "spillway", level, message} for `up`'s own; {time, name, ready} when all
 * runs.
 */
import { styleText } from "node:util";

/** Where a line comes from. */
export interface LineSource {
  /** `web-0`, or `web-0.sidecar`. */
  readonly name: string;
  readonly stream: "stdout" | "stderr";
}

/** How important one of our own lines is. */
export type EventLevel = "info" | "warn" | "error";

/** What is told when everything runs. */
export interface ReadySummary {
  readonly programs: readonly {
    readonly name: string;
    /** `http://127.0.0.1:8080`; absent for programs without a port. */
    readonly url?: string;
    readonly socketPath: string;
    /** What is not yet as it should be, a clause. */
    readonly waitsFor?: string;
  }[];
  readonly notes: readonly string[];
  /** What to try, the best first: a page to open, commands. */
  readonly commands: readonly string[];
}

/** The sink of all that is shown. */
export interface Output {
  /** Names that will come: the lines of all of them line up. */
  names(names: readonly string[]): void;
  line(source: LineSource, text: string): void;
  event(level: EventLevel, message: string): void;
  ready(summary: ReadySummary): void;
}

/** How it is shown. */
export interface OutputOptions {
  /** Lines for people, or one JSON object each. */
  readonly form: "text" | "json";
  /** Colours the names; of no effect on JSON. */
  readonly colour: boolean;
  /** Gets whole lines with their newline. */
  readonly write: (text: string) => void;
  /** Wall clock, ms since 1970. */
  readonly nowEpochMs: () => number;
}

/** Makes the sink. */
export function createOutput(options: OutputOptions): Output {
  return options.form === "json" ? jsonOutput(options) : textOutput(options);
}

function jsonOutput({ write, nowEpochMs }: OutputOptions): Output {
  const emit = (fields: Readonly<Record<string, unknown>>): void =>
    write(`${JSON.stringify({ time: new Date(nowEpochMs()).toISOString(), ...fields })}\n`);
  return {
    names: () => {},
    line: ({ name, stream }, text) => {
      const record = jsonObject(text);
      emit(record === undefined ? { name, stream, line: text } : { name, stream, record });
    },
    event: (level, message) => emit({ name: ownName, level, message }),
    ready: (summary) => emit({ name: ownName, ready: summary }),
  };
}

const ownName = "spillway";

/** Told apart on light and dark ground; given in the order of appearance. */
const colours = ["cyan", "magenta", "green", "yellow", "blue"] as const;
const levelColours = { info: "gray", warn: "yellow", error: "red" } as const;
type Colour = (typeof colours)[number] | (typeof levelColours)[EventLevel] | "bold";

function textOutput({ write, colour }: OutputOptions): Output {
  const given = new Map<string, Colour>();
  let width = ownName.length;
  const paint = (with_: Colour, text: string): string =>
    colour ? styleText(with_, text, { validateStream: false }) : text;
  const colourOf = (name: string): Colour => {
    // A sidecar has the colour of its program.
    const program = name.replace(/\.sidecar$/, "");
    const known = given.get(program) ?? colours[given.size % colours.length] ?? "cyan";
    given.set(program, known);
    return known;
  };
  const prefixed = (with_: Colour, name: string, text: string): void => {
    write(`${paint(with_, `${name.padEnd(width)} │`)} ${text}\n`);
  };
  return {
    names: (names) => {
      width = Math.max(width, ...names.map((name) => name.length));
    },
    line: ({ name }, text) => prefixed(colourOf(name), name, shortRecord(text)),
    event: (level, message) =>
      prefixed(levelColours[level], ownName, level === "info" ? message : `${level}: ${message}`),
    ready: (summary) => write(`\n${readyText(summary, (text) => paint("bold", text))}\n`),
  };
}

function readyText(summary: ReadySummary, strong: (text: string) => string): string {
  const width = Math.max(...summary.programs.map(({ name }) => name.length), 0);
  const urlWidth = Math.max(...summary.programs.map(({ url }) => url?.length ?? 0), 1);
  const rows = summary.programs.map(({ name, url, socketPath, waitsFor }) => {
    const late = waitsFor === undefined ? "" : `  (${waitsFor})`;
    return `  ${strong(name.padEnd(width))}  ${(url ?? "-").padEnd(urlWidth)}  ${socketPath}${late}`;
  });
  return [
    strong("ready"),
    ...rows,
    ...summary.notes.map((note) => `  note: ${note}`),
    "",
    "try:",
    ...summary.commands.map((command) => `  ${command}`),
    "Ctrl-C ends everything.",
    "",
  ].join("\n");
}

/** A line of a pino logger in a form for people; any other line as it is. */
function shortRecord(text: string): string {
  const record = jsonObject(text);
  if (record === undefined || typeof record["msg"] !== "string") return text;
  const { level, time, msg, component, ...facts } = record;
  const rest = Object.entries(facts)
    .filter(([key]) => key !== "pid" && key !== "hostname")
    .map(([key, value]) => `${key}=${factText(value)}`);
  const room = typeof component === "string" ? `${component}: ` : "";
  return [`${levelName(level)} ${clockText(time)}${room}${msg}`, ...rest].join(" ");
}

function factText(value: unknown): string {
  return typeof value === "string" && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
}

/** pino's numbers. */
const levelNames: Readonly<Record<string, string>> = {
  10: "trace",
  20: "debug",
  30: "info",
  40: "warn",
  50: "error",
  60: "fatal",
};

function levelName(level: unknown): string {
  return typeof level === "number" || typeof level === "string"
    ? (levelNames[level] ?? String(level))
    : "info";
}

/** The time of day of a record's time. */
function clockText(time: unknown): string {
  if (typeof time !== "number" && typeof time !== "string") return "";
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? "" : `${date.toISOString().slice(11, 23)} `;
}

function jsonObject(text: string): Readonly<Record<string, unknown>> | undefined {
  if (!text.startsWith("{")) return undefined;
  try {
    const parsed: unknown = JSON.parse(text);
    return isObject(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
