/** A Map of bounded size: beyond it the entry that was set longest ago goes. */
export class RecentMap<K, V> extends Map<K, V> {
  readonly #bound: number;

  /** @param bound entries at most, 1 or more. */
  constructor(bound: number) {
    super();
    this.#bound = bound;
  }

  /** As Map's, but an entry that is set again is the newest. */
  override set(key: K, value: V): this {
    this.delete(key);
    super.set(key, value);
    const [oldest] = this.keys();
    if (this.size > this.#bound && oldest !== undefined) this.delete(oldest);
    return this;
  }
}
