import type { VNode } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";

export interface MenuItem {
  title: string;
  onSelect: () => void;
  disabled?: boolean;
}

/** A button that opens a menu, such as **Actions**. In the menu, arrow keys move the focus and Escape closes the menu. */
export function Menu({ title, label, items, disabled }: { title: string; label?: string; items: MenuItem[]; disabled?: boolean }): VNode {
  const [open, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const id = useId();
  useEffect(() => {
    if (!open) return undefined;
    root.current?.querySelector<HTMLElement>("[role=menuitem]:not([aria-disabled=true])")?.focus();
    const close = (event: Event): void => {
      if (event.target instanceof Node && !root.current?.contains(event.target)) setOpen(false);
    };
    document.addEventListener("pointerdown", close);
    return () => document.removeEventListener("pointerdown", close);
  }, [open]);
  const shut = (): void => {
    setOpen(false);
    root.current?.querySelector("button")?.focus();
  };
  const move = (event: KeyboardEvent): void => {
    if (!open) return;
    const entries = [...(root.current?.querySelectorAll<HTMLElement>("[role=menuitem]:not([aria-disabled=true])") ?? [])];
    const place = entries.findIndex((entry) => entry === document.activeElement);
    const next = { ArrowDown: place + 1, ArrowUp: place - 1, Home: 0, End: entries.length - 1 }[event.key];
    if (event.key === "Escape") {
      event.stopPropagation();
      shut();
    } else if (event.key === "Tab") {
      setOpen(false);
    } else if (next !== undefined && entries.length > 0) {
      event.preventDefault();
      entries[(next + entries.length) % entries.length]?.focus();
    }
  };
  return (
    <div class="menu" ref={root} onKeyDown={move}>
      <button
        type="button" class="button" aria-haspopup="menu" aria-expanded={open} aria-controls={open ? id : undefined}
        aria-label={label} disabled={disabled} onClick={() => setOpen(!open)}
      >
        {title} <span aria-hidden="true">▾</span>
      </button>
      {open && (
        <div role="menu" id={id} aria-label={label ?? title}>
          {items.map((item) => (
            <button
              key={item.title} type="button" role="menuitem" tabIndex={-1} aria-disabled={item.disabled}
              onClick={() => {
                if (item.disabled) return;
                shut();
                item.onSelect();
              }}
            >
              {item.title}
            </button>
          ))}
        </div>
      )}
    </div>
  );
}
