/** What an item does to whoever works on it; its request's first byte. */
export const itemBehaviours = [
  "quick",
  "slow",
  "failing",
  "rejected",
  "hopeless",
  "poison",
  "endless",
  "released",
] as const;

/** One of them. `poison` ends the process that works on it; `endless` never comes to an end. */
export type ItemBehaviour = (typeof itemBehaviours)[number];

/** A request that behaves so. */
export function requestOf(behaviour: ItemBehaviour, sizeBytes: number): Uint8Array {
  const request = new Uint8Array(Math.max(1, sizeBytes));
  request[0] = itemBehaviours.indexOf(behaviour);
  return request;
}

/** What a request does. */
export function behaviourOf(request: Uint8Array): ItemBehaviour {
  return itemBehaviours[request[0] ?? 0] ?? "quick";
}
