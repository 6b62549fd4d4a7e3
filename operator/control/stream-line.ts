import { create } from "@bufbuild/protobuf";
import {
  type AttachResponse,
  AttachResponseSchema,
  type Refusal,
} from "../../proto/gen/spillway/control/v1/control_pb.ts";
import type { Answer } from "./session.ts";

/**
 * The writing end of one stream: asks for the next message when the last one is written, and sleeps
 * when there is none. It decides nothing and holds no message.
 */
export class StreamLine {
  #isAwake = false;
  #ended: Refusal | "closed" | undefined;
  #resume: (() => void) | undefined;

  /** There may be something to take. */
  wake(): void {
    this.#isAwake = true;
    this.#resume?.();
  }

  /** Ends the stream with an error. */
  end(refusal: Refusal): void {
    this.#ended ??= refusal;
    this.#resume?.();
  }

  /** Ends the stream: the other side is gone. */
  close(): void {
    this.#ended ??= "closed";
    this.#resume?.();
  }

  /**
   * What is to be written, in order.
   * @param take the next message; undefined: none now.
   * @returns what ended it; undefined: the other side is gone.
   */
  async *messages(
    take: () => Answer | undefined,
  ): AsyncGenerator<AttachResponse, Refusal | undefined> {
    for (;;) {
      if (this.#ended !== undefined) return this.#ended === "closed" ? undefined : this.#ended;
      this.#isAwake = false;
      const kind = take();
      if (kind !== undefined) yield create(AttachResponseSchema, { kind });
      else await this.#sleep();
    }
  }

  async #sleep(): Promise<void> {
    await new Promise<void>((resolve) => {
      if (this.#isAwake || this.#ended !== undefined) resolve();
      else this.#resume = resolve;
    });
    this.#resume = undefined;
  }
}
