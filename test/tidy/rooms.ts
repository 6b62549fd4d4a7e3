/**
 * The rooms of the house and the arrows between them: who may import whom. This table is the source
 * of the import check (arrow-rules.ts) and is held against ARCHITECTURE.md by docs.test.ts. A new
 * room gets a row here and an entry in the code map there.
 */

/** One room: a folder, or the files at the top of one. */
export interface Room {
  /** Folder, or the stem of the files (for `sidecar/main`). */
  readonly name: string;
  /** Decides only: no clock, random, async, log, or built-in of Node. */
  readonly pure?: true;
  /** Regular expression that matches the paths of its files. */
  readonly files: string;
  /** Names of the rooms that it may import besides itself. */
  readonly rooms: readonly string[];
  /** npm packages that it may import. */
  readonly packages: readonly string[];
}

function room(
  name: string,
  rooms: readonly string[],
  packages: readonly string[] = [],
  files = `^${name}/`,
): Room {
  return { name, files, rooms, packages };
}

function coreRoom(name: string, rooms: readonly string[] = []): Room {
  const generated = ["@bufbuild/protobuf"];
  return { ...room(name, ["sidecar/core", "proto/gen", ...rooms], generated), pure: true };
}

const coreRooms: readonly Room[] = [
  { ...room("sidecar/core", [], [], "^sidecar/core/[^/]+$"), pure: true },
  coreRoom("sidecar/core/work"),
  coreRoom("sidecar/core/discovery"),
  coreRoom("sidecar/core/capability"),
  coreRoom("sidecar/core/control"),
  coreRoom("sidecar/core/search"),
  coreRoom("sidecar/core/table"),
  coreRoom("sidecar/core/tiers", ["sidecar/core/table"]),
  coreRoom("sidecar/core/versioning"),
  coreRoom("sidecar/core/ring", ["sidecar/core/versioning"]),
  coreRoom("sidecar/core/membership", ["sidecar/core/versioning", "sidecar/core/ring"]),
  coreRoom("sidecar/core/replication", [
    "sidecar/core/versioning",
    "sidecar/core/ring",
    "sidecar/core/membership",
  ]),
];

const everyCoreRoom = coreRooms.map((core) => core.name);
const ioRooms = ["sidecar/wire", "sidecar/runtime", "sidecar/core"];
const reachingRooms = ["sidecar/transport", "sidecar/multicast", "sidecar/shm"];

const sidecarRooms: readonly Room[] = [
  ...coreRooms,
  room("sidecar/wire", [...everyCoreRoom, "proto/gen"], ["@bufbuild/protobuf", "yaml"]),
  room(
    "sidecar/runtime",
    ["sidecar/core"],
    ["pino", "prom-client", "@peculiar/x509", "reflect-metadata"],
  ),
  room("sidecar/transport", ioRooms, ["@fails-components/webtransport"]),
  room("sidecar/multicast", ioRooms),
  // The sidecar's end of the control stream.
  room(
    "sidecar/control",
    [...ioRooms, "sidecar/core/control", "proto/gen"],
    ["@bufbuild/protobuf", "@connectrpc/connect", "@connectrpc/connect-node"],
  ),
  room("sidecar/shm", [...ioRooms, "sidecar/core/table"], ["koffi"]),
  room("sidecar/store", ioRooms, ["lmdb"]),
  // What the application API asks of a node, apart from HTTP: the embedded SDK calls it directly.
  // Of `sidecar/wire` it names the resolved contract, so that nobody resolves one again.
  room(
    "sidecar/api/ports",
    ["sidecar/wire"],
    [],
    "^sidecar/api/(ports|problem-code|reason-code)\\.ts$",
  ),
  room(
    "sidecar/api",
    ["sidecar/api/ports", ...ioRooms],
    ["fastify", "@fastify/ajv-compiler", "@fastify/swagger", "@bufbuild/protobuf"],
  ),
  room(
    "sidecar/node",
    [
      ...everyCoreRoom,
      ...reachingRooms,
      "sidecar/wire",
      "sidecar/store",
      "sidecar/api",
      "sidecar/api/ports",
      "sidecar/runtime",
      // The node's configuration and announcements are messages; nobody declares them a second
      // time.
      "proto/gen",
    ],
    ["@bufbuild/protobuf"],
  ),
  room(
    "sidecar/sdk",
    [
      "sidecar/node",
      "sidecar/api/ports",
      "sidecar/wire",
      "sidecar/runtime",
      "sidecar/core",
      "sidecar/core/table",
      "proto/gen",
      ...reachingRooms,
    ],
    ["@bufbuild/protobuf", "undici", "eventsource-parser"],
  ),
];

const operatorRooms: readonly Room[] = [
  { ...room("operator/schema", [], ["zod"]), pure: true },
  ...["operator/reconcile", "operator/manifests", "operator/admission"].map((name): Room => {
    const above = ["operator/schema", "sidecar/core", "sidecar/core/ring"];
    return { ...room(name, above), pure: true };
  }),
  // What both control planes make of a resource: the folder's and the cluster's.
  {
    ...room("operator/node-config", ["operator/schema", "proto/gen"], ["@bufbuild/protobuf"]),
    pure: true,
  },
  // What one asks sidecars for, whatever way leads to them; it opens nothing itself.
  room("operator/inspect", [], ["zod"]),
  // Knows nothing of this project: other operators may take it as it is.
  room("operator/runtime", [], ["@kubernetes/client-node", "undici", "prom-client"]),
  room(
    "operator/control",
    [
      "operator/schema",
      "operator/node-config",
      "proto/gen",
      "sidecar/core",
      "sidecar/runtime",
      "sidecar/wire",
    ],
    [
      "@bufbuild/protobuf",
      "@connectrpc/connect",
      "@connectrpc/connect-node",
      "@peculiar/x509",
      "reflect-metadata",
    ],
  ),
];

/** `controller` and `local` may import the rooms above them, and what those may import. */
const aboveLoops = [...operatorRooms.map((above) => above.name), "proto/gen", "sidecar/runtime"];

/** Every room that may exist, with its arrows. */
export const rooms: readonly Room[] = [
  room("proto/gen", [], ["@bufbuild/protobuf"]),
  ...sidecarRooms,
  room(
    "sidecar/main",
    ["proto/gen", ...sidecarRooms.map((inside) => inside.name)],
    ["@bufbuild/protobuf", "yaml"],
    "^sidecar/[^/]+$",
  ),
  ...operatorRooms,
  room("operator/controller", aboveLoops, ["@bufbuild/protobuf", "@kubernetes/client-node"]),
  room("operator/local", aboveLoops, [
    "@bufbuild/buf",
    "@bufbuild/protobuf",
    "undici",
    "yaml",
    "zod",
  ]),
  // A namespace of a cluster, with a person's own permissions.
  room(
    "operator/cluster",
    ["operator/inspect", "operator/manifests", "operator/runtime", "operator/schema"],
    ["ws"],
  ),
  room(
    "operator/cli",
    [
      "operator/inspect",
      "operator/cluster",
      "operator/local",
      "operator/manifests",
      "operator/admission",
      "operator/control",
      "operator/runtime",
      "operator/schema",
      "sidecar/runtime",
      "sidecar/shm",
      "sidecar/core/table",
    ],
    ["commander", "@kubernetes/client-node"],
  ),
  room(
    "operator/main",
    [...operatorRooms.map((inside) => inside.name), "operator/controller", "sidecar/runtime"],
    ["@kubernetes/client-node"],
    "^operator/[^/]+$",
  ),
];

/** Trees that ship, whose files all belong to a room. */
export const shippedTrees = ["sidecar", "operator", "proto/gen"] as const;

/** @returns the room a file belongs to; undefined when it is in none. */
export function roomOf(path: string): Room | undefined {
  return rooms.find((candidate) => new RegExp(candidate.files).test(path));
}
