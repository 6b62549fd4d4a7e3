/** The worker program: makes thumbnails for every web program that wants some. */
import { hostname } from "node:os";
import { Capability, CML } from "spillway";
import { ThumbnailRequestSchema, ThumbnailSchema } from "./gen/thumbnail_pb.ts";
import { makeThumbnail } from "./make-thumbnail.ts";
import { requiredVariable, runUntilSignal } from "./program.ts";

const madeBy = `${hostname()}/${process.pid}`;

CML.Config.useSidecar(requiredVariable("SPILLWAY_SOCKET"));
CML.Config.onWarning((warning) => console.error(`${warning.code}: ${warning.message}`));

const thumbnails = new Capability(
  { name: "thumbnails", request: ThumbnailRequestSchema, response: ThumbnailSchema },
  async (request, { ticket, attempt }) => {
    const startedAtMs = performance.now();
    const thumbnail = await makeThumbnail(request);
    const tookMs = Math.round(performance.now() - startedAtMs);
    console.log(`${ticket} attempt ${attempt}: ${thumbnail.width} wide in ${tookMs} ms`);
    return { ...thumbnail, madeBy };
  },
);

runUntilSignal(() => thumbnails.close({ graceMs: 3_000 }));
console.log(`worker ${madeBy} takes work`);
