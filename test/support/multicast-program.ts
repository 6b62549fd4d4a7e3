/**
 * A node of `multicast-rig.ts` as a process: options as JSON in the one argument, every change of
 * its neighbours as a JSON line, goodbye on SIGTERM.
 */
import { createMulticastRig, type MulticastRigOptions } from "./multicast-rig.ts";

/** One line of the program's output. */
export interface MulticastProgramLine {
  readonly type: "started" | "appeared" | "changed" | "vanished" | "refused";
  /** Since the start of discovery. */
  readonly afterMs: number;
  readonly nodeId?: string;
  /** Addresses of the neighbour. */
  readonly hosts?: readonly string[];
}

if (process.argv[2] !== undefined) {
  const options = JSON.parse(process.argv[2]) as MulticastRigOptions;
  const startedAtMs = performance.now();
  const print = (line: Omit<MulticastProgramLine, "afterMs">): void => {
    const afterMs = performance.now() - startedAtMs;
    process.stdout.write(`${JSON.stringify({ ...line, afterMs })}\n`);
  };
  const fingerprint = new Uint8Array(32);
  const rig = createMulticastRig({ ...options, fingerprint }, (effect) => {
    if (effect.type === "appeared" || effect.type === "changed") {
      const { nodeId, endpoints } = effect.neighbour;
      print({ type: effect.type, nodeId, hosts: endpoints.map((e) => e.host) });
    } else print({ type: effect.type, nodeId: effect.nodeId });
  });
  process.once("SIGTERM", () => void rig.stop());
  await rig.start();
  print({ type: "started" });
}
