/**
 * The carrier over WebTransport (HTTP/2, `@fails-components/webtransport` 1.6.8) with mutual TLS
 * 1.3. Invariant: this folder alone imports the package; nothing a peer sends ends the process.
 */
export { createWebTransportFactory, WebTransportFactory } from "./webtransport-factory.ts";
export type { WebTransportFactoryOptions } from "./webtransport-factory.ts";
export { readCredentials, selfSignedCredentials } from "./credentials.ts";
export type { CredentialOptions, PemSource } from "./credentials.ts";
export { refusalCodes } from "./refusal.ts";
export type { Refusal, RefusalCode } from "./refusal.ts";
