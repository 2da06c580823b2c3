import type { VNode } from "preact";
import { useRef, useState } from "preact/hooks";

export interface TreeNode {
  id: string;
  title: string;
  /** The details shown after the title. */
  detail?: string | number | undefined;
  children?: TreeNode[];
  /** Loads the children each time the node is opened. The previous children remain visible until the new children are loaded. */
  load?: () => Promise<TreeNode[]>;
}

interface TreeProps {
  label: string;
  nodes: TreeNode[];
  onSelect?: (node: TreeNode) => void;
  selected?: string | undefined;
  /** The IDs of the nodes that are initially open. */
  open?: string[];
}

/** A tree that follows the WAI-ARIA pattern: arrow keys open and close nodes and move between them. */
export function Tree({ label, nodes, onSelect, selected, open: opened = [] }: TreeProps): VNode {
  const [open, setOpen] = useState<Set<string>>(() => new Set(opened));
  const [loaded, setLoaded] = useState<Record<string, TreeNode[] | string>>({});
  const [focused, setFocused] = useState<string | undefined>();
  const root = useRef<HTMLUListElement>(null);

  const childrenOf = (node: TreeNode): TreeNode[] | undefined => {
    const found = loaded[node.id];
    return node.children ?? (Array.isArray(found) ? found : undefined);
  };
  const visible = (list: TreeNode[]): string[] => list.flatMap((node) => [node.id, ...(open.has(node.id) ? visible(childrenOf(node) ?? []) : [])]);
  const shown = visible(nodes);
  // The Tab key reaches exactly one node, so this node must not be inside a closed node.
  const active = [focused, selected].find((id) => id !== undefined && shown.includes(id)) ?? shown[0];

  const show = (node: TreeNode, opens: boolean): void => {
    setOpen((old) => {
      const next = new Set(old);
      if (opens) next.add(node.id);
      else next.delete(node.id);
      return next;
    });
    if (opens && node.load) {
      node.load().then(
        (children) => setLoaded((old) => ({ ...old, [node.id]: children })),
        (error: unknown) => setLoaded((old) => ({ ...old, [node.id]: error instanceof Error ? error.message : String(error) })),
      );
    }
  };
  const focus = (item: Element | null | undefined): void => {
    if (!(item instanceof HTMLElement)) return;
    setFocused(item.dataset["id"]);
    item.focus();
  };
  const items = (): HTMLElement[] => [...(root.current?.querySelectorAll<HTMLElement>("[role=treeitem]") ?? [])];

  const press = (event: KeyboardEvent, node: TreeNode, branch: boolean): void => {
    const item = event.currentTarget as HTMLElement;
    if (event.target !== item) return;
    const all = items();
    const place = all.indexOf(item);
    const isOpen = open.has(node.id);
    const acts: Record<string, () => void> = {
      ArrowDown: () => focus(all[place + 1]),
      ArrowUp: () => focus(all[place - 1]),
      Home: () => focus(all[0]),
      End: () => focus(all[all.length - 1]),
      ArrowRight: () => (branch && !isOpen ? show(node, true) : branch ? focus(item.querySelector("[role=treeitem]")) : undefined),
      ArrowLeft: () => (branch && isOpen ? show(node, false) : focus(item.parentElement?.closest("[role=treeitem]"))),
      Enter: () => choose(node, branch),
      " ": () => choose(node, branch),
    };
    const act = acts[event.key];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  };
  const choose = (node: TreeNode, branch: boolean): void => {
    setFocused(node.id);
    if (branch) show(node, !open.has(node.id));
    onSelect?.(node);
  };

  const draw = (list: TreeNode[], level: number): VNode[] =>
    list.map((node) => {
      const found = loaded[node.id];
      const children = childrenOf(node);
      const branch = Boolean(node.load) || Boolean(node.children?.length);
      const isOpen = open.has(node.id);
      return (
        <li
          key={node.id} role="treeitem" data-id={node.id} aria-level={level} aria-label={node.title}
          aria-expanded={branch ? isOpen : undefined} aria-selected={node.id === selected}
          tabIndex={node.id === active ? 0 : -1} onKeyDown={(event) => press(event, node, branch)}
          onClick={(event) => {
            event.stopPropagation();
            choose(node, branch);
          }}
        >
          <span class="node">
            <span aria-hidden="true" class="twist">{branch ? (isOpen ? "▾" : "▸") : "·"}</span>
            <span>{node.title}</span>
            {node.detail !== undefined && <span class="detail">{node.detail}</span>}
          </span>
          {branch && isOpen && (
            <ul role="group">
              {children?.length ? draw(children, level + 1) : children ? <li role="none" class="hint">Nothing here yet.</li> : <li role="none" class="hint">{typeof found === "string" ? found : "Loading…"}</li>}
            </ul>
          )}
        </li>
      );
    });

  return <ul class="tree" role="tree" aria-label={label} ref={root}>{draw(nodes, 1)}</ul>;
}
