/**
 * A folder that runs: keeps the record, takes changed manifests over, and ends everything in order.
 *
 * The end (at most 9.1 s, so that Ctrl-C keeps its 10 s): all sidecars drain at once (nothing new
 * is taken, what is leased may finish, 4 s), then the programs' groups get SIGTERM (2 s), then the
 * sidecars (2 s); whatever outlives its time is killed (0.3 s each); the state folder is removed.
 */
import { FolderWatch, type FolderChange } from "./folder-watch.ts";
import { bootId } from "./leftovers.ts";
import {
  checkAgainstApps,
  type LoadedFolder,
  type LoadedManifests,
  loadManifests,
} from "./load-folder.ts";
import { LocalError } from "./local-error.ts";
import { drainGraceMs, nodeConfigOf, nodeConfigYaml } from "./node-config.ts";
import type { Output, ReadySummary } from "./output.ts";
import { isPortFree } from "./port-plan.ts";
import type { Replica } from "./replica.ts";
import type { RunContext } from "./run-plan.ts";
import { writeRunRecord } from "./run-record.ts";
import { drainSidecar } from "./sidecar-client.ts";
import { removeStateFolder, replaceFile } from "./state-folder.ts";

/** What a running folder is made of. */
export interface RunningFolderOptions {
  readonly loaded: LoadedFolder;
  readonly context: RunContext;
  readonly output: Output;
}

/** How long each step of the end may take, ms. */
interface EndTimes {
  readonly drainMs: number;
  readonly programMs: number;
  readonly sidecarMs: number;
}

/** The margin of a drain is the way to the sidecar and back. */
const orderly: EndTimes = { drainMs: drainGraceMs + 500, programMs: 2_000, sidecarMs: 2_000 };

/** After a failed start nobody's work is in hand. */
const hasty: EndTimes = { drainMs: 0, programMs: 500, sidecarMs: 1_000 };

/** See the head of the file. */
export class RunningFolder {
  readonly #loaded: LoadedFolder;
  readonly #context: RunContext;
  readonly #output: Output;
  readonly #configTexts = new Map<string, string>();
  #manifests: LoadedManifests;
  #warnings: readonly string[];
  #replicas: readonly Replica[] = [];
  #watch: FolderWatch | undefined;
  #reloading: Promise<void> = Promise.resolve();
  #ending: Promise<void> | undefined;

  constructor({ loaded, context, output }: RunningFolderOptions) {
    this.#loaded = loaded;
    this.#context = context;
    this.#output = output;
    this.#manifests = loaded;
    this.#warnings = loaded.warnings;
  }

  /** Takes the replicas, before they are started, and writes their configurations. */
  adopt(replicas: readonly Replica[]): void {
    this.#replicas = replicas;
    this.#output.names(replicas.flatMap(({ plan, sidecarName }) => [plan.name, sidecarName]));
    this.#writeConfigs();
    this.record();
  }

  /** Writes `run.json` anew. To be called when anything of it changed. */
  record(): void {
    // Once the end has begun the folder may be gone at any moment.
    if (this.#ending !== undefined) return;
    writeRunRecord(this.#context.stateFolder, {
      runId: this.#context.runId,
      bootId: bootId(),
      folder: this.#context.folder.path,
      up: this.#context.up,
      programs: this.#replicas.map((replica) => replica.recorded()),
      warnings: [...this.#warnings],
    });
  }

  /** Begins to take changed manifests and protos over. */
  watch(): void {
    this.#watch = new FolderWatch(this.#loaded.watched, (changes) => this.#changed(changes));
  }

  /**
   * What is told when everything runs.
   * @param ownCommand how a person calls this program.
   */
  async summary(ownCommand: string): Promise<ReadySummary> {
    const programs = this.#replicas.map(async ({ plan }) => {
      const late = plan.port !== undefined && (await isPortFree(plan.port));
      return {
        name: plan.name,
        ...(plan.port === undefined ? {} : { url: `http://127.0.0.1:${plan.port}` }),
        socketPath: plan.paths.appSocket,
        ...(late ? { waitsFor: `does not listen on port ${plan.port} yet` } : {}),
      };
    });
    const { shown } = this.#context.folder;
    const rows = await Promise.all(programs);
    const page = rows[0]?.url;
    return {
      programs: rows,
      notes: [...this.#manifests.notes, ...this.#warnings],
      commands: [
        ...(page === undefined ? [] : [`open ${page} in a browser`]),
        `${ownCommand} status ${shown}`,
      ],
    };
  }

  /** Ends everything in order and leaves nothing behind. Extra calls wait for the same end. */
  async stop(): Promise<void> {
    this.#ending ??= this.#end(orderly);
    return this.#ending;
  }

  /** Ends everything quickly: what was being started has failed. */
  async abandon(): Promise<void> {
    this.#ending ??= this.#end(hasty);
    return this.#ending;
  }

  /** Kills everything at once: the second Ctrl-C. */
  kill(): void {
    for (const replica of this.#replicas) replica.kill();
  }

  async #end({ drainMs, programMs, sidecarMs }: EndTimes): Promise<void> {
    this.#watch?.close();
    await this.#reloading;
    const each = (act: (replica: Replica) => Promise<void>): Promise<unknown> =>
      Promise.all(this.#replicas.map(act));
    if (drainMs > 0) {
      await each(async ({ addresses }) => {
        if (addresses?.ops !== undefined) await drainSidecar(addresses.ops, drainMs);
      });
    }
    await each((replica) => replica.stopProgram(programMs));
    await each((replica) => replica.stopSidecar(sidecarMs));
    removeStateFolder(this.#context.stateFolder);
  }

  #changed(changes: ReadonlySet<FolderChange>): void {
    if (changes.has("apps")) {
      this.#output.event("info", "apps.yaml changed: it takes effect at the next start");
    }
    if (changes.has("resources")) {
      this.#reloading = this.#reloading.then(() => this.#reload());
    }
  }

  async #reload(): Promise<void> {
    if (this.#ending !== undefined) return;
    const { folder, environment } = this.#context;
    try {
      const manifests = await loadManifests(folder.shown, environment);
      this.#warnings = checkAgainstApps(manifests, this.#loaded.apps);
      this.#manifests = manifests;
    } catch (error) {
      const reason = error instanceof LocalError ? error.message : String(error);
      for (const line of `${reason} What ran before goes on.`.split("\n")) {
        this.#output.event("error", line);
      }
      return;
    }
    const changed = this.#writeConfigs();
    this.record();
    const names = changed.length === 0 ? "nothing that runs" : changed.join(", ");
    this.#output.event("info", `manifests were read again: ${names} changed`);
  }

  /** @returns names of the replicas whose configuration is another than before. */
  #writeConfigs(): string[] {
    const changed: string[] = [];
    for (const { plan } of this.#replicas) {
      const text = nodeConfigYaml(nodeConfigOf(this.#manifests, plan));
      if (this.#configTexts.get(plan.name) === text) continue;
      this.#configTexts.set(plan.name, text);
      replaceFile(plan.paths.configFile, text);
      changed.push(plan.name);
    }
    return changed;
  }
}
