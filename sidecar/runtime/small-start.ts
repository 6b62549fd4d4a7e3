/**
 * Keeps the young generation small while the process starts. Loading modules makes garbage fast,
 * and V8 answers by growing the young generation to 16 MiB and more, which an idle process then
 * keeps: 28 MB of 74 MB anonymous memory (npm run bench -- sidecar). Some time after the start,
 * when the first calls have compiled what they need, it may grow as load asks for.
 * Imported first by a main file, for its effect; `v8.setFlagsFromString` after the start of the VM
 * is documented as unsafe for flags that the running VM relies on; a growth factor is read at each
 * growth.
 */
import { setFlagsFromString } from "node:v8";

setFlagsFromString("--semi-space-growth-factor=1");

/** A process under load from its first second waits this long for a larger young generation. */
const settleMs = 10_000;

/** To be called once the process is ready. */
export function startIsOver(): void {
  setTimeout(() => {
    setFlagsFromString("--semi-space-growth-factor=2");
  }, settleMs).unref();
}
