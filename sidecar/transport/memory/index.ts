/** The in-process network: carriers without sockets. Invariant: no time, no chance, no I/O. */
export { MemoryNetwork, type MemoryNetworkOptions, type MemoryNode } from "./memory-network.ts";
