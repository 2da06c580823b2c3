/** Return the nonce that lets the page's libraries add styles under the page's content security policy. */
export function nonce(): string {
  return document.querySelector<HTMLMetaElement>("meta[name=csp-nonce]")?.content ?? "";
}
