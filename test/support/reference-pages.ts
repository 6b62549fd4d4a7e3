/**
 * The pages that are made from the source. `npm run docs` writes them; test/tidy compares them
 * with what is committed.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { format } from "node:util";
import ts from "typescript";
import { problemStatus } from "../../sidecar/api/problem-code.ts";
import { problemDescriptions } from "../../sidecar/api/problem-description.ts";
import type { TargetRefusal } from "../../sidecar/core/work/held-lease.ts";
import type { SystemCode } from "../../sidecar/core/work/index.ts";
import type { MetricDeclaration } from "../../sidecar/runtime/index.ts";
import { paths, top } from "../tidy/tree.ts";
import { httpApiPage } from "./http-api-page.ts";
import { table } from "./page-table.ts";
import { performancePage, performancePicture } from "./performance-page.ts";
import { refusedManifestsPage, resourcesPage } from "./resources-page.ts";

/** One word of a closed list, with the sentence above it. */
interface DocumentedWord {
  readonly word: string;
  readonly sentence: string;
}

const made = "<!-- Made from the source by `npm run docs`. Do not edit. -->";

/** The comment directly above a node (and the bar before it, in a union), as one line. */
function commentAbove(node: ts.Node, source: ts.SourceFile): string {
  const before = source.text.slice(0, node.getStart(source));
  const comment = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*\|?\s*$/.exec(before)?.[1] ?? "";
  return comment
    .replaceAll(/^\s*\* ?/gm, "")
    .replaceAll(/\s+/g, " ")
    .trim();
}

/**
 * @param path file that declares the list, as a union of words or an array of them.
 * @param name of the type or constant.
 * @returns each word with the comment above it, in order.
 * @throws {Error} when the list is not there or a word has no sentence.
 */
export function documentedWords(path: string, name: string): DocumentedWord[] {
  const text = readFileSync(join(top, path), "utf8");
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const words: DocumentedWord[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteral(node)) {
      words.push({ word: node.text, sentence: commentAbove(node, source) });
    }
    ts.forEachChild(node, visit);
  };
  for (const statement of source.statements) {
    const declared = ts.isVariableStatement(statement)
      ? statement.declarationList.declarations[0]
      : statement;
    if (declared === undefined || !("name" in declared)) continue;
    if ((declared.name as ts.Identifier).text === name) visit(declared);
  }
  const bare = words.filter(({ sentence }) => sentence === "").map(({ word }) => word);
  if (words.length === 0) throw new Error(`${path}: there is no list ${name}`);
  if (bare.length > 0) throw new Error(`${path}: no sentence above ${bare.join(", ")} of ${name}`);
  return words;
}

function wordTable(path: string, name: string): string {
  const words = documentedWords(path, name);
  return table(
    ["code", "meaning"],
    words.map(({ word, sentence }) => [`\`${word}\``, sentence]),
  );
}

const systemOutcomes: Readonly<Record<SystemCode, string>> = {
  CANCELLED: "The producer cancelled the item.",
  DEADLINE_EXCEEDED: "The item's deadline passed before it had a result.",
  ATTEMPTS_EXHAUSTED: "Every attempt ended without a word of the application: expired or lost.",
  DEMAND_REMOVED: "The Demand was taken out of the configuration while the item was pending.",
  SHUTDOWN: "The node that held the queue stopped before the item had a result.",
};

const linkAnswers: Readonly<Record<TargetRefusal, string>> = {
  full: "FULL: `maxProviders` are connected. Asked again after the time that the demand names.",
  draining: "DRAINING: the demand is ending and takes nobody in. Asked again after 5 s.",
  incompatible:
    "INCOMPATIBLE: the two contracts differ; the reason names both. Asked again after 30 s.",
};

/** @returns docs/errors.md: every code that a program or a peer can be answered with. */
export function errorsPage(): string {
  const problems = Object.entries(problemDescriptions).map(([code, { meaning, remedy }]) => {
    const status = problemStatus[code as keyof typeof problemStatus];
    return [`\`${code}\``, String(status), meaning, remedy];
  });
  return `${made}

# Errors

Match on the code, never on the sentence.

## Answers of the HTTP API

\`application/problem+json\`: \`{type, title, status, code, detail, fieldPath?, bound?, value?}\`. The list is
closed.

${table(["code", "status", "when", "what to do"], problems)}

## System outcomes

What an item came to when there is neither a result nor an error of the application. A refused \`add\` reaches
the SDK's handler in the same shape, with a code of the list above.

${table(
  ["code", "meaning"],
  Object.entries(systemOutcomes).map(([code, meaning]) => [`\`${code}\``, meaning]),
)}

## Why an item is not moving

\`GET /v1/items/{ticket}/explain\` answers \`{state, reasons: [{code, message, facts}]}\`. The list
is closed.

${wordTable("sidecar/api/reason-code.ts", "reasonCodes")}

## Errors of the SDK

Thrown as \`SdkError\`.

${wordTable("sidecar/sdk/sdk-error.ts", "SdkErrorCode")}

## Ends of a session between peers

In logs, in \`GET /v1/peers\` and in metrics.

${wordTable("sidecar/wire/close-code.ts", "sessionCloseCodes")}

## Answers of a demand to a provider

A demand's answer to a provider that asks to join, when it is not let in. \`GET /v1/capabilities\` shows it as the
state of the link, with a reason. What the provider held before may still be settled.

${table(
  ["state", "meaning"],
  Object.entries(linkAnswers).map(([state, meaning]) => [`\`${state}\``, meaning]),
)}

## Refusals of the control stream

The operator's answers to a sidecar that it does not serve. In logs of both, and in the sidecar's readiness.

${table(["code", "meaning"], controlRefusals())}

## Announcements that are not believed

Label \`reason\` of \`spillway_multicast_announcements_refused_total\`, in the order of the checks.

${wordTable("sidecar/core/discovery/refusal.ts", "announcementRefusals")}
`;
}

/** Words and comments of the enum RefusalCode in the control stream's proto. */
function controlRefusals(): string[][] {
  const proto = readFileSync(join(top, "proto/spillway/control/v1/control.proto"), "utf8");
  const body = /^enum RefusalCode \{([\s\S]*?)^\}/m.exec(proto)?.[1] ?? "";
  const words = body.matchAll(/((?: {2}\/\/.*\n)+) {2}REFUSAL_CODE_([A-Z_]+) = ([1-9]\d*);/g);
  const rows = [...words].map(([, comment = "", word = ""]) => [
    `\`${word}\``,
    comment
      .replaceAll(/^ *\/\/ ?/gm, "")
      .replaceAll(/\s+/g, " ")
      .trim(),
  ]);
  if (rows.length === 0) throw new Error("control.proto: there is no enum RefusalCode");
  return rows;
}

/** What a room's metrics.ts exports. */
interface DeclaredSet {
  readonly room: string;
  readonly declarations: Readonly<Record<string, MetricDeclaration>>;
}

function isDeclaredSet(value: unknown): value is DeclaredSet {
  return typeof value === "object" && value !== null && "room" in value && "declarations" in value;
}

/** @returns docs/metrics.md: every metric that a room declares. */
export async function metricsPage(): Promise<string> {
  const files = paths.filter((path) => /^(sidecar|operator)\/.+\/metrics\.ts$/.test(path));
  const modules = await Promise.all(
    files.map((path) => import(join(top, path)) as Promise<Record<string, unknown>>),
  );
  const sets = modules.flatMap((module) => Object.values(module).filter(isDeclaredSet));
  const sections = sets.map(({ room, declarations }) => {
    const rows = Object.values(declarations).map(({ name, kind, labels, help }) => {
      return [`\`${name}\``, kind, labels.map((label) => `\`${label}\``).join(", "), help];
    });
    return `## \`${room}\`\n\n${table(["metric", "kind", "labels", "meaning"], rows)}\n`;
  });
  return `${made}

# Metrics

\`GET /metrics\` on the admin listener, in the Prometheus text format. Besides these there are the process
metrics of \`prom-client\`. Units are base units (seconds, bytes).

The operator's \`/metrics\` has what stands here under \`operator/\`, and controller-runtime's names, which
\`operator/runtime/README.md\` lists.

${sections.join("\n")}`;
}

/** @returns path → text of every page that is made from the source. */
export async function referencePages(): Promise<Record<string, string>> {
  return {
    "docs/errors.md": errorsPage(),
    "docs/http-api.md": await httpApiPage(made),
    "docs/images/performance.svg": performancePicture(),
    "docs/metrics.md": await metricsPage(),
    "docs/performance.md": performancePage(made),
    "docs/refused-manifests.md": refusedManifestsPage(made),
    "docs/resources.md": resourcesPage(made),
  };
}

if (import.meta.main) {
  for (const [path, text] of Object.entries(await referencePages())) {
    writeFileSync(join(top, path), text);
    process.stdout.write(format("%s: %d lines\n", path, text.split("\n").length - 1));
  }
}
