/**
 * The operator's process: its parts, and the order in which they start and end.
 *
 * Every replica follows the cluster, listens for sidecars and is ready; one leads and acts. Who
 * leads no more writes nothing: each write asks the Lease first, and the process ends.
 */
import { createMetrics, type Logger, type RootLogger, Shutdown } from "../sidecar/runtime/index.ts";
import { packageVersion } from "../sidecar/runtime/package-version.ts";
import {
  anyAddressOf,
  type ApiServerConfig,
  controlAddressOf,
  type OperatorConfig,
} from "./config.ts";
import { Authority, ControlPlane } from "./control/index.ts";
import {
  authoritySecret,
  OperatorLoops,
  SidecarsOfPlane,
  tokenReviews,
  TrustBundle,
} from "./controller/index.ts";
import {
  ApiClient,
  ApiError,
  type Credentials,
  EventRecorder,
  HealthServer,
  inClusterCredentials,
  kubeconfigCredentials,
  LeaderElection,
  type Log,
  realSurroundings,
  RuntimeMetrics,
  type Surroundings,
} from "./runtime/index.ts";

/** What an operator is started with besides its configuration. */
export interface OperatorComponents {
  readonly logger: RootLogger;
  /** It led and does not any more, not by its own will: the process must end at once. */
  readonly onLeadLost: () => void;
  /** It cannot go on; the error says why. */
  readonly onFailed: (error: unknown) => void;
}

/** While there is no authority yet, it is asked for again after this. */
const authorityRetryMs = 1_000;

/** Steps of the end; all of them together fit into the 30 s that a pod is given. */
const endMs = { loops: 12_000, events: 3_000, control: 4_000, lease: 5_000, other: 2_000 } as const;

/** A running operator. */
export class Operator {
  readonly #config: OperatorConfig;
  readonly #components: OperatorComponents;
  readonly #logger: Logger;
  readonly #surroundings: Surroundings;
  readonly #client: ApiClient;
  /** Writes only while this process leads. */
  readonly #guarded: ApiClient;
  readonly #election: LeaderElection;
  readonly #sidecars = new SidecarsOfPlane();
  /** Of the control stream; the runtime has its own. */
  readonly #metrics = createMetrics();
  readonly #loops: OperatorLoops;
  readonly #trustBundle: TrustBundle;
  readonly #healthServer: HealthServer;
  readonly #shutdown: Shutdown;
  #control: { readonly plane: ControlPlane; readonly authority: Authority } | undefined;
  #isLeading = false;
  #isEnding = false;

  private constructor(
    config: OperatorConfig,
    credentials: Credentials,
    components: OperatorComponents,
  ) {
    this.#config = config;
    this.#components = components;
    const { logger } = components;
    this.#logger = logger.forComponent("operator:main");
    this.#surroundings = realSurroundings(logOf(logger.forComponent("operator:runtime")));
    const metrics = new RuntimeMetrics();
    const shared = { surroundings: this.#surroundings, metrics };
    this.#client = ApiClient.connect(credentials, shared);
    this.#election = this.#candidate(metrics);
    this.#guarded = this.#client.guardedBy(this.#election.isLeader);
    const acting = { ...shared, client: this.#guarded };
    const recorder = new EventRecorder(
      { reportingController: "spillway.dev/operator", reportingInstance: config.podName },
      acting,
    );
    this.#loops = new OperatorLoops({ ...acting, sidecars: this.#sidecars, recorder });
    this.#trustBundle = new TrustBundle({
      client: this.#guarded,
      surroundings: this.#surroundings,
      namespace: config.namespace,
      operatorVersion: packageVersion(),
      bundlePem: () => this.#control?.authority.bundlePem ?? "",
    });
    this.#healthServer = this.#health(metrics);
    this.#shutdown = new Shutdown({ timers: this.#surroundings.timers, logger: this.#logger });
    this.#endSteps(recorder);
  }

  /**
   * Starts an operator. It is a candidate at once, and leads when it is elected.
   * @throws {ApiError} `CREDENTIALS_INVALID`; Node's errors of the health port.
   */
  static async start(config: OperatorConfig, components: OperatorComponents): Promise<Operator> {
    const credentials = await credentialsOf(config.apiServer);
    const operator = new Operator(config, credentials, components);
    await operator.#healthServer.listen();
    operator.#loops.watch();
    operator.#election.start();
    void operator.#openControl();
    return operator;
  }

  /**
   * Ends in order: acts no more, lets sidecars go, gives the lease back.
   * @returns whether every step ended well and in time.
   */
  end(reason: string): Promise<boolean> {
    this.#isEnding = true;
    this.#logger.info({ reason }, "ending");
    return this.#shutdown.run();
  }

  #candidate(metrics: RuntimeMetrics): LeaderElection {
    const { namespace, lease } = this.#config;
    return new LeaderElection(
      {
        ...lease,
        namespace,
        identity: controlAddressOf(this.#config),
        onElected: () => {
          this.#isLeading = true;
          this.#lead();
        },
        onLost: (why) => {
          this.#isLeading = false;
          if (why !== "released") this.#components.onLeadLost();
        },
        onLeaderChanged: () => {
          this.#follow();
        },
      },
      { client: this.#client, surroundings: this.#surroundings, metrics },
    );
  }

  #health(metrics: RuntimeMetrics): HealthServer {
    return new HealthServer({
      host: anyAddressOf(this.#config),
      port: this.#config.healthPort,
      readiness: {
        caches: () => (this.#loops.hasSynced ? undefined : "not every cache is whole yet"),
        control: () => (this.#control === undefined ? "its listener is not open yet" : undefined),
        ending: () => (this.#isEnding ? "this process ends" : undefined),
      },
      metrics: [metrics, this.#metrics],
    });
  }

  /** Last first: see `endMs`. */
  #endSteps(recorder: EventRecorder): void {
    const step = (name: string, timeoutMs: number, end: () => Promise<void> | void): void => {
      this.#shutdown.add({ name, timeoutMs, end });
    };
    step("connections to the API server", endMs.other, () => this.#client.close());
    step("health", endMs.other, () => this.#healthServer.close());
    step("lease", endMs.lease, () => this.#election.release());
    step("control stream", endMs.control, () => this.#control?.plane.close());
    step("events", endMs.events, () => recorder.stop());
    step("loops", endMs.loops, async () => {
      await Promise.all([this.#loops.stop(), this.#trustBundle.stop()]);
    });
  }

  /** The first leader makes the authority; the others wait until there is one. Never rejects. */
  async #openControl(): Promise<void> {
    try {
      const authority = await this.#authority();
      if (authority === undefined) return;
      const plane = await this.#controlPlane(authority);
      this.#control = { plane, authority };
      this.#sidecars.connect(plane);
      this.#follow();
      this.#lead();
    } catch (error) {
      this.#components.onFailed(error);
    }
  }

  async #authority(): Promise<Authority | undefined> {
    const { wallClock, timers } = this.#surroundings;
    const { clusterId, namespace } = this.#config;
    const secrets = authoritySecret(this.#guarded, namespace);
    while (!this.#isEnding) {
      try {
        return await Authority.open({ secrets, wallClock }, { clusterId });
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        // Who does not lead may not make it; while there is no API server nobody can.
        this.#logger.debug({ err: error }, "no authority yet; asked for again");
        await new Promise<void>((resolve) => {
          timers.after(authorityRetryMs, resolve);
        });
      }
    }
    return undefined;
  }

  async #controlPlane(authority: Authority): Promise<ControlPlane> {
    const { clock, wallClock, timers } = this.#surroundings;
    const { controlPort } = this.#config;
    return await ControlPlane.start(
      {
        authority,
        reviews: tokenReviews(this.#client),
        clock,
        wallClock,
        timers,
        log: this.#components.logger.forComponent("operator:control"),
        metrics: this.#metrics,
        onSidecarChange: (podUid) => {
          this.#sidecars.changed(podUid);
        },
        onBundleChange: () => {
          this.#trustBundle.changed();
        },
      },
      { listen: { host: anyAddressOf(this.#config), port: controlPort } },
    );
  }

  /** Acts, once this process leads and its control stream is open; whichever comes last. */
  #lead(): void {
    if (!this.#isLeading || this.#control === undefined || this.#isEnding) return;
    const { plane } = this.#control;
    plane.lead();
    void plane
      .tend()
      .catch((error: unknown) => {
        this.#logger.warn({ err: error }, "the authority was not looked after; later again");
      })
      .then(() => {
        this.#trustBundle.start();
      });
    this.#loops.lead().catch((error: unknown) => {
      if (!this.#isEnding) this.#components.onFailed(error);
    });
  }

  /** Says who leads to sidecars that come here. */
  #follow(): void {
    if (this.#isLeading) return;
    const { holder } = this.#election;
    this.#control?.plane.follow(holder === "" ? undefined : holder);
  }
}

function credentialsOf(apiServer: ApiServerConfig): Promise<Credentials> {
  return apiServer.from === "pod"
    ? inClusterCredentials(apiServer)
    : kubeconfigCredentials({ path: apiServer.path });
}

/** The runtime's field for a caught error has another name than ours. */
function logOf(logger: Logger): Log {
  const line =
    (write: Logger["info"]): Log["info"] =>
    ({ error, ...fields }, message) => {
      write(error === undefined ? fields : { ...fields, err: error }, message);
    };
  return { info: line(logger.info), warn: line(logger.warn), error: line(logger.error) };
}
