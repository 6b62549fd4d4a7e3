/** The pump of a host: its engine in the turns of this process. */
import { availableParallelism } from "node:os";
import { type TurnEngine, TurnPump, type TurnPumpComponents } from "../runtime/turn-pump.ts";
import { realTurns } from "../transport/index.ts";
import type { HostComponents } from "./host-components.ts";

/**
 * Inputs of one turn at most. Two programs that hand 64 items to and fro did 1.4 to 1.6 times as
 * many a second as with long turns, for both work at the same time; with one core for both they
 * cannot, and long turns did 1.2 times as many.
 */
const defaultInputsOfTurn = availableParallelism() > 1 ? 32 : 1_024;

/** @param own what the host does with effects and failures. */
export function hostPump<Input, Effect>(
  engine: TurnEngine<Input, Effect>,
  {
    clock,
    timers,
    links,
    turns = realTurns,
    maxInputsOfTurn = defaultInputsOfTurn,
  }: HostComponents,
  own: Pick<TurnPumpComponents<Input, Effect>, "perform" | "onFailure">,
): TurnPump<Input, Effect> {
  return new TurnPump(engine, {
    ...own,
    clock,
    timers,
    maxInputs: maxInputsOfTurn,
    afterTurn: (callback) => {
      turns.afterTurn(callback);
    },
    flush: () => {
      links.flush();
    },
  });
}
