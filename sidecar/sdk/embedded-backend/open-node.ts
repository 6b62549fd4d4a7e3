/** Starts the node of this process. Its rooms are loaded only here, and only when it is needed. */
import { randomBytes } from "node:crypto";
import type { StartNodeComponents } from "../../node/index.ts";
import { SdkError } from "../sdk-error.ts";
import type { WarningListener } from "../warning.ts";
import type { EmbeddedConfig, EmbeddedNode, EmbeddedSpecs } from "./embedded-node.ts";
import { identityOf, type EmbeddedIdentity } from "./identity.ts";
import { nodeConfigOf } from "./node-config.ts";

/**
 * Starts a node by `CML.Config`.
 * @throws {SdkError} `NODE_FAILED` with the cause.
 */
export async function openNode(
  config: EmbeddedConfig,
  warn: WarningListener,
): Promise<EmbeddedNode> {
  const { startNode } = await import("../../node/index.ts");
  const { createLogger, createMetrics, Health } = await import("../../runtime/index.ts");
  const identity = identityOf(config.credentials, () => randomBytes(8).toString("hex"));
  if (config.credentials === undefined) {
    const message =
      "CML.Config.setNoCAMode: nobody's identity is checked. This program talks to whoever answers.";
    warn({ code: "NO_CA_MODE", message });
  }
  const configOf = (specs: EmbeddedSpecs): ReturnType<typeof nodeConfigOf> =>
    nodeConfigOf(identity, config.multicast, specs);
  try {
    const node = await startNode(configOf({ demands: [], capabilities: [] }), {
      logger: createLogger({ level: "error", destination: { write: errorLine(warn) } }),
      metrics: createMetrics(),
      health: new Health(),
      ...ownCredentials(config, identity),
    });
    return {
      service: node.service,
      configure: async (specs) => node.configure(configOf(specs)),
      close: () => node.close("the program closed its last Demand or Capability"),
    };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const message = `The node of this program could not start: ${reason}.`;
    throw new SdkError("NODE_FAILED", message, { cause: error });
  }
}

function ownCredentials(
  config: EmbeddedConfig,
  identity: EmbeddedIdentity,
): Pick<StartNodeComponents, "credentials" | "clusterKey"> {
  const { credentials } = config;
  if (credentials === undefined || identity.authority === undefined) {
    return {};
  }
  return {
    credentials: {
      certificate: { pem: credentials.certificate },
      privateKey: { pem: credentials.privateKey },
      authorities: [{ pem: identity.authority }],
    },
    ...(identity.clusterKey === undefined ? {} : { clusterKey: identity.clusterKey }),
  };
}

/** Errors that the node logs become warnings of the program: it has no log of its own. */
function errorLine(warn: WarningListener): (line: string) => void {
  return (line) => {
    const entry: unknown = JSON.parse(line);
    const text =
      typeof entry === "object" && entry !== null && "msg" in entry ? String(entry.msg) : line;
    warn({ code: "NODE", message: text, cause: entry });
  };
}
