/**
 * The rival: the informer of `@kubernetes/client-node` on Demands and Capabilities, nothing done
 * with what it sees. `informer-process.ts KUBECONFIG NAMESPACE`; its parent gets a message once
 * both lists are whole, and one for each object that it is shown afterwards.
 */
import {
  CustomObjectsApi,
  KubeConfig,
  type KubernetesObject,
  makeInformer,
} from "@kubernetes/client-node";

/** What the parent is told. */
export type InformerMessage =
  | { readonly type: "synced"; readonly objects: number }
  | { readonly type: "seen"; readonly name: string; readonly generation: number };

const [, , kubeconfig = "", namespace = ""] = process.argv;
const group = { group: "spillway.dev", version: "v1alpha1", namespace } as const;

function tell(message: InformerMessage): void {
  process.send?.(message);
}

function seen({ metadata }: KubernetesObject): void {
  tell({ type: "seen", name: metadata?.name ?? "", generation: metadata?.generation ?? 0 });
}

async function main(): Promise<void> {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const api = config.makeApiClient(CustomObjectsApi);
  let objects = 0;
  for (const plural of ["demands", "capabilities"]) {
    const path = `/apis/${group.group}/${group.version}/namespaces/${namespace}/${plural}`;
    const informer = makeInformer(config, path, () =>
      api.listNamespacedCustomObject({ ...group, plural }),
    );
    informer.on("error", (error) => {
      throw error;
    });
    await informer.start();
    objects += informer.list(namespace)?.length ?? 0;
    informer.on("update", seen);
  }
  tell({ type: "synced", objects });
}

process.on("disconnect", () => process.exit(0));
await main();
