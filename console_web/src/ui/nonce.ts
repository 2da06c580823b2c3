/** The nonce with which the page's content security policy allows the styles of the page's libraries. */
export function nonce(): string {
  return document.querySelector<HTMLMetaElement>("meta[name=csp-nonce]")?.content ?? "";
}
