/** The control stream as the loops see it; it opens only after the loops are made. */
import type { ControlPlane, PodAssignment } from "../control/index.ts";
import type { Sidecars, SidecarState } from "./ports.ts";

/** What of a control plane is used. */
export type SidecarPlane = Pick<ControlPlane, "assign" | "release" | "quiesce" | "sidecar">;

/** Hands calls on to the control plane once there is one. */
export class SidecarsOfPlane implements Sidecars {
  #plane: SidecarPlane | undefined;
  readonly #handlers: ((podUid: string) => void)[] = [];

  /** The control stream is open. */
  connect(plane: SidecarPlane): void {
    this.#plane = plane;
  }

  /** To be called by the control plane when a sidecar's state changed. */
  changed(podUid: string): void {
    for (const handler of this.#handlers) handler(podUid);
  }

  assign(assignment: PodAssignment): void {
    this.#plane?.assign(assignment);
  }

  release(podUid: string): void {
    this.#plane?.release(podUid);
  }

  quiesce(podUid: string, capabilityUids: readonly string[], ttlMs: number): void {
    this.#plane?.quiesce(podUid, capabilityUids, ttlMs);
  }

  stateOf(podUid: string): SidecarState | undefined {
    return this.#plane?.sidecar(podUid);
  }

  onChange(handler: (podUid: string) => void): void {
    this.#handlers.push(handler);
  }
}
