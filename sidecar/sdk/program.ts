/** One program: its configuration and the one backend that its Demands and Capabilities share. */
import { Config } from "./config.ts";
import { EmbeddedBackend } from "./embedded-backend/index.ts";
import { openNode } from "./embedded-backend/open-node.ts";
import { SidecarBackend } from "./sidecar-backend/index.ts";
import type { WarningListener } from "./warning.ts";
import type { WorkBackend } from "./work-backend.ts";

/** A hold on the backend. */
export interface BackendHold {
  readonly backend: WorkBackend;
  /** Lets go; the last one out closes the backend. Extra calls are harmless. */
  release(): Promise<void>;
}

/** What a Demand or Capability needs of its program. */
export interface Host {
  /** @throws {SdkError} `NOT_CONFIGURED`. */
  acquire(): BackendHold;
  readonly warn: WarningListener;
}

/** The Host of a real program. */
export class Program implements Host {
  readonly config = new Config();
  readonly warn: WarningListener = this.config.warn;
  #backend: WorkBackend | undefined;
  #holdCount = 0;

  acquire(): BackendHold {
    const backend = (this.#backend ??= this.#open());
    this.#holdCount += 1;
    let released = false;
    const release = async (): Promise<void> => {
      if (released) {
        return;
      }
      released = true;
      this.#holdCount -= 1;
      if (this.#holdCount === 0) {
        this.#backend = undefined;
        this.config.release();
        await backend.close();
      }
    };
    return { backend, release };
  }

  #open(): WorkBackend {
    const config = this.config.use();
    return config.mode === "sidecar"
      ? new SidecarBackend({ socketPath: config.socketPath, warn: this.warn })
      : new EmbeddedBackend({ config, warn: this.warn, openNode });
  }
}

/** The program that this process is. The seed's `CML.Config` is global, so this one is too. */
export const thisProgram = new Program();
