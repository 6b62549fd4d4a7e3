/** Why an announcement was not believed. The order of the list is the order of the checks. */
export const announcementRefusals = [
  /** Longer than one packet may be. */
  "OVERSIZE",
  /** Not the bytes of an announcement, or a field outside its bounds. */
  "MALFORMED",
  /** A layout that this version does not know. */
  "UNKNOWN_VERSION",
  /** Names another cluster; looked at before the mark, since another cluster has another key. */
  "OTHER_CLUSTER",
  /** Names another namespace of this cluster. */
  "OTHER_NAMESPACE",
  /** Not marked with this cluster's key for this namespace. */
  "BAD_MARK",
  /** Another start of this node, or another node that uses its id. */
  "OWN_NODE_ID",
  /** The node has started anew since. */
  "OLD_INCARNATION",
  /** First packet heard of a start, and its clock differs by more than the window. */
  "TIME_WINDOW",
  /** The bounded table of senders is full. */
  "TOO_MANY_NODES",
  /** This very packet was taken already: it came over two interfaces, or is replayed. */
  "DUPLICATE",
  /** Older than the window of sequences: replayed, or very late. */
  "REPLAYED",
] as const;

/** One reason of the closed list; also the value of the counter's label. */
export type AnnouncementRefusal = (typeof announcementRefusals)[number];
