/** The nonce that makes the page's policy accept the styles of its libraries. */
export function nonce(): string {
  return document.querySelector<HTMLMetaElement>("meta[name=csp-nonce]")?.content ?? "";
}
