/** The provider's side: items are pulled when a slot is free, and worked on. */
import type { Message } from "@bufbuild/protobuf";
import type { LeaseVerb } from "../api/ports.ts";
import { descriptorSetOf, messageCodec, type MessageCodec } from "../wire/message-codec.ts";
import { Activity } from "./activity.ts";
import type { CapabilityFunction, CapabilityOptions, WorkContext } from "./capability-options.ts";
import { resolveGraceMs, type CloseOptions } from "./close-options.ts";
import { checkName, defaultName } from "./default-name.ts";
import { whole } from "./demand-options.ts";
import { decodeMessage } from "./outcome.ts";
import { thisProgram, type BackendHold, type Host } from "./program.ts";
import type { CapabilityLink, CapabilitySpec, Delivery } from "./work-backend.ts";
import { failureOf, RejectError, RetryableError } from "./work-error.ts";

/** An attempt under way. */
interface Attempt {
  readonly delivery: Delivery;
  readonly abort: AbortController;
  /** Nothing it does counts any more: cancelled, lost or given back. */
  ended: boolean;
}

/** Says that the function has ended on an item whose lease had ended before. */
const endedRelease: LeaseVerb = { verb: "release", reason: "The work on it was stopped." };

/** Does work of one type for every Demand that wants it. Starts at once. */
export class Capability<Req extends Message, Res extends Message> {
  /** Name in manifests and status. */
  readonly name: string;
  readonly #request: MessageCodec<Req>;
  readonly #response: MessageCodec<Res>;
  readonly #function: CapabilityFunction<Req, Res>;
  readonly #spec: CapabilitySpec;
  readonly #host: Host;
  readonly #hold: BackendHold;
  readonly #link: CapabilityLink;
  readonly #attempts = new Map<string, Attempt>();
  /** Ends with the last slot that pulls or works. */
  readonly #slots = new Activity();
  readonly #stopping = new AbortController();
  #closed: Promise<void> | undefined;

  /**
   * @param work does one item; up to `concurrency` of them run at once.
   * @param host the program it belongs to; tests pass their own.
   * @throws {SdkError} `INVALID_OPTION`, `NOT_CONFIGURED`.
   */
  constructor(
    options: CapabilityOptions<Req, Res>,
    work: CapabilityFunction<NoInfer<Req>, NoInfer<Res>>,
    host: Host = thisProgram,
  ) {
    const { request, response } = options;
    this.#request = messageCodec(request);
    this.#response = messageCodec(response);
    this.#function = work;
    this.name = checkName(options.name ?? defaultName(request.typeName));
    this.#spec = {
      name: this.name,
      contract: {
        request: request.typeName,
        response: response.typeName,
        descriptorSet: () => descriptorSetOf([request, response]),
      },
      concurrency: whole("concurrency", options.concurrency ?? 1, 1, 1_000),
      maxDemands: whole("maxDemands", options.maxDemands ?? 8, 1, 1_000),
    };
    this.#host = host;
    this.#hold = host.acquire();
    this.#link = this.#hold.backend.openCapability(this.#spec, {
      onLeaseEnded: (lease, reason) => this.#end(this.#attempts.get(lease), reason),
    });
    for (let slot = 0; slot < this.#spec.concurrency; slot += 1) {
      this.#slots.begin();
      void this.#workUntilStopped().finally(() => this.#slots.end());
    }
  }

  /**
   * Pulls no more, lets what runs finish within the grace, gives the rest back without an attempt
   * counted, aborting `ctx.signal`.
   * @throws {SdkError} `INVALID_OPTION`.
   */
  close(options: CloseOptions = {}): Promise<void> {
    const graceMs = resolveGraceMs(options);
    this.#closed ??= this.#close(graceMs);
    return this.#closed;
  }

  /** `close()` with the default grace, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(graceMs: number): Promise<void> {
    this.#stopping.abort();
    if (!(await this.#slots.whenIdle(graceMs))) {
      const reason = "The program that worked on it is ending.";
      const releases = [...this.#attempts.values()].map((attempt) => {
        this.#end(attempt, reason);
        return this.#link.settle(attempt.delivery.lease, { verb: "release", reason });
      });
      await Promise.all(releases);
    }
    await this.#link.close();
    await this.#hold.release();
  }

  /** One slot: takes an item, does it, takes the next. A slot that works asks for nothing. */
  async #workUntilStopped(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const delivery = await this.#link.pull(signal);
      if (delivery !== undefined) {
        // Also after the abort: what was taken in that moment runs within the grace.
        await this.#run(delivery);
      }
    }
  }

  async #run(delivery: Delivery): Promise<void> {
    const attempt: Attempt = { delivery, abort: new AbortController(), ended: false };
    this.#attempts.set(delivery.lease, attempt);
    try {
      const verb = await this.#attempt(attempt);
      // A result is told in any case: a queue takes it when the item was not granted again. What
      // else came of a lease that has ended counts no more, but only a verb frees the node's slot.
      const told = attempt.ended && verb.verb !== "complete" ? endedRelease : verb;
      await this.#settle(attempt, told);
    } finally {
      this.#attempts.delete(delivery.lease);
    }
  }

  /** Runs the function on one item. Never rejects. */
  async #attempt(attempt: Attempt): Promise<LeaseVerb> {
    let item: Req;
    try {
      item = decodeMessage(this.#request, attempt.delivery.request);
    } catch (error) {
      const message = `The item is no ${this.#request.typeName}: ${failureOf(error).message}`;
      return { verb: "reject", error: failureOf(new RejectError("INVALID_REQUEST", message)) };
    }
    try {
      const result = this.#response.create(await this.#function(item, this.#context(attempt)));
      return { verb: "complete", result: this.#response.toBinary(result) };
    } catch (error) {
      return this.#failed(attempt, error);
    }
  }

  #failed(attempt: Attempt, thrown: unknown): LeaseVerb {
    const error = failureOf(thrown);
    if (thrown instanceof RejectError) {
      return { verb: "reject", error };
    }
    if (thrown instanceof RetryableError) {
      const { delayMs } = thrown;
      return { verb: "fail", error, ...(delayMs === undefined ? {} : { delayMs }) };
    }
    if (!attempt.ended) {
      const { ticket, attempt: number } = attempt.delivery;
      const message = `Attempt ${number} at item ${ticket} of capability ${this.name} failed.`;
      this.#host.warn({ code: "ATTEMPT_FAILED", message, cause: thrown });
    }
    return { verb: "fail", error };
  }

  async #settle(attempt: Attempt, verb: LeaseVerb): Promise<void> {
    const { lease, ticket } = attempt.delivery;
    const answer = await this.#link.settle(lease, verb);
    if (answer.ok || attempt.ended) {
      return;
    }
    if (answer.code === "INVALID_PAYLOAD" || answer.code === "PAYLOAD_TOO_LARGE") {
      // The same input gives the same result again: no attempt could end otherwise.
      const error = failureOf(new RejectError(answer.code, answer.message));
      await this.#link.settle(lease, { verb: "reject", error });
      return;
    }
    const message = `What became of item ${ticket} could not be told: ${answer.message}`;
    this.#host.warn({ code: "RESULT_LOST", message });
  }

  #context(attempt: Attempt): WorkContext {
    const { lease, ticket, attempt: number, deadlineMs, traceparent } = attempt.delivery;
    return {
      signal: attempt.abort.signal,
      attempt: number,
      ticket,
      deadlineMs,
      traceparent,
      heartbeat: async (progress) => {
        const verb = {
          verb: "heartbeat",
          ...(progress === undefined ? {} : { progress }),
        } as const;
        const answer = await this.#link.settle(lease, verb);
        if (!answer.ok || answer.cancelled) {
          this.#end(attempt, answer.ok ? "The producer cancelled the item." : answer.message);
        }
      },
    };
  }

  #end(attempt: Attempt | undefined, reason: string): void {
    if (attempt !== undefined && !attempt.ended) {
      attempt.ended = true;
      attempt.abort.abort(new DOMException(reason, "AbortError"));
    }
  }
}
