/** One run of the work simulation: a cluster made from a seed, faults for a while, then quiet. */
import {
  type DemandOptions,
  resolveCapabilityOptions,
  resolveDemandOptions,
} from "../../../sidecar/core/work/index.ts";
import { SeededRandom } from "../../support/seeded-random.ts";
import { World } from "../world.ts";
import { Bounds, CreditBound, ProviderBound, SlotBound, WorkBound } from "./bound-checkers.ts";
import { Cluster, type Place } from "./cluster.ts";
import { OneLease, OneOutcome, RightAttempts, StaleLease } from "./item-checkers.ts";
import { LeaseLedger } from "./lease-ledger.ts";
import { ClosedLast, OneAnswer, RecordedFirst, StartedFirst } from "./link-checkers.ts";
import { type CapabilityTurn, type DemandTurn, Violation, type Watcher } from "./observed.ts";
import type { TurnHabits } from "./sim-pump.ts";
import type { WorkerHabits } from "./worker-app.ts";

/** What one seed came to. */
export interface SimResult {
  readonly seed: number;
  readonly events: number;
  /** What the run was like. */
  readonly facts: {
    readonly kills: number;
    readonly breaks: number;
    readonly crashes: number;
    /** Turns of two inputs or more. */
    readonly shared: number;
    /** Turns in which inputs met what was due. */
    readonly late: number;
  };
  readonly violation:
    | { readonly checker: string; readonly message: string; readonly history: readonly string[] }
    | undefined;
}

/** Faults come this long. */
const faultTimeMs = 20_000;

/** After it, while items are open, one must end in any such time. */
const progressTimeMs = 60_000;

/**
 * A call of a worker may wait this long at most: longer than any wait of a pull, any verb timeout.
 */
const longestCallMs = 20_000;

/** Runs one seed. */
export function runWorkSimulation(seed: number): SimResult {
  const random = new SeededRandom(seed);
  const world = new World();
  const ledger = new LeaseLedger();
  const outcomes = new OneOutcome();
  const work = new WorkBound();
  const turns = new TurnCount();
  const watchers = [
    ledger,
    outcomes,
    new OneLease(ledger),
    new StaleLease(ledger),
    new RightAttempts(ledger),
    new RecordedFirst(ledger),
    new ClosedLast(),
    new OneAnswer(ledger),
    new ProviderBound(),
    new CreditBound(),
    new SlotBound(),
    new Bounds(),
    new StartedFirst(),
    work,
    turns,
  ];
  const maxDelayMs = random.pick([2, 10, 60]);
  const cluster = new Cluster({
    world,
    random: random.fork(),
    turns: turnHabits(random),
    watchers,
    log: work,
    weather: { minDelayMs: 0.2, maxDelayMs, maxNoticeMs: 3_000 },
  });
  const faults = { kills: 0, breaks: 0, crashes: 0 };
  const faultsUntilMs = world.nowMs + faultTimeMs;
  let violation: SimResult["violation"];
  try {
    const places = makePlaces(random);
    cluster.produce(faultsUntilMs - 2_000, random.pick([40, 150, 400]));
    for (const place of places) {
      world.after(random.integer(0, 500), () => {
        cluster.start(place);
      });
    }
    scheduleFaults({ world, random: random.fork(), cluster, places, faultsUntilMs, facts: faults });
    world.run(faultsUntilMs, () => false);
    let open = Infinity;
    let progressUntilMs = faultsUntilMs + progressTimeMs;
    while (world.nowMs < progressUntilMs) {
      world.run(world.nowMs + 1_000, () => false);
      const still = outcomes.openItems().length;
      if (still < open) progressUntilMs = world.nowMs + progressTimeMs;
      open = still;
      const unanswered = cluster.openCalls(world.nowMs - longestCallMs);
      if (open === 0 && unanswered === 0 && world.nowMs > faultsUntilMs + 5_000) break;
    }
    checkLiveness(outcomes, cluster, world.nowMs);
  } catch (error) {
    const checker = error instanceof Violation ? error.checker : "no-throw";
    const message = error instanceof Violation ? error.message : stackOf(error);
    violation = { checker, message, history: world.history() };
  }
  const { shared, late } = turns;
  return { seed, events: world.eventCount, facts: { ...faults, shared, late }, violation };
}

/** Once faults stop, every accepted item of a living producer ends and every call is answered. */
function checkLiveness(outcomes: OneOutcome, cluster: Cluster, nowMs: number): void {
  const open = outcomes.openItems();
  const [first] = open;
  if (first !== undefined) {
    const { demand, sequence } = first;
    const item = demand.queue.item(sequence);
    const why = demand.queue.explain(sequence, nowMs)?.reasons[0]?.code ?? "no reason";
    throw new Violation(
      "liveness",
      `${String(open.length)} accepted items never end; item ${String(sequence)} of ${demand.id} is ` +
        `${item?.state ?? "gone"} (${why})`,
    );
  }
  const calls = cluster.openCalls(nowMs - longestCallMs);
  if (calls > 0) throw new Violation("liveness", `${String(calls)} calls were never answered`);
}

interface FaultPlan {
  readonly world: World;
  readonly random: SeededRandom;
  readonly cluster: Cluster;
  readonly places: readonly Place[];
  readonly faultsUntilMs: number;
  readonly facts: { kills: number; breaks: number; crashes: number };
}

function scheduleFaults(plan: FaultPlan): void {
  const { world, random, cluster, faultsUntilMs, facts } = plan;
  const meanGapMs = random.pick([300, 1_000, 3_000]);
  const strike = (): void => {
    if (world.nowMs >= faultsUntilMs) return;
    const kind = random.next();
    if (kind < 0.35) {
      facts.breaks += 1;
      cluster.breakSession();
    } else if (kind < 0.6) {
      facts.crashes += 1;
      cluster.crashWorker();
    } else if (kind < 0.65) {
      cluster.pause();
    } else if (kind < 0.72) {
      stopInOrder(plan);
    } else {
      // Producers die less often: with every death their queues are gone, and with them the test.
      const place = random.pick(plan.places);
      if (place.spec.demands.length === 0 || random.chance(0.2)) {
        facts.kills += 1;
        cluster.kill(place.nodeId);
        startAgain(plan, place, random.integer(20, 4_000));
      }
    }
    world.after(random.next() * 2 * meanGapMs, strike);
  };
  world.after(1_000, strike);
}

/** A provider drains, ends and comes back, as in a rolling update. */
function stopInOrder(plan: FaultPlan): void {
  const providers = plan.places.filter(({ spec }) => spec.capability !== undefined);
  const place = plan.random.pick(providers);
  plan.cluster.drain(place.nodeId);
  startAgain(plan, place, plan.random.integer(3_200, 6_000));
}

function startAgain(plan: FaultPlan, place: Place, delayMs: number): void {
  plan.world.after(delayMs, () => {
    const living = plan.cluster.nodes().some((node) => node.self.nodeId === place.nodeId);
    if (!living) plan.cluster.start(place);
  });
}

/** Turns of one input in half of the runs; else of what comes within some ms, or in a busy time. */
function turnHabits(random: SeededRandom): TurnHabits {
  return { gatherMs: random.pick([0, 0, 3, 20]), asDriven: random.chance(0.5) };
}

/** Counts turns that one input at a time would not have. */
class TurnCount implements Watcher {
  readonly name = "turns";
  shared = 0;
  late = 0;

  afterDemand(_demand: unknown, turn: DemandTurn): void {
    this.#count(turn);
  }

  afterCapability(_capability: unknown, turn: CapabilityTurn): void {
    this.#count(turn);
  }

  #count(turn: { readonly inputs: readonly unknown[]; readonly due: boolean }): void {
    if (turn.inputs.length > 1) this.shared += 1;
    if (turn.inputs.length > 0 && turn.due) this.late += 1;
  }
}

function makePlaces(random: SeededRandom): Place[] {
  const places: Place[] = [];
  const producerCount = random.integer(1, 3);
  const providerCount = random.integer(1, 4);
  for (let index = 0; index < producerCount; index++) {
    const names = random.chance(0.3) ? ["thumbs", "previews"] : ["thumbs"];
    places.push({
      nodeId: `web-${String(index)}`,
      spec: {
        demands: names.map((name) => ({ name, options: demandOptions(random) })),
        capability: undefined,
      },
      workers: [],
    });
  }
  for (let index = 0; index < providerCount; index++) {
    const options = resolveCapabilityOptions({
      concurrency: random.integer(1, 4),
      maxDemands: random.integer(producerCount * 2, 8),
      verbTimeoutMs: 10_000,
    });
    places.push({
      nodeId: `worker-${String(index)}`,
      spec: { demands: [], capability: { name: "resize", options } },
      workers: Array.from({ length: random.integer(1, 3) }, () => workerHabits(random)),
    });
  }
  return places;
}

function demandOptions(random: SeededRandom): DemandOptions {
  const maxProviders = random.integer(1, 4);
  return resolveDemandOptions({
    desiredProviders: random.integer(1, maxProviders),
    maxProviders,
    lease: { durationMs: random.integer(1_000, 3_000), maxRuntimeMs: 5_000 },
    retry: { maxAttempts: random.integer(1, 4), backoff: { initialMs: 50, maxMs: 500 } },
    queue: {
      maxItems: random.pick([5, 30, 200]),
      maxBytes: random.pick([2_000, 100_000]),
      overflow: random.pick(["refuse", "wait"]),
      maxWaiters: 10,
    },
    deadLetter: { maxItems: random.pick([3, 100]) },
    retention: { maxItems: random.pick([5, 1_000]) },
  });
}

function workerHabits(random: SeededRandom): WorkerHabits {
  return {
    presence: random.chance(0.6),
    maxPull: random.integer(1, 4),
    waitMs: random.pick([100, 1_000, 5_000]),
    parallel: random.integer(1, 4),
  };
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
