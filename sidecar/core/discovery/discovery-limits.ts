/** Bounds of discovery; each is in docs/limits.md. */
export const discoveryLimits = {
  /** One packet, mark included: fits every link's MTU with room for tunnels. */
  packetBytes: 1_200,
  /** Packets of one round. Each holds at least 4 demands, so 1,000 demands fit. */
  packetsPerRound: 256,
  /** Demands believed of one node. */
  demandsPerNode: 1_000,
  /** Addresses announced or believed of one node. */
  addressesPerNode: 8,
  /** Characters of an address: an IPv6 address with its zone, or a host name. */
  addressLength: 64,
  /** Characters of a cluster, namespace, node or demand name. */
  nameLength: 63,
  /** Longest time that an announcement may be believed. */
  ttlMs: 600_000,
  /** Nodes in the list, and senders whose sequences are remembered. */
  nodes: 4_096,
} as const;
