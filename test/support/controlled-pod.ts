/** A sidecar that an operator tells what to be, in this process, with the files of its pod. */
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import {
  ControlledSidecar,
  type ControlledSidecarOptions,
} from "../../sidecar/controlled-sidecar.ts";
import { createLogger } from "../../sidecar/runtime/index.ts";
import type { FakeOperator, ToldConfig } from "./fake-operator.ts";
import { echoDescriptorSet } from "./node-cluster.ts";
import { type SocketAnswer, type SocketCall, socketCall } from "./socket-client.ts";
import { temporaryFolder } from "./temporary-folder.ts";

/** A pod's place: what outlives its sidecar. */
export class ControlledPod {
  readonly nodeId: string;
  readonly folder = temporaryFolder();
  readonly #operator: { readonly address: string; readonly trustBundlePem: string };
  #sidecar: ControlledSidecar | undefined;

  constructor(nodeId: string, operator: Pick<FakeOperator, "address" | "trustBundlePem">) {
    this.nodeId = nodeId;
    this.#operator = operator;
    this.writeToken(1);
    writeFileSync(this.#file("bundle.pem"), operator.trustBundlePem);
    onTestFinished(() => this.stop());
  }

  get sidecar(): ControlledSidecar {
    if (this.#sidecar === undefined) throw new Error(`${this.nodeId} does not run`);
    return this.#sidecar;
  }

  get stateFolder(): string {
    return this.#file("state");
  }

  /** As the kubelet does: a new token in the same file. */
  writeToken(token: number | string): void {
    const text = typeof token === "string" ? token : `test/${this.nodeId}/${String(token)}`;
    writeFileSync(this.#file("token"), text);
  }

  /** Starts the sidecar; the rest of its start is `sidecar.ready()`. */
  async start(over: Partial<ControlledSidecarOptions> = {}): Promise<ControlledSidecar> {
    const free = { host: "127.0.0.1", port: 0 };
    this.#sidecar = await ControlledSidecar.start(
      {
        control: this.#operator.address,
        tokenFile: this.#file("token"),
        trustBundleFile: this.#file("bundle.pem"),
        stateFolder: this.stateFolder,
        podIps: ["127.0.0.1"],
        peerPort: 0,
        multicast: false,
        appSocket: this.#file("app.sock"),
        admin: free,
        ops: free,
        readyFile: "",
        sidecarVersion: "test",
        failed: (error) => {
          throw error;
        },
        ...over,
      },
      createLogger({ level: process.env.SIDECAR_LOG === undefined ? "fatal" : "debug" }),
    );
    return this.#sidecar;
  }

  /** Ends the sidecar as SIGKILL would, as far as one process can: no drain. */
  async stop(): Promise<void> {
    const sidecar = this.#sidecar;
    this.#sidecar = undefined;
    await sidecar?.end("the test ends it", { drain: false });
  }

  /** Calls the application's interface. */
  call(call: SocketCall): Promise<SocketAnswer> {
    return socketCall(this.#file("app.sock"), call);
  }

  /** Adds an item to the demand `echo`. @returns its ticket. */
  async add(size: number): Promise<string> {
    const answer = await this.call({
      method: "POST",
      path: "/v1/demands/echo/items",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ size }),
    });
    if (answer.status >= 300) throw new Error(answer.text);
    return (JSON.parse(answer.text) as { ticket: string }).ticket;
  }

  /** Takes one item of the capability `echo` and completes it with its size doubled. */
  async work(): Promise<void> {
    const pulled = await this.call({
      method: "POST",
      path: "/v1/capabilities/echo/pull",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ max: 1, wait: "10s" }),
    });
    const { items } = JSON.parse(pulled.text) as {
      items: { lease: string; request: { size: number } }[];
    };
    const [item] = items;
    if (item === undefined) throw new Error(`nothing to pull: ${pulled.text}`);
    const done = await this.call({
      method: "POST",
      path: `/v1/leases/${item.lease}/complete`,
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ size: item.request.size * 2 }),
    });
    if (done.status >= 300) throw new Error(done.text);
  }

  /** Waits for the result of an item. */
  async result(ticket: string): Promise<unknown> {
    const answer = await this.call({ path: `/v1/items/${ticket}?wait=10s` });
    return (JSON.parse(answer.text) as { outcome?: { result?: unknown } }).outcome?.result;
  }

  #file(name: string): string {
    return join(this.folder, name);
  }
}

/** What makes a pod a producer, a provider or both of `echo`. */
export interface EchoRoles {
  readonly demand?: boolean;
  readonly capability?: boolean;
  /** Of the demand. @default 10 */
  readonly maxProviders?: number;
}

/** Demand and Capability `echo`, as the operator tells them. */
export function echoConfig(roles: EchoRoles, generation = 1n): ToldConfig {
  const content = echoDescriptorSet();
  const hash = createHash("sha256").update(content).digest("hex");
  const contract = { request: "echo.v1.Ask", response: "echo.v1.Answer", descriptorSet: hash };
  const { maxProviders = 10 } = roles;
  const demand = {
    resource: { uid: "demand-uid", generation },
    config: { name: "echo", contract, maxProviders },
  };
  const capability = {
    resource: { uid: "capability-uid", generation },
    config: { name: "echo", contract },
  };
  return {
    descriptorSets: [{ $typeName: "spillway.control.v1.DescriptorSet", hash, content }],
    demands: roles.demand === true ? [demand] : [],
    capabilities: roles.capability === true ? [capability] : [],
  };
}
