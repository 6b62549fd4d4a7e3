import { describeTransport } from "./suite.ts";
import { createWebTransportHarness } from "./webtransport-harness.ts";

describeTransport("WebTransport (HTTP/2, mutual TLS)", () => createWebTransportHarness());
