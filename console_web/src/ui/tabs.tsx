import type { VNode } from "preact";
import { useId, useRef, useState } from "preact/hooks";

export interface Tab {
  id: string;
  title: string;
  render: () => VNode;
}

interface TabsProps {
  label: string;
  tabs: Tab[];
  /** The open tab, if the page determines it. Otherwise, the component stores the open tab. */
  selected?: string;
  onSelect?: (id: string) => void;
}

/** Tabs that follow the WAI-ARIA pattern: arrow keys, Home and End move between them. */
export function Tabs({ label, tabs, selected, onSelect }: TabsProps): VNode {
  const base = useId();
  const [own, setOwn] = useState(tabs[0]?.id ?? "");
  const list = useRef<HTMLDivElement>(null);
  const wanted = selected ?? own;
  const open = tabs.find((tab) => tab.id === wanted) ?? tabs[0];
  const choose = (id: string): void => {
    setOwn(id);
    onSelect?.(id);
  };
  const move = (event: KeyboardEvent): void => {
    const place = tabs.findIndex((tab) => tab.id === open?.id);
    const next = { ArrowRight: place + 1, ArrowLeft: place - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    const target = tabs[(next + tabs.length) % tabs.length];
    if (!target) return;
    choose(target.id);
    list.current?.querySelector<HTMLElement>(`[data-tab="${CSS.escape(target.id)}"]`)?.focus();
  };
  return (
    <div class="tabs">
      <div role="tablist" aria-label={label} ref={list} onKeyDown={move}>
        {tabs.map((tab) => (
          <button
            key={tab.id} type="button" role="tab" id={`${base}-${tab.id}`} data-tab={tab.id}
            aria-selected={tab.id === open?.id} aria-controls={tab.id === open?.id ? `${base}-panel` : undefined}
            tabIndex={tab.id === open?.id ? 0 : -1} onClick={() => choose(tab.id)}
          >
            {tab.title}
          </button>
        ))}
      </div>
      {open && (
        <div role="tabpanel" id={`${base}-panel`} aria-labelledby={`${base}-${open.id}`} key={open.id}>{open.render()}</div>
      )}
    </div>
  );
}
