/**
 * What Demand, Capability and apps.yaml may hold: the one source of validation, types, defaults and
 * CRDs and the reference of resources. A bad document is answered with sentences
 * that name field, value, bound and remedy.
 * Invariant: pure; knows no file, no YAML and no protobuf. Imported by everything in operator/.
 * Every schema stays structural: no unions, every list, map and text bounded, every field
 * described.
 */
export { apiGroup, apiVersion } from "./resource.ts";
export { maxReplicasOfFolder } from "./apps.ts";
export type { App } from "./apps.ts";
export type { Capability } from "./capability.ts";
export type { Contract } from "./contract.ts";
export { maxDescriptorSetBytes } from "./contract.ts";
export type { CapabilityStatus } from "./capability-status.ts";
export { notCarriedOut } from "./carried-out.ts";
export type { NotCarriedOut } from "./carried-out.ts";
export { conditionReasons, conditionTypes } from "./conditions.ts";
export type { ConditionReason, ConditionType } from "./conditions.ts";
export type { Demand } from "./demand.ts";
export type { DemandStatus } from "./demand-status.ts";
export { check, schemas } from "./check.ts";
export type { Checked } from "./check.ts";
export { customResourceDefinition, definedKinds } from "./crd.ts";
export type { CustomResourceDefinition, DefinedKind } from "./crd.ts";
export { durationMs } from "./duration.ts";
export { quantityBytes } from "./quantity.ts";
export { fieldText, refusalText } from "./refusal.ts";
export type { FieldRefusal } from "./refusal.ts";
export type { FieldPath } from "./schema-document.ts";
export { nearestName } from "./nearest-name.ts";
export { selects } from "./selector.ts";
export type { Selector } from "./selector.ts";
export type { Condition } from "./status.ts";
export {
  readCapability,
  readCapabilityStatus,
  readDemand,
  readDemandStatus,
} from "./stored.ts";
export type {
  ReadStored,
  Stored,
  StoredCapability,
  StoredDemand,
  StoredMetadata,
} from "./stored.ts";
