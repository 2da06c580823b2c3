import type { ComponentChildren, VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";

interface PageProps {
  title: string;
  /** Breadcrumbs, which are links to the parent pages. */
  crumbs?: { title: string; href: string }[];
  actions?: ComponentChildren;
  children: ComponentChildren;
}

/** A page whose heading gets the focus when the page opens. */
export function Page({ title, crumbs = [], actions, children }: PageProps): VNode {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · Practice console`;
    heading.current?.focus();
  }, [title]);
  return (
    <>
      {crumbs.length > 0 && (
        <nav aria-label="Breadcrumb" class="crumbs">
          <ol>
            {crumbs.map((crumb) => <li key={crumb.href}><a href={crumb.href}>{crumb.title}</a></li>)}
            <li aria-current="page">{title}</li>
          </ol>
        </nav>
      )}
      <div class="page-head">
        <h1 ref={heading} tabIndex={-1}>{title}</h1>
        {actions && <div class="actions">{actions}</div>}
      </div>
      {children}
    </>
  );
}

let sections = 0;

export function Section({ title, actions, children }: { title: string; actions?: ComponentChildren; children: ComponentChildren }): VNode {
  const id = useRef("");
  if (!id.current) id.current = `section-${++sections}`;
  return (
    <section class="card" aria-labelledby={id.current}>
      <div class="card-head">
        <h2 id={id.current}>{title}</h2>
        {actions && <div class="actions">{actions}</div>}
      </div>
      {children}
    </section>
  );
}

/** Names and values, as a description list. */
export function KeyValues({ items }: { items: [string, ComponentChildren][] }): VNode {
  return (
    <dl class="key-values">
      {items.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value === undefined || value === null || value === "" ? "–" : value}</dd>
        </div>
      ))}
    </dl>
  );
}
