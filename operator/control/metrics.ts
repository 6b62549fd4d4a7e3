import { declareMetrics, type Handles } from "../../sidecar/runtime/index.ts";

/** Metrics of the operator's end of the control stream. */
export const controlPlaneMetrics = declareMetrics("operator/control", {
  streams: {
    kind: "gauge",
    name: "spillway_operator_control_streams",
    help: "Control streams that are open; 0 at an operator that does not lead.",
    labels: [],
  },
  reviews: {
    kind: "counter",
    name: "spillway_operator_control_reviews_total",
    help:
      "Tokens that were judged: accepted, refused, limited or unavailable by a " +
      "review, or remembered without one.",
    labels: ["result"],
  },
  certificates: {
    kind: "counter",
    name: "spillway_operator_control_certificates_total",
    help:
      "Certificate requests that were answered: issued, refused for what they hold, " +
      "or failed.",
    labels: ["result"],
  },
  refusals: {
    kind: "counter",
    name: "spillway_operator_control_refusals_total",
    help: "Refusals that were told to sidecars, whether the stream ended or went on, by " + "code.",
    labels: ["code"],
  },
  messages: {
    kind: "counter",
    name: "spillway_operator_control_messages_total",
    help: "Messages given to streams, by kind; a snapshot is a delta without a base.",
    labels: ["kind"],
  },
  messageBytes: {
    kind: "counter",
    name: "spillway_operator_control_message_bytes_total",
    help: "Encoded size of these messages, before HTTP/2 and TLS.",
    labels: ["kind"],
  },
  unacknowledged: {
    kind: "gauge",
    name: "spillway_operator_control_unacknowledged_resources",
    help:
      "Resources of attached sidecars whose generation of now the sidecar has not " +
      "answered, each counted once per sidecar.",
    labels: [],
  },
  generationLag: {
    kind: "gauge",
    name: "spillway_operator_control_generation_lag",
    help:
      "Generations that the attached sidecar furthest behind has to catch up on, of " +
      "the resource it is furthest behind with.",
    labels: [],
  },
});

/** The registered metrics of `controlPlaneMetrics`. */
export type ControlPlaneHandles = Handles<(typeof controlPlaneMetrics)["declarations"]>;

/** What became of a token: a label's value. */
export type ReviewResult = "accepted" | "refused" | "limited" | "unavailable" | "remembered";

/** What became of a certificate request: a label's value. */
export type CertificateResult = "issued" | "refused" | "failed";
