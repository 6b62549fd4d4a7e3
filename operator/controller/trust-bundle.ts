/**
 * The ConfigMap that injection reads: whom a new pod is to trust, and which version leads. A pod
 * that is injected without it cannot attach, so that it is looked at again and again and put right.
 */
import { fieldManagers, ownObjects } from "../manifests/index.ts";
import {
  type ApiClient,
  ApiError,
  type ApiObject,
  JitteredBackoff,
  type ResourceType,
  resourceType,
  type Surroundings,
} from "../runtime/index.ts";

/** What of the ConfigMap is ours; its other keys are others'. */
interface InjectionMap extends ApiObject {
  readonly data?: { readonly trustBundle?: string; readonly operatorVersion?: string };
}

const injectionMaps: ResourceType<InjectionMap> = resourceType<InjectionMap>({
  group: "",
  version: "v1",
  plural: "configmaps",
  kind: "ConfigMap",
  namespaced: true,
});

/** What the trust bundle is written with. */
export interface TrustBundleComponents {
  /** Guarded: only the leader writes. */
  readonly client: ApiClient;
  readonly surroundings: Surroundings;
  /** The operator's own. */
  readonly namespace: string;
  /** Of this program. */
  readonly operatorVersion: string;
  /** PEM of the authorities, as it is now. */
  readonly bundlePem: () => string;
}

/** What stands there is looked at this often. */
const lookAgainMs = 60_000;
/** After a failure; longer and longer. */
const retries = { baseMs: 1_000, maxMs: lookAgainMs };

/** Keeps the ConfigMap as it should be, between `start` and `stop`. Writes only what differs. */
export class TrustBundle {
  readonly #components: TrustBundleComponents;
  readonly #backoff: JitteredBackoff;
  #isOpen = false;
  #isChanged = false;
  #running: Promise<void> | undefined;
  #cancel: (() => void) | undefined;

  constructor(components: TrustBundleComponents) {
    this.#components = components;
    this.#backoff = new JitteredBackoff(retries, components.surroundings.random);
  }

  /** Begins with a look. Extra calls are harmless. */
  start(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#look();
  }

  /** The bundle differs from before. Without effect before `start`. */
  changed(): void {
    this.#isChanged = true;
    this.#look();
  }

  /** Waits for a write that is on its way; final. */
  async stop(): Promise<void> {
    this.#isOpen = false;
    this.#cancel?.();
    await this.#running;
  }

  #look(): void {
    if (!this.#isOpen || this.#running !== undefined) return;
    this.#cancel?.();
    this.#isChanged = false;
    this.#running = this.#tend().then((afterMs) => {
      this.#running = undefined;
      if (this.#isChanged) return this.#look();
      if (!this.#isOpen) return;
      this.#cancel = this.#components.surroundings.timers.after(afterMs, () => {
        this.#look();
      });
    });
  }

  /** Never rejects. @returns when to look again, ms. */
  async #tend(): Promise<number> {
    try {
      await this.#write();
      this.#backoff.reset();
      return lookAgainMs;
    } catch (error) {
      const { log } = this.#components.surroundings;
      const afterMs = this.#backoff.nextMs();
      log.error({ error, afterMs }, "the trust bundle could not be written for injection");
      return afterMs;
    }
  }

  async #write(): Promise<void> {
    const { client, namespace, operatorVersion, bundlePem } = this.#components;
    const place = { namespace, name: ownObjects.injection };
    const data = { trustBundle: bundlePem(), operatorVersion };
    const stored = await this.#stored(place);
    const isSame = stored?.trustBundle === data.trustBundle;
    if (isSame && stored.operatorVersion === operatorVersion) return;
    const object = { metadata: place, data };
    await client.apply(injectionMaps, object, { fieldManager: fieldManagers.trust });
  }

  async #stored(place: { readonly namespace: string; readonly name: string }) {
    try {
      return (await this.#components.client.get(injectionMaps, place)).data;
    } catch (error) {
      if (error instanceof ApiError && error.code === "NOT_FOUND") return undefined;
      throw error;
    }
  }
}
