/** A link that a peer's capability opened: its first message says which demand it is for. */
import { create } from "@bufbuild/protobuf";
import { ToProviderSchema } from "../../proto/gen/spillway/work/v1/work_pb.ts";
import type { Logger } from "../runtime/index.ts";
import { decodeToDemand, encodeToProvider } from "../wire/work-messages.ts";
import type { DemandHost } from "./demand-host.ts";
import type { LinkId, LinkOwner, LinkPeer, Links } from "./links.ts";

/** What an incoming link needs. */
export interface IncomingLinkComponents {
  readonly demands: ReadonlyMap<string, DemandHost>;
  readonly links: Links;
  readonly logger: Logger;
}

/** Reads the first message, then hands everything to the demand it names. */
export class IncomingLink implements LinkOwner {
  readonly #peer: LinkPeer;
  readonly #components: IncomingLinkComponents;
  #demand: DemandHost | undefined;

  constructor(link: LinkId, peer: LinkPeer, components: IncomingLinkComponents) {
    this.#peer = peer;
    this.#components = components;
    components.logger.debug({ peer: peer.nodeId, link }, "a peer opens a link");
  }

  onMessage(link: LinkId, message: Uint8Array): void {
    this.#demand ??= this.#open(link, message);
    this.#demand?.onMessage(link, message);
  }

  onLost(link: LinkId, clean: boolean): void {
    this.#demand?.onLost(link, clean);
  }

  #open(link: LinkId, message: Uint8Array): DemandHost | undefined {
    const { links, demands } = this.#components;
    const decoded = decodeToDemand(message);
    if (!decoded.ok || decoded.value.kind.case !== "hello") {
      links.refuse(link, decoded.ok ? "a link begins with Hello" : decoded.reason);
      return undefined;
    }
    const { demand } = decoded.value.kind.value;
    const host = demands.get(demand);
    if (host === undefined) {
      this.#refuse(link, demand);
      return undefined;
    }
    const { nodeId, incarnation, session } = this.#peer;
    host.linkOpened(link, { nodeId, incarnation }, session?.rttMs);
    return host;
  }

  /** The peer acts on an old announcement: the demand is gone. */
  #refuse(link: LinkId, demand: string): void {
    const reason = `there is no demand ${demand.slice(0, 63)} here`;
    const message = create(ToProviderSchema, { kind: { case: "draining", value: { reason } } });
    this.#components.links.send(link, encodeToProvider(message));
    this.#components.links.close(link);
  }
}
