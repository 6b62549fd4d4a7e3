import { SdkError } from "./sdk-error.ts";

const namePattern = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const nameLimit = 63;

/**
 * Name of a Demand or Capability that was given none: its request message's name without the
 * package, in kebab-case, at most 63 characters. `acme.v1.MyHTTPMessage` gives `my-http-message`.
 */
export function defaultName(requestTypeName: string): string {
  const simple = requestTypeName.slice(requestTypeName.lastIndexOf(".") + 1);
  return simple
    .replace(/([a-z0-9])([A-Z])/g, "$1-$2")
    .replace(/([A-Z])([A-Z][a-z])/g, "$1-$2")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, nameLimit)
    .replace(/^-+|-+$/g, "");
}

/** @throws {SdkError} `INVALID_OPTION` when the name is not one that a manifest can have. */
export function checkName(name: string): string {
  if (!namePattern.test(name) || name.length > nameLimit) {
    throw new SdkError(
      "INVALID_OPTION",
      `name "${name.slice(0, 80)}" is not allowed: at most ${nameLimit} of a-z, 0-9 and -, ` +
        "beginning and ending with a letter or digit.",
    );
  }
  return name;
}
