/** docs/http-api.md, made from the OpenAPI document that the sidecar serves. */
import { create, toBinary } from "@bufbuild/protobuf";
import {
  FileDescriptorSetSchema,
  file_google_protobuf_wrappers,
  StringValueSchema,
} from "@bufbuild/protobuf/wkt";
import { AppServer, apiMetrics } from "../../sidecar/api/index.ts";
import { createMetrics, realClock, realTimers, silentLogger } from "../../sidecar/runtime/index.ts";
import { MemoryNode } from "./memory-node.ts";

/** The part of a JSON schema that the page shows. */
interface Schema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly default?: unknown;
}

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly description?: string;
  readonly schema: Schema;
}

interface Operation {
  readonly summary: string;
  readonly description?: string;
  readonly tags: readonly string[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { readonly schema: Schema }>>;
  };
  readonly responses: Readonly<
    Record<
      string,
      {
        readonly description: string;
        readonly content?: Readonly<Record<string, { readonly schema: Schema }>>;
      }
    >
  >;
}

type Paths = Readonly<Record<string, Readonly<Record<string, Operation>>>>;

async function openApiPaths(): Promise<Paths> {
  const contract = {
    request: StringValueSchema.typeName,
    response: StringValueSchema.typeName,
    descriptorSet: toBinary(
      FileDescriptorSetSchema,
      create(FileDescriptorSetSchema, { file: [file_google_protobuf_wrappers.proto] }),
    ),
  };
  const server = await AppServer.create({
    node: new MemoryNode({ demand: "d", capability: "c", ...contract }),
    logger: silentLogger,
    metrics: createMetrics().register(apiMetrics),
    timers: realTimers,
    clock: realClock,
  });
  const answer = await server.app.inject("/v1/openapi.json");
  await server.close(0);
  return answer.json<{ paths: Paths }>().paths;
}

function boundsOf(schema: Schema): string {
  const { minimum, maximum, maxLength, maxItems } = schema;
  const parts = [
    minimum === undefined && maximum === undefined
      ? ""
      : `${String(minimum ?? "")} … ${String(maximum ?? "")}`.trim(),
    maxLength === undefined ? "" : `at most ${String(maxLength)} characters`,
    maxItems === undefined ? "" : `at most ${String(maxItems)}`,
    schema.default === undefined ? "" : `default ${JSON.stringify(schema.default)}`,
  ];
  return parts.filter((part) => part !== "").join(", ");
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}

function row(name: string, place: string, schema: Schema, meaning: string): string {
  const type = [schema.type ?? "any"].flat().join(" or ");
  return `| \`${name}\` | ${place} | ${type} | ${cell(boundsOf(schema))} | ${cell(meaning)} |`;
}

/** Fields of a body down to the leaves: `items[].options.priority`. */
function bodyRows(schema: Schema, path = ""): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const at = path === "" ? name : `${path}.${name}`;
    const required = schema.required?.includes(name) === true ? "required. " : "";
    const own = row(at, "body", field, `${required}${field.description ?? ""}`.trim());
    const inner =
      field.items === undefined ? bodyRows(field, at) : bodyRows(field.items, `${at}[]`);
    return [own, ...inner];
  });
}

function parameterRows({ parameters = [], requestBody }: Operation): string[] {
  const shown = parameters
    .filter(({ in: place }) => place !== "path")
    .map((each) => row(each.name, each.in, each.schema, each.description ?? ""));
  const json = requestBody?.content["application/json"]?.schema;
  return [...shown, ...(json === undefined ? [] : bodyRows(json))];
}

function answerRows({ responses }: Operation): string[] {
  return Object.entries(responses).map(([status, { description, content = {} }]) => {
    const problem = Object.hasOwn(content, "application/problem+json");
    const types = problem ? [] : Object.keys(content).map((type) => `\`${type}\``);
    const codes = description.split(", ").map((code) => `\`${code}\``);
    return `| ${status} | ${cell(problem ? codes.join(", ") : description)} | ${types.join(", ")} |`;
  });
}

function sectionOf(method: string, path: string, operation: Operation): string {
  const parameters = parameterRows(operation);
  const bodies = Object.keys(operation.requestBody?.content ?? {});
  const table = [
    "| field | in | type | bounds | meaning |",
    "|---|---|---|---|---|",
    ...parameters,
  ];
  return [
    `### \`${method.toUpperCase()} ${path}\``,
    operation.summary,
    ...(operation.description === undefined ? [] : [operation.description]),
    ...(bodies.length === 0 ? [] : [`Body: ${bodies.map((type) => `\`${type}\``).join(" or ")}.`]),
    ...(parameters.length === 0 ? [] : [table.join("\n")]),
    ["| answer | what | body |", "|---|---|---|", ...answerRows(operation)].join("\n"),
  ].join("\n\n");
}

/** What the operations listener has. Those that the application listener has too are the same. */
export const opsRoutes = [
  { method: "POST", path: "/v1/demands/{demand}/items", what: "adds an item" },
  { method: "GET", path: "/v1/items/{ticket}", what: "the item, also with `wait`" },
  { method: "GET", path: "/v1/items/{ticket}/explain", what: "why it is not moving" },
  { method: "GET", path: "/v1/demands", what: "demands, in pages" },
  { method: "GET", path: "/v1/capabilities", what: "capabilities, in pages" },
  {
    method: "GET",
    path: "/v1/peers",
    what: "peers, in pages: addresses, sources, round trip, why one is not connected",
  },
  { method: "GET", path: "/v1/version", what: "the version of the sidecar's program" },
  {
    method: "POST",
    path: "/v1/drain",
    what: "begins the drain; answers when nothing is held any more",
  },
] as const;

function opsSection(): string {
  const rows = opsRoutes.map(({ method, path, what }) => `| \`${method} ${path}\` | ${what} |`);
  return `## Operations listener

On loopback only, port 17080 in a cluster, for people: \`spillway\` reaches it by a port forward, so whoever may
forward the pod's ports may call it. Calls with an \`Origin\`, or with a \`Host\` that is no address, are refused.

${["| call | what |", "|---|---|", ...rows].join("\n")}
`;
}

/** @returns docs/http-api.md. */
export async function httpApiPage(made: string): Promise<string> {
  const paths = await openApiPaths();
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method, path, operation })),
  );
  const tags = [...new Set(operations.flatMap(({ operation }) => operation.tags))].sort();
  const sections = tags.map((tag) => {
    const own = operations.filter(({ operation }) => operation.tags.includes(tag));
    const texts = own.map(({ method, path, operation }) => sectionOf(method, path, operation));
    return `## ${tag}\n\n${texts.join("\n\n")}\n`;
  });
  return `${made}

# The sidecar's HTTP API

HTTP/1.1 on the unix socket \`SPILLWAY_SOCKET\`. The same as OpenAPI 3.1: \`GET /v1/openapi.json\`.
Payloads are messages of the contract: JSON by the protobuf JSON mapping, or binary. Errors are
\`application/problem+json\`; [errors.md](errors.md) lists the codes. Durations are written as
\`250ms\`, \`5s\`, \`1h30m\`; times in answers are RFC 3339.

${[...sections, opsSection()].join("\n")}`;
}
