/** Metrics of multicast discovery. */
import { declareMetrics } from "../runtime/index.ts";

/** Declared here, registered where the process is wired. */
export const multicastMetrics = declareMetrics("sidecar/multicast", {
  packetsSent: {
    kind: "counter",
    name: "spillway_multicast_packets_sent_total",
    help: "Announcement packets sent, each counted once per interface and family.",
    labels: [],
  },
  packetsReceived: {
    kind: "counter",
    name: "spillway_multicast_packets_received_total",
    help: "Packets received on the group, our own echoes included.",
    labels: [],
  },
  announcementsRefused: {
    kind: "counter",
    name: "spillway_multicast_announcements_refused_total",
    help: "Received packets that were not believed, by reason.",
    labels: ["reason"],
  },
  errors: {
    kind: "counter",
    name: "spillway_multicast_errors_total",
    help: "Failed sends, joins and binds, by the system's error code.",
    labels: ["operation", "code"],
  },
  paths: {
    kind: "gauge",
    name: "spillway_multicast_paths",
    help: "Interfaces and families that announcements go out on now.",
    labels: [],
  },
});
