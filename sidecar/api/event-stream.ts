/**
 * Server-sent events. Events wait as references and are rendered when the client takes them, so a
 * slow reader costs little memory; one that takes nothing for 30 s is cut off.
 * Source: html.spec.whatwg.org/multipage/server-sent-events.html.
 */
import type { ServerResponse } from "node:http";
import type { FastifyReply } from "fastify";
import type { Timers } from "../runtime/index.ts";
import { apiLimits } from "./limits.ts";
import type { ApiMetrics } from "./api-context.ts";

/** One event. */
export interface ServerEvent {
  readonly event: string;
  readonly id?: string;
  /** Sent as JSON, in one line. */
  readonly data: unknown;
}

/** What a stream works with. */
export interface EventStreamComponents {
  readonly timers: Timers;
  readonly metrics: ApiMetrics;
}

/** An answer that goes on. */
export class EventStream {
  readonly #raw: ServerResponse;
  readonly #components: EventStreamComponents;
  readonly #onClose: () => void;
  readonly #waiting: (() => ServerEvent)[] = [];
  #cancelComment: () => void = () => undefined;
  #cancelStall: () => void = () => undefined;
  #stalled = false;
  #closed = false;

  /** Takes the reply over and sends the head. `onClose` comes once, however the stream ends. */
  constructor(reply: FastifyReply, components: EventStreamComponents, onClose: () => void) {
    reply.hijack();
    this.#raw = reply.raw;
    this.#components = components;
    this.#onClose = onClose;
    this.#raw.once("close", () => {
      this.#close();
    });
    // A reset by the client is an end like any other.
    this.#raw.on("error", () => undefined);
    this.#raw.on("drain", () => {
      this.#resume();
    });
    this.#raw.writeHead(200, {
      "content-type": "text/event-stream",
      "cache-control": "no-store",
      connection: "keep-alive",
    });
    this.#raw.flushHeaders();
    this.#armComment();
  }

  /** @param render called when the client can take the event; never after the end. */
  push(render: () => ServerEvent): void {
    if (this.#closed) return;
    if (this.#waiting.length >= apiLimits.streamEvents) {
      this.#cutOff();
      return;
    }
    this.#waiting.push(render);
    if (!this.#stalled) this.#drain();
  }

  /** Ends the stream in order. Extra calls are harmless. */
  end(): void {
    if (this.#closed) return;
    this.#raw.end();
    this.#close();
  }

  #drain(): void {
    let taken = 0;
    for (const render of this.#waiting) {
      taken += 1;
      if (!this.#raw.write(textOf(render()))) {
        this.#stall();
        break;
      }
    }
    this.#waiting.splice(0, taken);
  }

  #stall(): void {
    this.#stalled = true;
    this.#cancelStall();
    this.#cancelStall = this.#components.timers.after(apiLimits.streamStallMs, () => {
      this.#cutOff();
    });
  }

  #resume(): void {
    this.#cancelStall();
    this.#stalled = false;
    if (!this.#closed) this.#drain();
  }

  #cutOff(): void {
    this.#components.metrics.cutOff.inc({ kind: "stream" });
    this.#raw.destroy();
    this.#close();
  }

  #armComment(): void {
    this.#cancelComment = this.#components.timers.after(apiLimits.streamCommentMs, () => {
      if (!this.#stalled && !this.#raw.write(": still here\n\n")) this.#stall();
      this.#armComment();
    });
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelComment();
    this.#cancelStall();
    this.#waiting.length = 0;
    this.#onClose();
  }
}

function textOf(event: ServerEvent): string {
  const id = event.id === undefined ? "" : `id: ${event.id}\n`;
  return `${id}event: ${event.event}\ndata: ${JSON.stringify(event.data)}\n\n`;
}

/** The open streams: bounds their number, ends them when the listener closes. */
export class StreamBook {
  readonly #components: EventStreamComponents;
  readonly #open = new Set<EventStream>();

  constructor(components: EventStreamComponents) {
    this.#components = components;
  }

  /** True when one more would be over the bound. */
  get full(): boolean {
    return this.#open.size >= apiLimits.streams;
  }

  /** Opens a stream on a reply. */
  open(reply: FastifyReply, onClose: () => void): EventStream {
    const stream = new EventStream(reply, this.#components, () => {
      this.#open.delete(stream);
      this.#count();
      onClose();
    });
    this.#open.add(stream);
    this.#count();
    return stream;
  }

  /** Ends every stream. */
  endAll(): void {
    for (const stream of [...this.#open]) stream.end();
  }

  #count(): void {
    this.#components.metrics.streams.set({}, this.#open.size);
  }
}
