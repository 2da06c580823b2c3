/** Hash routes: `#/glue/databases/customerdb` shows the page of the area `glue` whose pattern matches the path. */

import type { ComponentChildren, VNode } from "preact";
import { createContext } from "preact";
import { useContext, useLayoutEffect, useState } from "preact/hooks";

export interface Route {
  /** A path with parameters, such as `/glue/databases/:database`. */
  path: string;
  title: string;
  render: (params: Record<string, string>, query: URLSearchParams) => VNode;
}

/** The navigation entries of an area that has its own navigation. */
export interface NavEntry {
  title: string;
  path: string;
}

export interface Location {
  path: string;
  query: URLSearchParams;
  /** The number of addresses that were opened before this one. */
  visit: number;
}

export function parseHash(hash: string): Omit<Location, "visit"> {
  const [path = "/", query = ""] = hash.replace(/^#/, "").split("?", 2);
  return { path: path || "/", query: new URLSearchParams(query) };
}

const Current = createContext<Location>({ path: "/", query: new URLSearchParams(), visit: 0 });

export function LocationProvider({ children }: { children: ComponentChildren }): VNode {
  const [location, setLocation] = useState<Location>(() => ({ ...parseHash(window.location.hash), visit: 0 }));
  // This is a layout effect, because an effect that runs after painting would miss earlier changes of the address.
  useLayoutEffect(() => {
    const follow = (): void => setLocation(({ visit }) => ({ ...parseHash(window.location.hash), visit: visit + 1 }));
    window.addEventListener("hashchange", follow);
    return () => window.removeEventListener("hashchange", follow);
  }, []);
  return <Current.Provider value={location}>{children}</Current.Provider>;
}

export function useLocation(): Location {
  return useContext(Current);
}

/** Return the values in a path for the parameters of a pattern, or undefined if the pattern does not match the path. */
export function match(pattern: string, path: string): Record<string, string> | undefined {
  const wanted = pattern.split("/");
  const given = path.replace(/(.)\/$/, "$1").split("/");
  if (wanted.length !== given.length) return undefined;
  const params: Record<string, string> = {};
  for (const [place, part] of wanted.entries()) {
    const value = given[place] ?? "";
    if (part.startsWith(":")) {
      try {
        params[part.slice(1)] = decodeURIComponent(value);
      } catch {
        return undefined;
      }
    } else if (part !== value) return undefined;
  }
  return params;
}

/** Return a hash address in which the parameters are encoded, including their slashes. */
export function href(path: string, params: Record<string, string> = {}, query: Record<string, string> = {}): string {
  const filled = path.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(params[name] ?? ""));
  const asked = new URLSearchParams(query).toString();
  return `#${filled}${asked ? `?${asked}` : ""}`;
}

export function navigate(address: string): void {
  window.location.hash = address.replace(/^#/, "");
}

/** Replace the URL's query parameters without adding a history entry. */
export function replaceQuery(query: Record<string, string>): void {
  const { path } = parseHash(window.location.hash);
  const asked = new URLSearchParams(query).toString();
  window.history.replaceState(null, "", `#${path}${asked ? `?${asked}` : ""}`);
}
