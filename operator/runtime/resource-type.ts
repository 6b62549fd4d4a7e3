/**
 * Objects of the API and where they live. A resource type is data: nothing is generated, and custom
 * resources are like any other.
 */
import { ApiError } from "./api-error.ts";

/** Who owns an object. Source: Kubernetes API, `meta/v1` OwnerReference. */
export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

/** What every object carries. Source: Kubernetes API, `meta/v1` ObjectMeta. */
export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  /** Counts changes of the spec; status changes do not count. */
  readonly generation?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly ownerReferences?: readonly OwnerReference[];
  readonly finalizers?: readonly string[];
}

/** Any object of the API. Types of resources extend it. */
export interface ApiObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: ObjectMeta;
}

/** A kind of object and its place in the API. */
export interface ResourceType<T extends ApiObject = ApiObject> {
  /** API group; "" for the core group. */
  readonly group: string;
  /** Version, for example `v1`. */
  readonly version: string;
  /** Name in paths, for example `deployments`. */
  readonly plural: string;
  /** Kind, for example `Deployment`. */
  readonly kind: string;
  /** Whether its objects live in namespaces. */
  readonly namespaced: boolean;
  /**
   * Whether a value is such an object: looks at its metadata; the rest is the API server's word.
   */
  readonly matches: (value: unknown) => value is T;
}

/** What `resourceType` needs to be told. */
export type ResourceTypeOptions = Omit<ResourceType, "matches">;

/** @returns whether a value is a record; an array is not. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** @returns whether a value has the metadata that every stored object has. */
export function isApiObject(value: unknown): value is ApiObject {
  return isRecord(value) && isRecord(value.metadata) && typeof value.metadata.name === "string";
}

/**
 * Declares a type of resource.
 * @example resourceType<Deployment>({ group: "apps", version: "v1", plural: "deployments",
 *   kind: "Deployment", namespaced: true })
 */
export function resourceType<T extends ApiObject>(options: ResourceTypeOptions): ResourceType<T> {
  return { ...options, matches: (value): value is T => isApiObject(value) };
}

/** @returns the `apiVersion` of its objects, for example `apps/v1`. */
export function apiVersionOf(type: ResourceTypeOptions): string {
  return type.group === "" ? type.version : `${type.group}/${type.version}`;
}

/** A collection or one object in it. */
export interface ResourcePlace {
  /** Absent: all namespaces, or a resource without namespaces. */
  readonly namespace?: string | undefined;
  /** Absent: the collection. */
  readonly name?: string | undefined;
  /** For example `status`, `scale`. */
  readonly subresource?: string | undefined;
}

/**
 * The path of a collection, an object or its subresource.
 * @throws {ApiError} `OPTION_INVALID` for an object of a namespaced type without its namespace, a
 *   namespace for a type that has none, or an empty part: each would name something else.
 */
export function resourcePath(type: ResourceTypeOptions, place: ResourcePlace): string {
  const { namespace, name, subresource } = place;
  const refuse = (what: string): never => {
    throw new ApiError("OPTION_INVALID", `${type.kind}: ${what}`);
  };
  if (namespace === "" || name === "" || subresource === "") {
    refuse("namespace, name and subresource are absent or not empty");
  }
  if (!type.namespaced && namespace !== undefined) refuse("has no namespace; leave it out");
  if (type.namespaced && name !== undefined && namespace === undefined) {
    refuse(`the object ${name} is named without its namespace; add it`);
  }
  if (subresource !== undefined && name === undefined) refuse("a subresource needs a name");
  const root = type.group === "" ? "/api" : `/apis/${type.group}`;
  const parts = [
    ...(namespace === undefined ? [] : ["namespaces", namespace]),
    type.plural,
    ...(name === undefined ? [] : [name]),
    ...(subresource === undefined ? [] : [subresource]),
  ];
  return `${root}/${type.version}/${parts.map(encodeURIComponent).join("/")}`;
}

/** @returns `namespace/name`, or the name alone where there is no namespace: the key of queues. */
export function keyOf(object: { readonly metadata: ObjectMeta }): string {
  const { namespace, name } = object.metadata;
  // Joined, it is one flat text; put together, it is a tree of its parts, and keys are kept.
  return namespace === undefined ? name : [namespace, name].join("/");
}

/** @returns the parts of a key that `keyOf` made. */
export function splitKey(key: string): { readonly namespace?: string; readonly name: string } {
  const at = key.indexOf("/");
  return at < 0 ? { name: key } : { namespace: key.slice(0, at), name: key.slice(at + 1) };
}
