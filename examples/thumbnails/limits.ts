/** Bounds that both programs of the example share. */

/** Largest file that is taken. */
export const fileLimitBytes = 10 * 1024 * 1024;

/** A file that is too large is still read up to here, so that its sender sees the reason. */
export const droppedLimitBytes = 64 * 1024 * 1024;

/** Most pixels of an image: 50 million, about 200 MB when decoded. */
export const pixelLimit = 50_000_000;

/** Narrowest and widest thumbnail, pixels. */
export const widthRange = { min: 16, max: 1_024 } as const;

/** Tallest thumbnail, pixels. */
export const heightLimit = 8_192;

/** How long an upload waits for its thumbnail. */
export const waitLimitMs = 60_000;
