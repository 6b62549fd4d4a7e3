/**
 * Push deliveries of a sidecar: one for each capability with `deliver`, as the configuration says.
 */
import type { CapabilityConfig } from "../proto/gen/spillway/control/v1/node_config_pb.ts";
import { PushDelivery, type PushComponents, type PushTarget } from "./api/index.ts";

interface Running {
  readonly target: PushTarget;
  readonly delivery: PushDelivery;
}

/** Time for items at the application when a delivery is taken away or changed. */
const changeGraceMs = 10_000;

/** Keeps deliveries as configured. */
export class Deliveries {
  readonly #components: PushComponents;
  readonly #running = new Map<string, Running>();

  constructor(components: PushComponents) {
    this.#components = components;
  }

  /** Takes over a list of capabilities. A changed target ends the old delivery by its grace. */
  configure(capabilities: readonly CapabilityConfig[]): void {
    const targets = new Map(
      capabilities.flatMap((config) => {
        const target = targetOf(config);
        return target === undefined ? [] : [[config.name, target] as const];
      }),
    );
    for (const [name, running] of this.#running) {
      const target = targets.get(name);
      if (target === undefined || !sameTarget(target, running.target)) {
        this.#running.delete(name);
        void running.delivery.close(changeGraceMs);
      }
    }
    for (const [name, target] of targets) {
      if (!this.#running.has(name)) {
        const delivery = new PushDelivery(target, this.#components);
        this.#running.set(name, { target, delivery });
        delivery.start();
      }
    }
  }

  /** Pulls nothing more; items at applications get the grace. */
  async close(graceMs: number): Promise<void> {
    const running = [...this.#running.values()];
    this.#running.clear();
    await Promise.all(running.map(({ delivery }) => delivery.close(graceMs)));
  }
}

function targetOf(config: CapabilityConfig): PushTarget | undefined {
  const { deliver, name, concurrency } = config;
  if (deliver === undefined) {
    return undefined;
  }
  const { port, path, readyPath } = deliver;
  return { capability: name, port, path, readyPath, concurrency: concurrency ?? 1 };
}

function sameTarget(a: PushTarget, b: PushTarget): boolean {
  return (
    a.port === b.port &&
    a.path === b.path &&
    a.readyPath === b.readyPath &&
    a.concurrency === b.concurrency
  );
}
