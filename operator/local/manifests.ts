/** The Demands and Capabilities of a folder, each with the place where it stands. */
import {
  apiGroup,
  type Capability,
  check,
  type Checked,
  type Demand,
  nearestName,
  notCarriedOut,
  schemas,
} from "../schema/index.ts";
import type { Problem } from "./local-error.ts";
import { fieldProblem, type LocatedDocument, problemOf } from "./located-document.ts";

/** A resource and where it stands. */
export interface Located<T> {
  readonly resource: T;
  readonly document: LocatedDocument;
}

/** What the manifests of a folder hold. */
export interface Manifests {
  readonly demands: readonly Located<Demand>[];
  readonly capabilities: readonly Located<Capability>[];
  /** Documents that are left alone, a sentence each. */
  readonly notes: readonly string[];
  readonly problems: readonly Problem[];
}

interface Collected {
  readonly demands: Located<Demand>[];
  readonly capabilities: Located<Capability>[];
  readonly notes: string[];
  readonly problems: Problem[];
}

/** Kinds of the API group that this version carries out. */
const kinds = ["Demand", "Capability"];

/** Sorts documents by kind and checks those of our group; the others are `kubectl`'s business. */
export function readManifests(documents: readonly LocatedDocument[]): Manifests {
  const collected: Collected = { demands: [], capabilities: [], notes: [], problems: [] };
  for (const document of documents) readManifest(document, collected);
  refuseDoubles(collected.demands, collected.problems);
  refuseDoubles(collected.capabilities, collected.problems);
  return collected;
}

function readManifest(document: LocatedDocument, into: Collected): void {
  if (document.value === null || document.value === undefined) return;
  const kind = textField(document.value, "kind");
  const group = textField(document.value, "apiVersion")?.split("/")[0];
  if (kind === "Demand") {
    keep(document, check(schemas.Demand, document.value), into.demands, into.problems);
  } else if (kind === "Capability") {
    keep(document, check(schemas.Capability, document.value), into.capabilities, into.problems);
  } else if (kind === undefined || group === apiGroup || kind === "List") {
    into.problems.push(strangeKind(document, kind));
  } else {
    const { line } = document.placeOf([]);
    into.notes.push(`${document.file}:${line}: a ${kind} is no resource of ours and is left alone`);
  }
}

function strangeKind(document: LocatedDocument, kind: string | undefined): Problem {
  if (kind === undefined) {
    const problem = "has no kind";
    return fieldProblem(document, [], {
      problem,
      remedy: "Give it a kind, or move the file away.",
    });
  }
  const shown = JSON.stringify(kind);
  if (kind === "List") {
    const remedy = "Write its items as documents of their own, with --- between them.";
    return fieldProblem(document, ["kind"], { problem: `${shown} is not read here`, remedy });
  }
  if (kind === "SessionTier") {
    const problem = `${shown} is not carried out by this version of spillway`;
    return fieldProblem(document, ["kind"], { problem, remedy: "Take the document out." });
  }
  const near = nearestName(kind, kinds);
  const problem = `is no kind of ${apiGroup} (it is ${shown}; allowed: ${kinds.join(", ")})`;
  const remedy = near === undefined ? "Write one of the known kinds." : `Write ${near}.`;
  return fieldProblem(document, ["kind"], { problem, remedy });
}

function keep<T extends Demand | Capability>(
  document: LocatedDocument,
  checked: Checked<T>,
  list: Located<T>[],
  problems: Problem[],
): void {
  if (!checked.ok) {
    problems.push(...checked.refusals.map((refusal) => problemOf(document, refusal)));
    return;
  }
  const unsupported = notCarriedOut(checked.value).map(({ path, value }) =>
    fieldProblem(document, path, {
      problem: `is not carried out by this version of spillway (it is ${value})`,
      remedy: "Take it out.",
    }),
  );
  problems.push(...unsupported);
  if (unsupported.length === 0) list.push({ resource: checked.value, document });
}

function refuseDoubles(list: readonly Located<Demand | Capability>[], problems: Problem[]): void {
  const first = new Map<string, LocatedDocument>();
  for (const { resource, document } of list) {
    const { name } = resource.metadata;
    const other = first.get(name);
    if (other === undefined) {
      first.set(name, document);
      continue;
    }
    const { line } = other.placeOf(["metadata", "name"]);
    const problem = `"${name}" is also the name of the ${resource.kind} at ${other.file}:${line}`;
    const remedy = "Rename one of the two.";
    problems.push(fieldProblem(document, ["metadata", "name"], { problem, remedy }));
  }
}

function textField(value: unknown, name: string): string | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const field: unknown = Object.getOwnPropertyDescriptor(value, name)?.value;
  return typeof field === "string" ? field : undefined;
}
