import { expect, test } from "vitest";
import { statusText } from "../../../../operator/inspect/index.ts";
import {
  folderSections,
  folderStatus,
  type ObservedProgram,
} from "../../../../operator/local/folder-status.ts";

const route = { request: "a.Q", response: "a.R" };
const address = { host: "127.0.0.1", port: 1_234 };
const none = { ready: 0, leased: 0, delayed: 0, done: 0, dead: 0 };

interface Parts {
  readonly demands?: object[];
  readonly capabilities?: object[];
  readonly peers?: object[];
}

function observed(name: string, parts: Parts, over: object = {}): ObservedProgram {
  return {
    recorded: {
      name,
      replica: 0,
      nodeId: `${name}-0.abc`,
      process: { pid: 10, startTime: "1" },
      restarts: 0,
      sidecar: {
        process: { pid: 20, startTime: "1" },
        socketPath: `/run/${name}-0.sock`,
        admin: address,
        ops: address,
        restarts: 0,
      },
    },
    programAlive: true,
    sidecarAlive: true,
    report: { ok: true, demands: [], capabilities: [], peers: [], ...parts },
    ...over,
  } as ObservedProgram;
}

function demand(over: object = {}): object {
  return {
    ...{ name: "thumbs", ...route, counts: none, oldestReadySeconds: 0, paused: false },
    ...{ desiredProviders: 1, maxProviders: 5, providers: [{ id: "p", leased: 0, credit: 1 }] },
    ...over,
  };
}

test("queues of one demand are summed, its oldest item and slowest link are the worst", () => {
  const counts = { ready: 1, leased: 2, delayed: 3, done: 4, dead: 0 };
  const providers = (rttMs: number) => [{ id: "p", rttMs, leased: 1, credit: 2 }];
  const status = folderStatus({ warnings: [] }, [
    observed("a", {
      demands: [demand({ counts, oldestReadySeconds: 7, providers: providers(1) })],
    }),
    observed("b", {
      demands: [demand({ counts, oldestReadySeconds: 3, providers: providers(5) })],
    }),
  ]);
  expect(status.demands).toEqual([
    {
      name: "thumbs",
      counts: { ready: 2, leased: 4, delayed: 6, done: 8, dead: 0 },
      oldestReadySeconds: 7,
      desiredProviders: 2,
      maxProviders: 10,
      providers: [{ id: "p", rttMs: 5, leased: 2, credit: 4 }],
    },
  ]);
  expect(status.problems).toEqual([]);
});

test("a capability names the demands it has joined, not those it asks", () => {
  const links = [
    { demand: "thumbs", node: "a", state: "joined" },
    { demand: "other", node: "a", state: "asking" },
  ];
  const part = { name: "thumber", ...route, running: 1, slots: 2, demands: links };
  const status = folderStatus({ warnings: [] }, [
    observed("a", { capabilities: [part] }),
    observed("b", { capabilities: [part] }),
  ]);
  expect(status.capabilities).toEqual([
    { name: "thumber", running: 2, slots: 4, demands: ["thumbs"] },
  ]);
});

const capability = { name: "thumber", ...route, running: 0, slots: 1, demands: [] };
const problems: readonly [string, ObservedProgram[], string[]][] = [
  [
    "a program that ended",
    [
      observed(
        "a",
        {},
        { programAlive: false, recorded: { ...observed("a", {}).recorded, lastEnd: "SIGKILL" } },
      ),
    ],
    ["a-0 is not running: it ended with SIGKILL; up starts it again."],
  ],
  [
    "a sidecar that ended",
    [observed("a", {}, { sidecarAlive: false, report: { ok: false, reason: "x" } })],
    ["The sidecar of a-0 is not running; up starts it again."],
  ],
  [
    "a sidecar that does not answer",
    [observed("a", {}, { report: { ok: false, reason: "connect ECONNREFUSED" } })],
    ["The sidecar of a-0 does not answer: connect ECONNREFUSED."],
  ],
  [
    "no provider",
    [observed("a", { demands: [demand({ providers: [], counts: { ...none, ready: 3 } })] })],
    ["The demand thumbs has no provider, and 3 of its items wait."],
  ],
  [
    "no provider for a single item",
    [observed("a", { demands: [demand({ providers: [], counts: { ...none, ready: 1 } })] })],
    ["The demand thumbs has no provider, and 1 of its items waits."],
  ],
  [
    "too few providers",
    [observed("a", { demands: [demand({ desiredProviders: 3 })] })],
    ["The demand thumbs has 1 of 3 desired providers."],
  ],
  [
    "a pause, and nothing of dead items, which are counted",
    [observed("a", { demands: [demand({ paused: true, counts: { ...none, dead: 2 } })] })],
    ["The demand thumbs is paused."],
  ],
  [
    "an application that gets nothing",
    [
      observed("a", {
        capabilities: [{ ...capability, notDelivering: "the application does not pull" }],
      }),
    ],
    ["The capability thumber of a-0 gets no work: the application does not pull."],
  ],
  [
    "contracts that differ",
    [
      observed("a", {
        capabilities: [
          {
            ...capability,
            demands: [{ demand: "thumbs", node: "b", state: "incompatible", reason: "field 2." }],
          },
        ],
      }),
    ],
    ["The capability thumber of a-0 does not fit the demand thumbs of b: field 2."],
  ],
  [
    "a provider that a queue lacks and cannot reach",
    [
      observed("a", {
        demands: [demand({ providers: [] })],
        peers: [{ id: "b-0.abc", connected: false, notConnected: "its certificate is refused" }],
      }),
      observed("b", { capabilities: [capability] }),
    ],
    [
      "The demand thumbs has no provider.",
      "The sidecar of a-0 is not connected to b-0.abc: its certificate is refused.",
    ],
  ],
  [
    "not two nodes that have nothing to say to each other",
    [
      observed("a", {
        capabilities: [capability],
        peers: [{ id: "b-0.abc", connected: false, notConnected: "nothing asks for it" }],
      }),
      observed("b", { capabilities: [capability] }),
    ],
    [],
  ],
];

test.each(problems)("problem: %s", (_name, programs, sentences) => {
  expect(folderStatus({ warnings: [] }, programs).problems).toEqual(sentences);
});

test("a warning of the start is a problem", () => {
  expect(folderStatus({ warnings: ["x selects nothing"] }, []).problems).toEqual([
    "x selects nothing.",
  ]);
});

test("what a person reads", () => {
  const status = folderStatus({ warnings: [] }, [
    observed("web", { demands: [demand({ providers: [] })] }),
    observed("worker", { capabilities: [capability] }, { programAlive: false }),
  ]);
  expect(statusText(folderSections(status))).toMatchInlineSnapshot(`
    "programs
      web-0     pid 10       -  sidecar 20  /run/web-0.sock
      worker-0  not running  -  sidecar 20  /run/worker-0.sock
    demands
      thumbs  0 ready  0 leased  0 delayed  0 done  0 dead  0 providers (1 desired)
    capabilities
      thumber  0 of 1 slots in use  no demand
    problems
      worker-0 is not running; up starts it again.
      The demand thumbs has no provider.
    "
  `);
});
