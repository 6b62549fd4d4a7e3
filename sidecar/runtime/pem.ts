/** PEM texts that hold several certificates. */

/**
 * Splits a text into its certificates. Node, given a joined text, silently loses what follows a
 * missing newline.
 * @returns one PEM each, with a final newline; none when the text holds none.
 */
export function splitCertificates(pem: string): string[] {
  const blocks = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;
  return [...pem.matchAll(blocks)].map(([block]) => `${block}\n`);
}
