/**
 * Order of resource versions. Since Kubernetes 1.35 the versions of one resource may be compared as
 * numbers; servers that make other ones exist, and are left in peace. Source: KEP-5504.
 */

/** Digits without a leading zero: a length says more than a digit, and no number is too great. */
const number = /^[1-9]\d*$/;

/**
 * @returns whether a version is certainly not newer than another: equal, or a smaller number. False
 *   for versions that are no numbers, and where one is missing.
 */
export function isNotNewer(version: string | undefined, than: string | undefined): boolean {
  if (version === undefined || than === undefined || version === "" || than === "") return false;
  if (version === than) return true;
  if (!number.test(version) || !number.test(than)) return false;
  return version.length === than.length ? version < than : version.length < than.length;
}
