/** What a watch tells. */
import type { ApiObject } from "./resource-type.ts";

/** One event of a watch. */
export type WatchEvent<T extends ApiObject> =
  /** An object came or changed; the stream does not always know which, so readers do not care. */
  | { readonly type: "upserted"; readonly object: T }
  | { readonly type: "removed"; readonly object: T }
  /** Everything up to this version was sent. */
  | {
      readonly type: "bookmark";
      readonly resourceVersion: string;
      /** Whether it ends a streamed list. */
      readonly initialEventsEnd: boolean;
    };
