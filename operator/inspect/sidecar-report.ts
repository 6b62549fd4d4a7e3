/** What one sidecar says of itself: its demands, capabilities and peers. */
import { z } from "zod";
import type { Answer, Place } from "./place.ts";

const count = z.number().default(0);

/** Counts by state; states that are not told are empty. */
const counts = z.object({
  ready: count,
  leased: count,
  delayed: count,
  done: count,
  dead: count,
});

const provider = z.object({
  id: z.string(),
  rttMs: z.number().optional(),
  leased: count,
  credit: count,
});

/** Full names of the messages: what a demand and a capability must share. */
const route = { request: z.string(), response: z.string() };

const demand = z.object({
  name: z.string(),
  ...route,
  counts,
  oldestReadySeconds: count,
  desiredProviders: z.number(),
  maxProviders: z.number(),
  providers: z.array(provider).default([]),
  paused: z.boolean().default(false),
});

const link = z.object({
  demand: z.string(),
  node: z.string().default(""),
  state: z.string().default(""),
  reason: z.string().optional(),
});

const capability = z.object({
  name: z.string(),
  ...route,
  running: count,
  slots: count,
  demands: z.array(link).default([]),
  notDelivering: z.string().optional(),
});

const peer = z.object({
  id: z.string(),
  connected: z.boolean().default(false),
  notConnected: z.string().optional(),
});

const next = z.string().optional();
const pages = {
  demands: z.object({ demands: z.array(demand), next }),
  capabilities: z.object({ capabilities: z.array(capability), next }),
  peers: z.object({ peers: z.array(peer), next }),
};

/** A demand of one sidecar. */
export type ReportedDemand = z.output<typeof demand>;
/** A capability of one sidecar. */
export type ReportedCapability = z.output<typeof capability>;
/** A peer of one sidecar. */
export type ReportedPeer = z.output<typeof peer>;

/** A sidecar's report, or why there is none (one clause). */
export type SidecarReport =
  | {
      readonly ok: true;
      readonly demands: readonly ReportedDemand[];
      readonly capabilities: readonly ReportedCapability[];
      readonly peers: readonly ReportedPeer[];
    }
  | { readonly ok: false; readonly reason: string };

/** A report of a sidecar that answered. */
export type GoodReport = Extract<SidecarReport, { ok: true }>;

const timeoutMs = 3_000;

/** Pages that are asked for at most, 50 entries each by default. */
const maxPages = 100;

/** Asks one sidecar for everything. */
export async function askSidecar(place: Pick<Place, "ask">): Promise<SidecarReport> {
  const ask = (path: string): Promise<Answer> => place.ask({ method: "GET", path, timeoutMs });
  try {
    const [demands, capabilities, peers] = await Promise.all([
      readPages(ask, "/v1/demands", pages.demands, (page) => page.demands),
      readPages(ask, "/v1/capabilities", pages.capabilities, (page) => page.capabilities),
      readPages(ask, "/v1/peers", pages.peers, (page) => page.peers),
    ]);
    return { ok: true, demands, capabilities, peers };
  } catch (error) {
    return { ok: false, reason: error instanceof Error ? error.message : String(error) };
  }
}

/** Asks one sidecar for the demands whose queues it holds. */
export async function demandsOf(
  place: Pick<Place, "ask">,
): Promise<
  | { readonly ok: true; readonly demands: readonly ReportedDemand[] }
  | { readonly ok: false; readonly reason: string }
> {
  const ask = (path: string): Promise<Answer> => place.ask({ method: "GET", path, timeoutMs });
  try {
    const demands = await readPages(ask, "/v1/demands", pages.demands, (page) => page.demands);
    return { ok: true, demands };
  } catch (error) {
    return { ok: false, reason: error instanceof Error ? error.message : String(error) };
  }
}

async function readPages<P extends { next?: string | undefined }, T>(
  ask: (path: string) => Promise<Answer>,
  path: string,
  schema: z.ZodType<P>,
  entriesOf: (page: P) => readonly T[],
): Promise<T[]> {
  const all: T[] = [];
  let query = "";
  for (let asked = 0; asked < maxPages; asked++) {
    const answer = await ask(`${path}${query}`);
    if (!answer.ok) throw new Error(answer.reason);
    const page = schema.safeParse(answer.body);
    if (!page.success)
      throw new Error(`GET ${path} answered ${answer.status}${detailOf(answer.body)}`);
    all.push(...entriesOf(page.data));
    if (page.data.next === undefined) return all;
    query = `?cursor=${encodeURIComponent(page.data.next)}`;
  }
  return all;
}

/** The detail of a problem answer. */
export function detailOf(body: unknown): string {
  const problem = z.object({ code: z.string(), detail: z.string() }).safeParse(body);
  return problem.success ? ` ${problem.data.code}: ${problem.data.detail}` : "";
}
