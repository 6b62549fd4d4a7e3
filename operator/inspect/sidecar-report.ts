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

/** What there is in the place of an answer. */
export type Silence = Extract<Answer, { ok: false }>;

/** A report of a sidecar that answered. */
export interface GoodReport {
  readonly ok: true;
  readonly demands: readonly ReportedDemand[];
  readonly capabilities: readonly ReportedCapability[];
  readonly peers: readonly ReportedPeer[];
}

/** A sidecar's report, or why there is none. */
export type SidecarReport = GoodReport | Silence;

const timeoutMs = 5_000;

/** Pages that are asked for at most, 50 entries each by default. */
const maxPages = 100;

/** Asks one sidecar for everything. Rejects as `Place.ask` does. */
export async function askSidecar(place: Pick<Place, "ask">): Promise<SidecarReport> {
  const [demands, capabilities, peers] = await Promise.all([
    demandsOf(place),
    readPages(place, "/v1/capabilities", pages.capabilities, (page) => page.capabilities),
    readPages(place, "/v1/peers", pages.peers, (page) => page.peers),
  ]);
  if (!demands.ok) return demands;
  if (!capabilities.ok) return capabilities;
  if (!peers.ok) return peers;
  return {
    ok: true,
    demands: demands.entries,
    capabilities: capabilities.entries,
    peers: peers.entries,
  };
}

/** Asks one sidecar for the demands whose queues it holds. Rejects as `Place.ask` does. */
export function demandsOf(place: Pick<Place, "ask">): Promise<Entries<ReportedDemand>> {
  return readPages(place, "/v1/demands", pages.demands, (page) => page.demands);
}

/** All entries of a paged list, or why there are none. */
type Entries<T> = { readonly ok: true; readonly entries: readonly T[] } | Silence;

async function readPages<P extends { next?: string | undefined }, T>(
  place: Pick<Place, "ask">,
  path: string,
  schema: z.ZodType<P>,
  entriesOf: (page: P) => readonly T[],
): Promise<Entries<T>> {
  const entries: T[] = [];
  let query = "";
  for (let asked = 0; asked < maxPages; asked++) {
    const answer = await place.ask({ method: "GET", path: `${path}${query}`, timeoutMs });
    if (!answer.ok) return answer;
    const page = schema.safeParse(answer.body);
    if (!page.success) {
      const reason = `GET ${path} answered ${answer.status}${detailOf(answer.body)}`;
      return { ok: false, reason };
    }
    entries.push(...entriesOf(page.data));
    if (page.data.next === undefined) break;
    query = `?cursor=${encodeURIComponent(page.data.next)}`;
  }
  return { ok: true, entries };
}

function detailOf(body: unknown): string {
  const problem = z.object({ code: z.string(), detail: z.string() }).safeParse(body);
  return problem.success ? ` ${problem.data.code}: ${problem.data.detail}` : "";
}
