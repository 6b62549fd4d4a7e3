/** The pump of a host: its engine in the turns of this process. */
import { type TurnEngine, TurnPump, type TurnPumpComponents } from "../runtime/turn-pump.ts";
import { realTurns } from "../transport/index.ts";
import type { HostComponents } from "./host-components.ts";

/** @param own what the host does with effects and failures. */
export function hostPump<Input, Effect>(
  engine: TurnEngine<Input, Effect>,
  { clock, timers, links, turns = realTurns }: HostComponents,
  own: Pick<TurnPumpComponents<Input, Effect>, "perform" | "onFailure">,
): TurnPump<Input, Effect> {
  return new TurnPump(engine, {
    ...own,
    clock,
    timers,
    afterTurn: (callback) => {
      turns.afterTurn(callback);
    },
    flush: () => {
      links.flush();
    },
  });
}
