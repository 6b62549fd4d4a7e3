/** apps.yaml: the programs of the folder, each with the place where it stands. */
import { type App, check, type FieldPath, schemas } from "../schema/index.ts";
import { LocalError, type Problem } from "./local-error.ts";
import { fieldProblem, type LocatedDocument, problemOf } from "./located-document.ts";

/** A program and where it stands. */
export interface LocatedApp {
  readonly app: App;
  readonly document: LocatedDocument;
  /** Its path in the document: `["apps", 0]`. */
  readonly path: FieldPath;
}

/** Name of the file. */
export const appsFileName = "apps.yaml";

/**
 * Checks the file.
 * @throws {LocalError} `APPS_INVALID`.
 */
export function readApps(file: string, documents: readonly LocatedDocument[]): LocatedApp[] {
  const [document, second] = documents;
  if (document === undefined || second !== undefined) {
    const text = `must hold one document (it holds ${documents.length})`;
    const remedy = "Write one list of apps.";
    throw new LocalError("APPS_INVALID", [{ file, text, remedy }]);
  }
  const checked = check(schemas.apps, document.value);
  if (!checked.ok) {
    const problems = checked.refusals.map((refusal) => problemOf(document, refusal));
    throw new LocalError("APPS_INVALID", problems);
  }
  const apps = checked.value.apps.map((app, index) => ({ app, document, path: ["apps", index] }));
  const problems = doubles(apps);
  if (problems.length > 0) throw new LocalError("APPS_INVALID", problems);
  return apps;
}

/** Two programs of one name, or whose ports run into each other. */
function doubles(apps: readonly LocatedApp[]): Problem[] {
  const names = new Set<string>();
  const ports = new Map<number, string>();
  const problems: Problem[] = [];
  for (const { app, document, path } of apps) {
    if (names.has(app.name)) {
      const problem = `"${app.name}" stands twice`;
      const remedy = "Rename one of the two.";
      problems.push(fieldProblem(document, [...path, "name"], { problem, remedy }));
    }
    names.add(app.name);
    const other = app.port === undefined ? undefined : ports.get(app.port);
    if (app.port !== undefined && other !== undefined) {
      const problem = `${app.port} is also the port of ${other}`;
      const remedy = "Give one of the two another port.";
      problems.push(fieldProblem(document, [...path, "port"], { problem, remedy }));
    }
    if (app.port !== undefined) ports.set(app.port, app.name);
  }
  return problems;
}
