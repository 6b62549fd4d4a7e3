/** All Capabilities of this node: the provider's half of the API. */
import type {
  ApplicationObstacle,
  CapabilityView,
  LeaseVerb,
  ProviderService,
  PulledItem,
  Result,
  Unsubscribe,
  VerbResult,
} from "../api/ports.ts";
import { leaseRefusal } from "../core/work/index.ts";
import { CapabilityHost } from "./capability-host.ts";
import type { HostComponents } from "./host-components.ts";
import { capabilityViewOf } from "./item-view.ts";
import { refusal } from "./refusal.ts";
import type { PreparedCapability } from "./work-options.ts";

/** What the capabilities need beside what every host needs. */
export interface CapabilitiesComponents extends HostComponents {
  /** All nodes that any pool wants a session with. */
  readonly onWanted: (nodeIds: ReadonlySet<string>) => void;
  /** A pool began: it has to be told of demands and sessions. */
  readonly onBegun: (host: CapabilityHost) => void;
}

/** Keeps one host for each configured capability. */
export class Capabilities implements ProviderService {
  readonly #components: CapabilitiesComponents;
  readonly #hosts = new Map<string, CapabilityHost>();
  readonly #wanted = new Map<string, readonly string[]>();

  constructor(components: CapabilitiesComponents) {
    this.#components = components;
  }

  /** Hosts by name. */
  get hosts(): ReadonlyMap<string, CapabilityHost> {
    return this.#hosts;
  }

  /** Takes over a list of capabilities: new ones begin, changed ones go on, missing ones end. */
  configure(capabilities: readonly PreparedCapability[]): void {
    const named = new Set(capabilities.map((capability) => capability.name));
    for (const [name, host] of this.#hosts) {
      if (!named.has(name)) {
        this.#hosts.delete(name);
        host.close(`the capability ${name} was removed`);
        this.#want(name, []);
      }
    }
    for (const capability of capabilities) {
      this.#take(capability);
    }
  }

  capabilities(): readonly CapabilityView[] {
    return [...this.#hosts.values()].map(viewOf);
  }

  capability(name: string): Result<CapabilityView> {
    const host = this.#hosts.get(name);
    return host === undefined ? this.#unknown(name) : { ok: true, value: viewOf(host) };
  }

  async pull(
    capability: string,
    options: { readonly max: number; readonly waitMs: number; readonly presence?: string },
    signal?: AbortSignal,
  ): Promise<Result<readonly PulledItem[]>> {
    const host = this.#hosts.get(capability);
    return host === undefined ? this.#unknown(capability) : host.pull(options, signal);
  }

  settle(lease: string, verb: LeaseVerb): Promise<Result<VerbResult>> {
    const host = this.#holderOf(lease);
    return host === undefined
      ? Promise.resolve({ ok: false, refusal: leaseRefusal(lease) })
      : host.settle(lease, verb);
  }

  capabilityOfLease(lease: string): string | undefined {
    return this.#holderOf(lease)?.name;
  }

  openPresence(capability: string): Result<{ readonly id: string; readonly close: () => void }> {
    const host = this.#hosts.get(capability);
    return host === undefined
      ? this.#unknown(capability)
      : { ok: true, value: host.openPresence() };
  }

  tellObstacle(capability: string, obstacle: ApplicationObstacle | undefined): void {
    this.#hosts.get(capability)?.tell({ type: "obstacle", obstacle });
  }

  onLeaseEnded(lease: string, listener: (reason: string) => void): Unsubscribe {
    return this.#holderOf(lease)?.onLeaseEnded(lease, listener) ?? (() => undefined);
  }

  /** These take nothing new from now on, all others do; those that come later are told again. */
  quiesce(names: ReadonlySet<string>): void {
    for (const [name, host] of this.#hosts) {
      host.tell({ type: "quiesce", quiesced: names.has(name) });
    }
  }

  /** Takes nothing new; resolves when nothing is held. */
  async drain(): Promise<void> {
    await Promise.all([...this.#hosts.values()].map((host) => host.drain()));
  }

  /** Releases the rest and leaves every demand. */
  close(reason: string): void {
    for (const host of this.#hosts.values()) {
      host.close(reason);
    }
    this.#hosts.clear();
  }

  #take(capability: PreparedCapability): void {
    const { name } = capability;
    const known = this.#hosts.get(name);
    if (known !== undefined) {
      known.configure(capability);
      return;
    }
    const host = new CapabilityHost(capability, this.#components, {
      wanted: (nodeIds) => {
        this.#want(name, nodeIds);
      },
    });
    this.#hosts.set(name, host);
    this.#components.onBegun(host);
  }

  #want(capability: string, nodeIds: readonly string[]): void {
    this.#wanted.set(capability, nodeIds);
    if (nodeIds.length === 0) this.#wanted.delete(capability);
    this.#components.onWanted(new Set([...this.#wanted.values()].flat()));
  }

  #holderOf(lease: string): CapabilityHost | undefined {
    for (const host of this.#hosts.values()) if (host.holds(lease)) return host;
    return undefined;
  }

  #unknown(name: string): ReturnType<typeof refusal> {
    const known = [...this.#hosts.keys()].slice(0, 10).join(", ") || "none";
    return refusal(
      "UNKNOWN_CAPABILITY",
      `This pod has no capability ${name}; it has: ${known}. ` +
        "Check the name and the Capability's selector.",
    );
  }
}

function viewOf(host: CapabilityHost): CapabilityView {
  return capabilityViewOf(host.snapshot(), host.contract.work);
}
