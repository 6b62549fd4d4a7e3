import { apiLimits } from "./limits.ts";

/** `?limit=&cursor=` after the schema. */
export interface PageQuery {
  readonly limit?: number;
  /** Key of the last entry of the page before. */
  readonly cursor?: string;
}

/** A part of a list; `next` is there when more follows. */
export interface Page<T> {
  readonly entries: readonly T[];
  readonly next?: string;
}

/**
 * Cuts a page out of a list, ordered by key, so that entries that come and go between two pages
 * neither hide nor repeat others.
 */
export function pageOf<T>(
  all: readonly T[],
  keyOf: (entry: T) => string,
  query: PageQuery,
): Page<T> {
  const { limit = apiLimits.defaultPageItems, cursor } = query;
  const keyed = all
    .map((entry) => ({ key: keyOf(entry), entry }))
    .filter(({ key }) => cursor === undefined || key > cursor)
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  const cut = keyed.slice(0, limit);
  const last = cut.at(-1);
  const more = keyed.length > cut.length && last !== undefined;
  return { entries: cut.map(({ entry }) => entry), ...(more ? { next: last.key } : {}) };
}
