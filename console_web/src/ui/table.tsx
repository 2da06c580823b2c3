import type { ComponentChildren, VNode } from "preact";
import { useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";

export interface Column<Row> {
  key: string;
  header: string;
  /** The cell's contents. Defaults to the value as text. */
  render?: (row: Row) => ComponentChildren;
  /** The column's sort key. A column without a sort key cannot be sorted. */
  sortBy?: (row: Row) => SortKey;
  numeric?: boolean;
}

/** Numbers precede strings. An integer that JavaScript would round as a number is a bigint. */
export type SortKey = string | number | bigint;

interface TableProps<Row> {
  /** The table's accessible name. */
  label: string;
  columns: Column<Row>[];
  rows: Row[];
  rowKey: (row: Row, place: number) => string;
  empty?: ComponentChildren;
  select?: "single" | "multi";
  selected?: string[];
  onSelect?: (keys: string[]) => void;
  /** The row's name in its selection control. Defaults to the row's key. */
  rowLabel?: (row: Row) => string;
  /** The number of rows per page. If it is not set, all rows are on one page, and a long table draws only the rows in view. */
  pageSize?: number;
  /** Shows a search field that finds rows by their text. */
  find?: (row: Row) => string;
  /** Called with the rows on screen, so that their details are loaded only when they are visible. */
  onShow?: (rows: Row[]) => void;
}

const ROW = 34;
const WINDOW = 480;
const VIRTUAL = 200;

/** A table with sorting, selection, and either paging or rows that are drawn as they are scrolled into view. */
export function Table<Row>(props: TableProps<Row>): VNode {
  const { label, columns, rows, rowKey, empty, select, selected = [], onSelect, rowLabel, pageSize, find, onShow } = props;
  const name = useId();
  const [sort, setSort] = useState<{ key: string; down: boolean } | undefined>();
  const [page, setPage] = useState(0);
  const [wanted, setWanted] = useState("");
  const [top, setTop] = useState(0);
  const scroller = useRef<HTMLDivElement>(null);

  const shown = useMemo(() => {
    const found = find && wanted ? rows.filter((row) => find(row).toLowerCase().includes(wanted.toLowerCase())) : rows;
    const by = columns.find((column) => column.key === sort?.key)?.sortBy;
    if (!by || !sort) return found;
    const sign = sort.down ? -1 : 1;
    return found.map((row) => ({ row, key: by(row) })).sort((left, right) => order(left.key, right.key) * sign).map(({ row }) => row);
  }, [rows, columns, sort, wanted]);

  const pages = pageSize ? Math.max(1, Math.ceil(shown.length / pageSize)) : 1;
  const open = Math.min(page, pages - 1);
  const virtual = !pageSize && shown.length > VIRTUAL;
  const first = pageSize ? open * pageSize : virtual ? Math.max(0, Math.floor(top / ROW) - 10) : 0;
  const end = pageSize ? first + pageSize : virtual ? first + Math.ceil(WINDOW / ROW) + 20 : shown.length;
  const visible = shown.slice(first, end);
  const width = columns.length + (select ? 1 : 0);
  const after = shown.length - Math.min(end, shown.length);

  useEffect(() => onShow?.(visible), [shown, first, end]);

  // When the sort order or the search text changes, the table scrolls to the first row. Reloading the same rows keeps the scroll position.
  useEffect(() => {
    if (scroller.current) scroller.current.scrollTop = 0;
  }, [sort, wanted]);
  useEffect(() => setTop(scroller.current?.scrollTop ?? 0), [rows, sort, wanted]);

  // Otherwise, columns would become wider and narrower with the rows in view, and a click could miss a header that moves.
  useLayoutEffect(() => {
    if (!virtual) return;
    for (const header of scroller.current?.querySelectorAll<HTMLElement>("th:not(:last-child)") ?? []) header.style.minWidth = `${header.offsetWidth}px`;
  }, [shown, first]);

  const toggle = (key: string): void => {
    if (select === "single") onSelect?.([key]);
    else onSelect?.(selected.includes(key) ? selected.filter((other) => other !== key) : [...selected, key]);
  };

  return (
    <div class="table">
      {find && (
        <input
          type="search" class="find" aria-label={`Find in ${label}`} placeholder="Find" value={wanted}
          onInput={(event) => {
            setWanted(event.currentTarget.value);
            setPage(0);
          }}
        />
      )}
      <div
        class={virtual ? "scroll virtual" : "scroll"} ref={scroller} tabIndex={0} role="region" aria-label={`${label}, scrollable`}
        onScroll={(event) => virtual && setTop(event.currentTarget.scrollTop)}
      >
        <table aria-label={label} aria-rowcount={virtual || pageSize ? shown.length + 1 : undefined}>
          <thead>
            <tr>
              {select && <th scope="col" class="pick"><span class="unseen">Select</span></th>}
              {columns.map((column) => (
                <th
                  key={column.key} scope="col" class={column.numeric ? "number" : ""}
                  aria-sort={sort?.key === column.key ? (sort.down ? "descending" : "ascending") : undefined}
                >
                  {column.sortBy ? (
                    <button
                      type="button" class="plain"
                      onClick={() => {
                        setSort({ key: column.key, down: sort?.key === column.key && !sort.down });
                        setPage(0);
                      }}
                    >
                      {column.header}
                      <span aria-hidden="true">{sort?.key === column.key ? (sort.down ? " ▼" : " ▲") : ""}</span>
                    </button>
                  ) : column.header}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {virtual && first > 0 && <Gap rows={first} width={width} />}
            {visible.map((row, place) => {
              const key = rowKey(row, first + place);
              return (
                <tr key={key} aria-rowindex={virtual || pageSize ? first + place + 2 : undefined} class={selected.includes(key) ? "selected" : ""}>
                  {select && (
                    <td class="pick">
                      <input
                        type={select === "single" ? "radio" : "checkbox"} name={name} checked={selected.includes(key)}
                        aria-label={`Select ${rowLabel?.(row) ?? key}`} onChange={() => toggle(key)}
                      />
                    </td>
                  )}
                  {columns.map((column) => (
                    <td key={column.key} class={column.numeric ? "number" : ""}>
                      {column.render ? column.render(row) : text((row as Record<string, unknown>)[column.key])}
                    </td>
                  ))}
                </tr>
              );
            })}
            {virtual && after > 0 && <Gap rows={after} width={width} />}
          </tbody>
        </table>
        {shown.length === 0 && <div class="empty">{wanted ? "No matches." : (empty ?? "Nothing here yet.")}</div>}
      </div>
      {pageSize && pages > 1 && (
        <nav class="pager" aria-label={`Pages of ${label}`}>
          <button type="button" class="button small" disabled={open === 0} onClick={() => setPage(open - 1)}>Previous page</button>
          <span role="status">Page {open + 1} of {pages}</span>
          <button type="button" class="button small" disabled={open >= pages - 1} onClick={() => setPage(open + 1)}>Next page</button>
        </nav>
      )}
    </div>
  );
}

function order(left: SortKey, right: SortKey): number {
  if (typeof left === "string" !== (typeof right === "string")) return typeof left === "string" ? 1 : -1;
  return left < right ? -1 : left > right ? 1 : 0;
}

/** A placeholder for rows that are not drawn. A script sets its height, because the page's content security policy does not allow style attributes. */
function Gap({ rows, width }: { rows: number; width: number }): VNode {
  return <tr aria-hidden="true"><td colSpan={width} class="gap" ref={(cell) => { if (cell) cell.style.height = `${rows * ROW}px`; }} /></tr>;
}

/** Return a value as text, or a dash if it is missing. */
export function text(value: unknown): string {
  if (value === undefined || value === null || value === "") return "–";
  return typeof value === "string" ? value : JSON.stringify(value);
}
