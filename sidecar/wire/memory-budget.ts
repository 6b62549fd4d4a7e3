/**
 * Memory for what peers sent and nobody has taken yet: parts of frames, parts of messages, messages
 * of held channels. One budget is shared by all sessions of a node, each with an account. When it
 * is used up, the session that holds most is ended, so that one peer cannot starve the others.
 */

/** The shared budget. */
export class MemoryBudget {
  readonly limitBytes: number;
  readonly #accounts = new Set<MemoryAccount>();
  #usedBytes = 0;

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  /** Bytes that are reserved now, over all accounts. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /**
   * Opens an account.
   * @param onRevoked called when this account held most while another one needed room: its owner
   *   closes it and ends its session. Called at most once.
   */
  open(onRevoked: () => void): MemoryAccount {
    const account = new MemoryAccount(this, onRevoked);
    this.#accounts.add(account);
    return account;
  }

  /** For accounts only. */
  take(account: MemoryAccount, sizeBytes: number): boolean {
    if (this.#usedBytes + sizeBytes > this.limitBytes && !this.#makeRoom(account, sizeBytes)) {
      return false;
    }
    this.#usedBytes += sizeBytes;
    return true;
  }

  /** For accounts only. */
  give(sizeBytes: number): void {
    this.#usedBytes -= sizeBytes;
  }

  /** For accounts only. */
  forget(account: MemoryAccount): void {
    this.#accounts.delete(account);
  }

  /** Ends other accounts, greatest first, while they hold more than the one that asks would. */
  #makeRoom(asking: MemoryAccount, sizeBytes: number): boolean {
    while (this.#usedBytes + sizeBytes > this.limitBytes) {
      let greatest: MemoryAccount | undefined;
      for (const account of this.#accounts) {
        if (account.usedBytes > (greatest?.usedBytes ?? -1)) greatest = account;
      }
      if (greatest === undefined || greatest === asking) return false;
      if (greatest.usedBytes <= asking.usedBytes + sizeBytes) return false;
      greatest.revoke();
    }
    return true;
  }
}

/** What one session has reserved. */
export class MemoryAccount {
  readonly #budget: MemoryBudget;
  readonly #onRevoked: () => void;
  #usedBytes = 0;
  #closed = false;

  /** Made by `MemoryBudget.open`. */
  constructor(budget: MemoryBudget, onRevoked: () => void) {
    this.#budget = budget;
    this.#onRevoked = onRevoked;
  }

  /** Bytes that this account has reserved. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** @returns false when the budget has no room for it: the session is to be ended. */
  reserve(sizeBytes: number): boolean {
    if (this.#closed || !this.#budget.take(this, sizeBytes)) return false;
    this.#usedBytes += sizeBytes;
    return true;
  }

  /** Gives back; harmless after `close`. */
  release(sizeBytes: number): void {
    if (this.#closed) return;
    this.#usedBytes -= sizeBytes;
    this.#budget.give(sizeBytes);
  }

  /** Gives everything back, for good. */
  close(): void {
    if (this.#closed) return;
    this.release(this.#usedBytes);
    this.#closed = true;
    this.#budget.forget(this);
  }

  /** For the budget only: takes everything away, then tells the owner. */
  revoke(): void {
    this.close();
    this.#onRevoked();
  }
}
