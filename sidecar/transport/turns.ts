/** What is written in one turn of the event loop goes out together at its end. */
export interface Turns {
  /** Calls back once the running turn is over, before the next event. */
  afterTurn(callback: () => void): void;
}

/** Node's own turns. */
export const realTurns: Turns = {
  afterTurn: (callback) => {
    process.nextTick(callback);
  },
};
