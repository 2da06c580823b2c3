import type { VNode } from "preact";
import { AREAS } from "./areas";
import { LakehouseGate } from "./lakehouse";
import { LocationProvider, match, useLocation } from "./router";
import { Flash, Page, SameAs } from "./ui";

export function App(): VNode {
  return (
    <LocationProvider>
      <a class="skip" href="#main" onClick={(event) => { event.preventDefault(); document.getElementById("main")?.focus(); }}>Skip to content</a>
      <header class="top">
        <a href="#/"><strong>Practice console, not AWS</strong></a>
        <span class="where">Local lakehouse on this computer</span>
      </header>
      <div class="frame">
        <Navigation />
        <main id="main" tabIndex={-1}>
          <Flash>
            <LakehouseGate><Current /></LakehouseGate>
          </Flash>
        </main>
      </div>
      <SameAs />
    </LocationProvider>
  );
}

function Navigation(): VNode {
  const { path } = useLocation();
  return (
    <nav class="side" aria-label="Services">
      <ul>
        {AREAS.map((area) => {
          const inside = path === area.path || path.startsWith(`${area.path}/`);
          return (
            <li key={area.path}>
              <a href={`#${area.path}`} aria-current={path === area.path ? "page" : inside ? "true" : undefined}>{area.title}</a>
              {inside && (
                <ul>
                  {area.nav.map((entry) => (
                    <li key={entry.path}>
                      <a href={`#${entry.path}`} aria-current={path === entry.path ? "page" : undefined}>{entry.title}</a>
                    </li>
                  ))}
                </ul>
              )}
            </li>
          );
        })}
      </ul>
    </nav>
  );
}

function Current(): VNode {
  const { path, query, visit } = useLocation();
  if (path === "/") return <Home />;
  for (const area of AREAS) {
    for (const route of area.routes) {
      const params = match(route.path, path);
      // Each visit is a new page, which does not inherit the state of the previous page. The addresses of two visits can be
      // equal, because a page can replace its own address, for example when a querybook is saved for the first time.
      if (params) return <div key={visit}>{route.render(params, query)}</div>;
    }
  }
  return <Page title="Page not found"><p>There is no page at <code>{path}</code>. Choose a service in the navigation.</p></Page>;
}

function Home(): VNode {
  return (
    <Page title="Practice console">
      <p>
        Follow the blog post's console steps here. Everything happens in the local lakehouse on this computer. Your
        notebooks see the same tables, integrations and queries.
      </p>
      <div class="grid">
        {AREAS.map((area) => (
          <section class="card" key={area.path} aria-label={area.title}>
            <h2><a href={`#${area.path}`}>{area.title}</a></h2>
            <ul>{area.nav.map((entry) => <li key={entry.path}><a href={`#${entry.path}`}>{entry.title}</a></li>)}</ul>
          </section>
        ))}
      </div>
    </Page>
  );
}
