import { declareMetrics } from "../runtime/index.ts";

/** Metrics of the sidecar's end of the control stream. */
export const controlMetrics = declareMetrics("sidecar/control", {
  attached: {
    kind: "gauge",
    name: "spillway_control_attached",
    help: "1 while the operator is at the other end of the control stream.",
    labels: [],
  },
  openings: {
    kind: "counter",
    name: "spillway_control_openings_total",
    help: "Control streams that were opened or tried.",
    labels: [],
  },
  certificates: {
    kind: "counter",
    name: "spillway_control_certificates_total",
    help: "Certificates that the operator issued, by whether they could be used.",
    labels: ["result"],
  },
});
