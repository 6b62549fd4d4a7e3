/**
 * Rules of dependency-cruiser, made from the table of rooms. Names of rules say what they guard;
 * their comments say what to do instead.
 */
import type { IForbiddenRuleType } from "dependency-cruiser";
import { type Room, rooms, shippedTrees } from "./rooms.ts";

const shipped = `^(${shippedTrees.join("|")})/`;
const ours = "^(sidecar|operator|proto|test|examples)/";

/** The arrows of one room: other rooms, packages, and for a PURE room no built-in of Node. */
function rulesOf(room: Room): IForbiddenRuleType[] {
  const allowed = rooms.filter((other) => room.rooms.includes(other.name));
  const packages = room.packages.map((name) => `node_modules/${name}/`);
  const rules: IForbiddenRuleType[] = [
    {
      name: `arrow from ${room.name}`,
      severity: "error",
      comment:
        `${room.name} may import only: ${room.rooms.join(", ") || "nothing"}. Move the code to the ` +
        "room that may know both, or let the importing side own a port (ports.ts)",
      from: { path: room.files },
      to: { path: ours, pathNot: [room.files, ...allowed.map((other) => other.files)] },
    },
    {
      name: `packages of ${room.name}`,
      severity: "error",
      comment:
        `${room.name} may import only these packages: ${room.packages.join(", ") || "none"}. ` +
        "Use the room that wraps the package, or add it in test/tidy/rooms.ts with its reason",
      from: { path: room.files },
      to: { path: "node_modules/", pathNot: packages },
    },
  ];
  if (room.pure === true) {
    rules.push({
      name: `built-ins in ${room.name}`,
      severity: "error",
      comment: "a PURE room imports nothing of Node: take the value as an argument",
      from: { path: room.files },
      to: { dependencyTypes: ["core"] },
    });
  }
  return rules;
}

/**
 * Rooms without one door, and why: their parts are independent, and a program that needs one should
 * not load the others (the SDK through a sidecar needs neither YAML nor certificates).
 */
const manyDoors = new Set(["proto/gen", "sidecar/core", "sidecar/wire", "sidecar/runtime"]);

/** Others come in by index.ts, or take a port. */
function doorOf(room: Room): IForbiddenRuleType {
  return {
    name: `door of ${room.name}`,
    severity: "error",
    comment: `import from ${room.name}/index.ts; export there what is meant for others`,
    from: { path: "^(sidecar|operator|examples)/", pathNot: room.files },
    to: { path: room.files, pathNot: "/(index|ports|problem-code|reason-code)\\.ts$" },
  };
}

/** Every rule of imports. */
export const arrowRules: readonly IForbiddenRuleType[] = [
  ...rooms.flatMap(rulesOf),
  ...rooms.filter(({ name }) => !manyDoors.has(name)).map(doorOf),
  {
    name: "no cycles",
    severity: "error",
    comment: "two files that need each other are one file, or need a third that both import",
    from: { path: ours },
    to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
  },
  {
    name: "nothing imports test",
    severity: "error",
    comment: "what is outside test/ ships: move what is needed into a room",
    from: { path: ["^(sidecar|operator|proto|examples)/"] },
    to: { path: "^test/" },
  },
  {
    name: "only packages that ship",
    severity: "error",
    comment: "a devDependency is not there for users: make it a dependency",
    from: { path: shipped },
    to: { dependencyTypes: ["npm-dev", "npm-no-pkg", "npm-unknown"] },
  },
  {
    name: "imports resolve",
    severity: "error",
    comment: "the file or package does not exist: mend the path, with its .ts ending",
    from: { path: ours },
    to: { couldNotResolve: true },
  },
  {
    name: "one door per room",
    severity: "error",
    comment: "tests apart, another room's index.ts is not imported from inside the room itself",
    from: { path: "^(sidecar|operator)/(.+)/[^/]+$", pathNot: "/index\\.ts$" },
    to: { path: "^$1/$2/index\\.ts$" },
  },
];
