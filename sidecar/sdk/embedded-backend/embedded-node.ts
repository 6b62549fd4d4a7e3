/** The node of this process, as the SDK's links see it. */
import type { NodeService } from "../../api/ports.ts";
import type { ResolvedConfig } from "../config.ts";
import type { WarningListener } from "../warning.ts";
import type { CapabilitySpec, DemandSpec } from "../work-backend.ts";

/** `CML.Config` in embedded mode. */
export type EmbeddedConfig = Extract<ResolvedConfig, { readonly mode: "embedded" }>;

/** What the program's objects ask of the node, all of it. */
export interface EmbeddedSpecs {
  readonly demands: readonly DemandSpec[];
  readonly capabilities: readonly CapabilitySpec[];
}

/** A running node. */
export interface EmbeddedNode {
  readonly service: NodeService;
  /** Takes over a changed set of Demands and Capabilities. */
  configure(specs: EmbeddedSpecs): Promise<void>;
  /** Says goodbye to its peers and ends. */
  close(): Promise<void>;
}

/** Starts the node. */
export type OpenNode = (config: EmbeddedConfig, warn: WarningListener) => Promise<EmbeddedNode>;

/** The node as a link sees it. */
export interface NodeDoor {
  /** The node, once it knows this link's object. */
  open(): Promise<NodeService>;
  /** This link's object is gone. */
  leave(): Promise<void>;
}
