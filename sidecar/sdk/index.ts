/**
 * The package `spillway`: what a TypeScript program works with. A Demand sends items and gets their
 * outcomes, a Capability does the work; both run through a sidecar (`CML.Config.useSidecar`) or on
 * a node in this process. Nothing here reads the environment.
 */
export { CML } from "./cml.ts";
export { Capability } from "./capability.ts";
export { Demand } from "./demand.ts";
export { SdkError } from "./sdk-error.ts";
export { RejectError, RetryableError } from "./work-error.ts";
export type { CapabilityFunction, CapabilityOptions, WorkContext } from "./capability-options.ts";
export type { CloseOptions } from "./close-options.ts";
export type { Config, Credentials, MulticastOptions } from "./config.ts";
export type { HandlerContext, OutcomeHandler, WorkItemOptions } from "./demand.ts";
export type { DemandOptions } from "./demand-options.ts";
export type { ApplicationError, Outcome, SystemError } from "./outcome.ts";
export type { ItemRefusal, SdkErrorCode } from "./sdk-error.ts";
export type { Ticket } from "./ticket.ts";
export type { SdkWarning, WarningCode, WarningListener } from "./warning.ts";
export type { WorkErrorOptions } from "./work-error.ts";
