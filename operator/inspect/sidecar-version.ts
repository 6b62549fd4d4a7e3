/** Which version of the program a sidecar is. */
import { z } from "zod";
import type { Place } from "./place.ts";
import type { Silence } from "./sidecar-report.ts";

const answered = z.object({ version: z.string().min(1).max(64) });

const timeoutMs = 5_000;

/** A sidecar's version, or why it is not known. */
export type SidecarVersion =
  | {
      readonly ok: true;
      /** Undefined: the sidecar is of a version that does not tell. */
      readonly version: string | undefined;
    }
  | Silence;

/** Asks one sidecar. Rejects as `Place.ask` does. */
export async function askVersion(place: Pick<Place, "ask">): Promise<SidecarVersion> {
  const answer = await place.ask({ method: "GET", path: "/v1/version", timeoutMs });
  if (!answer.ok) return answer;
  const told = answered.safeParse(answer.body);
  return { ok: true, version: told.success ? told.data.version : undefined };
}
