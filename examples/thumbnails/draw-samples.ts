/**
 * Draws sample images of known colours and sizes:
 *   node examples/thumbnails/draw-samples.ts FOLDER
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import sharp from "sharp";

/** A drawn image. */
export interface Sample {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  /** Colour of the whole image but the frame, each 0 to 255. */
  readonly colour: { readonly r: number; readonly g: number; readonly b: number };
  readonly format: "png" | "jpeg" | "webp";
}

/** The samples of this folder's page. */
export const samples: readonly Sample[] = [
  {
    name: "sunset.jpg",
    width: 1_600,
    height: 1_067,
    colour: { r: 224, g: 98, b: 64 },
    format: "jpeg",
  },
  {
    name: "forest.png",
    width: 1_200,
    height: 1_200,
    colour: { r: 38, g: 122, b: 78 },
    format: "png",
  },
  {
    name: "lake.webp",
    width: 1_920,
    height: 1_080,
    colour: { r: 46, g: 108, b: 190 },
    format: "webp",
  },
];

/** Draws one plain image. @returns the bytes of the file. */
export function drawPlain(sample: Sample): Promise<Buffer> {
  const { width, height, colour, format } = sample;
  return sharp({ create: { width, height, channels: 3, background: colour } })
    .toFormat(format)
    .toBuffer();
}

/** Draws one landscape in the sample's colour: a sky, a sun and three rows of hills. */
export function drawLandscape(sample: Sample): Promise<Buffer> {
  const { width, height, colour, format } = sample;
  const shade = (factor: number): string =>
    `rgb(${[colour.r, colour.g, colour.b].map((part) => Math.min(255, Math.round(part * factor))).join(",")})`;
  const hills = [0.55, 0.68, 0.82].map((top, index) => {
    const y = height * top;
    const path = `M0,${y} Q${width * 0.25},${y - height * 0.18} ${width * 0.5},${y} T${width},${y} V${height} H0 Z`;
    return `<path d="${path}" fill="${shade(0.85 - index * 0.22)}"/>`;
  });
  const svg =
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">` +
    `<linearGradient id="sky" x2="0" y2="1"><stop stop-color="${shade(1)}"/>` +
    `<stop offset="1" stop-color="${shade(1.7)}"/></linearGradient>` +
    `<rect width="100%" height="100%" fill="url(#sky)"/>` +
    `<circle cx="${width * 0.72}" cy="${height * 0.3}" r="${height * 0.1}" fill="#fff7d6"/>` +
    `${hills.join("")}</svg>`;
  return sharp(Buffer.from(svg)).removeAlpha().toFormat(format).toBuffer();
}

async function main(folder: string | undefined): Promise<void> {
  if (folder === undefined) {
    console.error("usage: node examples/thumbnails/draw-samples.ts FOLDER");
    process.exit(2);
  }
  await mkdir(folder, { recursive: true });
  for (const sample of samples) {
    const file = join(folder, sample.name);
    await writeFile(file, await drawLandscape(sample));
    console.log(`${file}: ${sample.width} × ${sample.height}`);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  await main(process.argv[2]);
}
