/** The nonce with which the page's policy accepts the styles of its libraries. */
export function nonce(): string {
  return document.querySelector<HTMLMetaElement>("meta[name=csp-nonce]")?.content ?? "";
}
