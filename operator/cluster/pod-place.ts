import type { Place } from "../inspect/index.ts";
import type { Credentials } from "../runtime/index.ts";
import { callPod } from "./pod-call.ts";
import { openForward } from "./port-forward.ts";
import type { Pod } from "./resources.ts";

/** Port of a sidecar's operations listener, on the loopback of its pod. */
const opsPort = 17_080;

/** The sidecar of a pod, through port forwards with a person's credentials. */
export function placeOfPod(credentials: Credentials, { metadata }: Pod): Place {
  const { name, namespace = "", uid = "" } = metadata;
  const target = { namespace, pod: name, port: opsPort };
  return {
    name,
    nodeId: uid,
    ask: (call) => callPod(() => openForward(credentials, target), call),
  };
}
