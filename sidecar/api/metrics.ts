import { declareMetrics } from "../runtime/index.ts";

/** What the HTTP interfaces count. */
export const apiMetrics = declareMetrics("sidecar/api", {
  requests: {
    kind: "counter",
    name: "spillway_api_requests_total",
    help: "Answered calls of the application interface.",
    labels: ["route", "method", "status"],
  },
  streams: {
    kind: "gauge",
    name: "spillway_api_streams",
    help: "Open event streams of applications.",
    labels: [],
  },
  cutOff: {
    kind: "counter",
    name: "spillway_api_clients_cut_off_total",
    help: "Clients that were cut off because they did not take an answer or an event in time.",
    labels: ["kind"],
  },
  pushed: {
    kind: "counter",
    name: "spillway_push_deliveries_total",
    help: "Items pushed to the application, by what became of them.",
    labels: ["capability", "verb"],
  },
  pushAccepting: {
    kind: "gauge",
    name: "spillway_push_accepting",
    help: "1 while the application's port accepts items, else 0.",
    labels: ["capability"],
  },
});
