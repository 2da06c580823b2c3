/** Return the nonce with which the page's content security policy allows the styles that the page's libraries add. */
export function nonce(): string {
  return document.querySelector<HTMLMetaElement>("meta[name=csp-nonce]")?.content ?? "";
}
