/** The work itself: an image in, a smaller WebP out, or the reason why not. */
import sharp, { type Metadata } from "sharp";
import { RejectError } from "spillway";
import type { ThumbnailRequest } from "./gen/thumbnail_pb.ts";
import { heightLimit, pixelLimit, widthRange } from "./limits.ts";

/** What sharp can read besides (SVG, PDF, …) runs interpreters on what a stranger sent. */
const takenFormats: readonly (string | undefined)[] = [
  "jpeg",
  "png",
  "webp",
  "gif",
  "tiff",
  "heif",
];

const remedy = "send JPEG, PNG, WebP, GIF, TIFF or AVIF.";

interface Size {
  readonly width: number;
  readonly height: number;
}

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
 * @throws {RejectError} `WIDTH_OUT_OF_RANGE`, `NOT_AN_IMAGE`, `FORMAT_NOT_TAKEN`,
 *   `TOO_MANY_PIXELS`, `TOO_TALL`, `DAMAGED_IMAGE`: no other attempt would end otherwise.
 */
export async function makeThumbnail(request: ThumbnailRequest): Promise<MadeThumbnail> {
  const { width } = request;
  if (width < widthRange.min || width > widthRange.max) {
    const message = `width ${width} is not in ${widthRange.min} to ${widthRange.max}.`;
    throw new RejectError("WIDTH_OUT_OF_RANGE", message);
  }
  const original = await readSize(request);
  checkHeight(request, original);
  try {
    const options = { limitInputPixels: pixelLimit, failOn: "truncated" } as const;
    const { data, info } = await sharp(request.image, options)
      .autoOrient()
      .resize({ width })
      .webp()
      .toBuffer({ resolveWithObject: true });
    const size = { originalWidth: original.width, originalHeight: original.height };
    return { image: data, width: info.width, height: info.height, ...size };
  } catch (error) {
    const message = `${shown(request)} is damaged or cut off: not all of it could be decoded.`;
    throw new RejectError("DAMAGED_IMAGE", message, { cause: error });
  }
}

/** Size of the image as it will be seen, from its header alone: nothing is decoded yet. */
async function readSize(request: ThumbnailRequest): Promise<Size> {
  let metadata: Metadata;
  try {
    metadata = await sharp(request.image, { limitInputPixels: false }).metadata();
  } catch (error) {
    const message = `${shown(request)} is no image, or its beginning is damaged; ${remedy}`;
    throw new RejectError("NOT_AN_IMAGE", message, { cause: error });
  }
  const { format, width, height } = metadata;
  if (!takenFormats.includes(format)) {
    throw new RejectError("FORMAT_NOT_TAKEN", `${shown(request)} is ${format}; ${remedy}`);
  }
  if (width * height > pixelLimit) {
    const message =
      `${shown(request)} has ${width} × ${height} = ${width * height} pixels, more than the ` +
      `${pixelLimit} that are taken; send a smaller one.`;
    throw new RejectError("TOO_MANY_PIXELS", message);
  }
  return metadata.autoOrient;
}

/** A ribbon of 1 × 50,000,000 pixels would become a thumbnail that no format can hold. */
function checkHeight(request: ThumbnailRequest, { width, height }: Size): void {
  const scaled = Math.round((request.width * height) / width);
  if (scaled > heightLimit) {
    const message =
      `${shown(request)} is ${width} × ${height}: its thumbnail would be ${scaled} pixels high, ` +
      `more than ${heightLimit}; ask for a smaller width.`;
    throw new RejectError("TOO_TALL", message);
  }
}

function shown(request: ThumbnailRequest): string {
  return request.name === "" ? "The file" : JSON.stringify(request.name);
}
