/** The contracts of a configuration, resolved once each. */
import type { Contract, NodeConfig } from "../../proto/gen/spillway/control/v1/node_config_pb.ts";
import type { WorkContract } from "../core/work/index.ts";
import { type ResolvedContract, resolveContract } from "../wire/contract.ts";
import { NodeError } from "./node-error.ts";

/** What is made of a contract. */
export interface NodeContract {
  /** What payloads are checked and converted with. */
  readonly resolved: ResolvedContract;
  /** What the engines compare; the same object for the same contract over all configurations. */
  readonly work: WorkContract;
}

/** Contracts by what names them; a configuration taken over again resolves nothing twice. */
export class Contracts {
  #known: ReadonlyMap<string, NodeContract> = new Map();

  /**
   * Resolves every contract of a configuration; those of the one before are forgotten.
   * @returns finds the contract of a demand or capability of this configuration.
   * @throws {NodeError} `CONTRACT_UNRESOLVED` naming the resource and what is wrong; then nothing
   *   has changed.
   */
  take(config: NodeConfig): (contract: Contract | undefined) => NodeContract {
    const next = new Map<string, NodeContract>();
    for (const { name, contract } of [...config.demands, ...config.capabilities]) {
      if (contract === undefined) {
        throw new NodeError("CONTRACT_UNRESOLVED", `${name} has no contract`);
      }
      const key = keyOf(contract);
      next.set(key, this.#known.get(key) ?? resolve(config, contract, name));
    }
    this.#known = next;
    return (contract) => {
      const found = contract === undefined ? undefined : next.get(keyOf(contract));
      if (found === undefined) {
        throw new NodeError("CONTRACT_UNRESOLVED", "a contract of another configuration");
      }
      return found;
    };
  }
}

function keyOf(contract: Contract): string {
  return `${contract.request} ${contract.response} ${contract.descriptorSet}`;
}

function resolve(config: NodeConfig, contract: Contract, resource: string): NodeContract {
  const set = config.descriptorSets.find((each) => each.hash === contract.descriptorSet);
  const result = resolveContract(contract, set?.content ?? new Uint8Array());
  if (!result.ok) {
    throw new NodeError("CONTRACT_UNRESOLVED", `${resource}: ${result.failure.message}`);
  }
  const { hash } = result.contract;
  const { request, response } = contract;
  return {
    resolved: result.contract,
    work: { request, response, contractHash: hash },
  };
}
