/** The work itself: an image in, a smaller WebP out, or the reason why not. */
import sharp, { type Metadata, type Sharp } from "sharp";
import { RejectError } from "spillway";
import type { ThumbnailRequest } from "./gen/thumbnail_pb.ts";
import { pixelLimit } from "./limits.ts";

/** What sharp can also read (SVG, PDF, …) runs whole interpreters on what a stranger sent. */
const takenFormats: readonly (string | undefined)[] = [
  "jpeg",
  "png",
  "webp",
  "gif",
  "tiff",
  "heif",
];

/** A thumbnail and what it was made from. */
export interface MadeThumbnail {
  readonly image: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly originalWidth: number;
  readonly originalHeight: number;
}

// The workers are the parallelism here: one thread of the image library in each.
sharp.concurrency(1);
sharp.cache(false);

/**
 * Makes one thumbnail. Upright (by the EXIF orientation), the first frame of an animation.
 * @throws {RejectError} `NOT_AN_IMAGE`, `FORMAT_NOT_TAKEN`, `TOO_MANY_PIXELS`, `DAMAGED_IMAGE`: no
 *   other attempt would end otherwise.
 */
export async function makeThumbnail(request: ThumbnailRequest): Promise<MadeThumbnail> {
  const options = { limitInputPixels: pixelLimit, failOn: "truncated" } as const;
  const image = sharp(request.image, options);
  const { width, height } = await readMetadata(image, request);
  try {
    const { data, info } = await image
      .autoOrient()
      .resize({ width: request.width })
      .webp()
      .toBuffer({ resolveWithObject: true });
    const size = { originalWidth: width, originalHeight: height };
    return { image: data, width: info.width, height: info.height, ...size };
  } catch (error) {
    const message = `${shown(request)} is damaged or cut off: not all of it could be decoded.`;
    throw new RejectError("DAMAGED_IMAGE", message, { cause: error });
  }
}

async function readMetadata(image: Sharp, request: ThumbnailRequest): Promise<Metadata> {
  let metadata: Metadata;
  try {
    metadata = await image.metadata();
  } catch (error) {
    // The bound on pixels is checked here too, but only by the text of the error.
    const message = `${shown(request)} is no image that can be read (JPEG, PNG, WebP, GIF, TIFF, AVIF).`;
    throw new RejectError("NOT_AN_IMAGE", message, { cause: error });
  }
  const { format, width, height } = metadata;
  if (!takenFormats.includes(format)) {
    const message = `${shown(request)} is ${format}, which is not taken; send JPEG, PNG, WebP, GIF, TIFF or AVIF.`;
    throw new RejectError("FORMAT_NOT_TAKEN", message);
  }
  if (width * height > pixelLimit) {
    const message =
      `${shown(request)} has ${width} × ${height} = ${width * height} pixels, more than the ` +
      `${pixelLimit} that are taken; send a smaller one.`;
    throw new RejectError("TOO_MANY_PIXELS", message);
  }
  return metadata;
}

function shown(request: ThumbnailRequest): string {
  return request.name === "" ? "The file" : JSON.stringify(request.name);
}
