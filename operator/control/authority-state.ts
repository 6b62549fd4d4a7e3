/**
 * The authority as its Secret holds it, and what is due of its rotation.
 *
 * A rotation has three steps, so that no sidecar ever meets a certificate that it does not trust:
 *   1. a next authority is made; bundles hold both, the current one still signs;
 *   2. after the overlap, when every sidecar had time to fetch the bundle, the next one signs; the
 *      previous one stays in the bundles;
 *   3. when every certificate of the previous one has ended, it is dropped.
 */
import { X509Certificate } from "node:crypto";
import type { IssuedCertificate } from "../../sidecar/runtime/certificate.ts";
import { ControlError } from "./control-error.ts";

/** The authority of a cluster. */
export interface AuthorityState {
  /** Signs. */
  readonly current: IssuedCertificate;
  /** Will sign; trusted already. */
  readonly next?: IssuedCertificate & { readonly sinceMs: number };
  /** Signed before; still trusted. */
  readonly previous?: { readonly certificatePem: string; readonly untilMs: number };
  /** 32 bytes, base64: what the namespaces' announcement keys are derived from. */
  readonly announcementSecret: string;
}

/** When an authority is replaced. */
export interface RotationPolicy {
  /** How long an authority is good. */
  readonly authorityLifeMs: number;
  /** Age at which its replacement begins. */
  readonly rotateAfterMs: number;
  /** From the next one's making until it signs: longer than any sidecar may be out of touch. */
  readonly overlapMs: number;
  /** From then until the previous one is dropped: longer than the life of a leaf. */
  readonly trustPreviousMs: number;
}

/** What is due. `replace`: the current one ends soon and no next one is ready. */
export type RotationStep = "none" | "prepare" | "promote" | "drop" | "replace";

/** What is due now, and when to ask again. */
export interface RotationPlan {
  readonly step: RotationStep;
  /** Wall clock, ms since 1970. */
  readonly againAtMs: number;
}

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/**
 * A year, replaced after eight months; the overlap is above the 16 h that an operator may be away,
 * and the previous one is trusted an hour longer than a leaf of 24 h lives.
 */
export const defaultRotationPolicy: RotationPolicy = {
  authorityLifeMs: 365 * dayMs,
  rotateAfterMs: 240 * dayMs,
  overlapMs: dayMs,
  trustPreviousMs: dayMs + hourMs,
};

/** What is due of a rotation. Pure. @param nowMs wall clock, ms since 1970. */
export function planRotation(
  state: AuthorityState,
  policy: RotationPolicy,
  nowMs: number,
): RotationPlan {
  const { next, previous } = state;
  const current = validityOf(state.current.certificatePem);
  const replaceAtMs = current.endMs - policy.trustPreviousMs;
  // While leaves of the previous one may live, the next one waits: one rotation at a time.
  const promoteAtMs =
    next === undefined
      ? Infinity
      : Math.max(next.sinceMs + policy.overlapMs, previous?.untilMs ?? -Infinity);
  const prepareAtMs = next === undefined ? current.beginMs + policy.rotateAfterMs : Infinity;
  const dropAtMs = previous?.untilMs ?? Infinity;
  const due: readonly (readonly [RotationStep, number])[] = [
    ["drop", dropAtMs],
    ["promote", promoteAtMs],
    ["replace", replaceAtMs],
    ["prepare", prepareAtMs],
  ];
  const [step] = due.find(([, atMs]) => atMs <= nowMs) ?? ["none"];
  const againAtMs = Math.min(...due.map(([, atMs]) => atMs).filter((atMs) => atMs > nowMs));
  return { step, againAtMs };
}

/** The certificates to trust, PEM: the one that signs first. */
export function bundleOf({ current, next, previous }: AuthorityState): string {
  const all = [current.certificatePem, next?.certificatePem, previous?.certificatePem];
  return all.filter((pem) => pem !== undefined).join("");
}

/** As the Secret holds it. */
export function encodeAuthority(state: AuthorityState): Record<string, string> {
  const { current, next, previous } = state;
  return {
    "current.crt": current.certificatePem,
    "current.key": current.privateKeyPem,
    ...(next === undefined
      ? {}
      : {
          "next.crt": next.certificatePem,
          "next.key": next.privateKeyPem,
          "next.since": new Date(next.sinceMs).toISOString(),
        }),
    ...(previous === undefined
      ? {}
      : {
          "previous.crt": previous.certificatePem,
          "previous.until": new Date(previous.untilMs).toISOString(),
        }),
    "announcement.key": state.announcementSecret,
  };
}

/**
 * Reads what the Secret holds.
 * @throws {ControlError} `AUTHORITY_MALFORMED`; the message names the key of the data, never its
 *   value.
 */
export function decodeAuthority(data: Readonly<Record<string, string>>): AuthorityState {
  const current = {
    certificatePem: pem(data, "current.crt"),
    privateKeyPem: pem(data, "current.key"),
  };
  const next =
    data["next.crt"] === undefined
      ? {}
      : {
          next: {
            certificatePem: pem(data, "next.crt"),
            privateKeyPem: pem(data, "next.key"),
            sinceMs: time(data, "next.since"),
          },
        };
  const previous =
    data["previous.crt"] === undefined
      ? {}
      : {
          previous: {
            certificatePem: pem(data, "previous.crt"),
            untilMs: time(data, "previous.until"),
          },
        };
  const announcementSecret = data["announcement.key"] ?? "";
  if (Buffer.from(announcementSecret, "base64").length !== 32) {
    throw malformed("announcement.key", "is not 32 bytes in base64");
  }
  return { current, ...next, ...previous, announcementSecret };
}

/** Begin and end of a certificate, ms since 1970. */
export function validityOf(certificatePem: string): { beginMs: number; endMs: number } {
  const certificate = new X509Certificate(certificatePem);
  return {
    beginMs: certificate.validFromDate.getTime(),
    endMs: certificate.validToDate.getTime(),
  };
}

function pem(data: Readonly<Record<string, string>>, key: string): string {
  const text = data[key];
  if (text === undefined) throw malformed(key, "is missing");
  const kind = key.endsWith(".crt") ? "CERTIFICATE" : "PRIVATE KEY";
  if (!text.startsWith(`-----BEGIN ${kind}-----\n`)) throw malformed(key, `is no PEM of a ${kind}`);
  if (kind === "CERTIFICATE") {
    try {
      validityOf(text);
    } catch (cause) {
      throw malformed(key, "is no certificate", { cause });
    }
  }
  return text.endsWith("\n") ? text : `${text}\n`;
}

function time(data: Readonly<Record<string, string>>, key: string): number {
  const atMs = Date.parse(data[key] ?? "");
  if (Number.isNaN(atMs)) throw malformed(key, "is no time");
  return atMs;
}

function malformed(key: string, what: string, options?: ErrorOptions): ControlError {
  return new ControlError(
    "AUTHORITY_MALFORMED",
    `The authority's Secret can't be used: data["${key}"] ${what}. Restore the Secret from a ` +
      "backup, or delete it: a new authority is made then, and every sidecar must be restarted.",
    options,
  );
}
