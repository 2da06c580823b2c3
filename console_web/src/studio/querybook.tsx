/** A querybook with SQL and Markdown cells. Athena runs the SQL. */

import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { call, lab as labNames } from "../api";
import { useAction, useLoad } from "../hooks";
import { href, navigate } from "../router";
import { Button, CheckboxField, Editor, ErrorBox, Loading, Menu, Page, TextField, useFlash } from "../ui";
import { Assistant } from "./assistant";
import { cell as newCell, empty, open, save, type Book, type Cell } from "./book";
import { sample, schema as loadSchema } from "./catalog";
import { Markdown } from "./markdown";
import { Results } from "./results";
import { count, FEW_ROWS, MOST_ROWS } from "./run";
import { useRuns, type CellRun } from "./use_runs";

interface QuerybookProps {
  id?: string;
  query: URLSearchParams;
}

export function QuerybookPage({ id, query }: QuerybookProps): VNode {
  const loaded = useLoad<Book>(async () => (id ? open(id) : started(query)), [id ?? "", query.toString()]);
  if (loaded.error) return <Page title="Querybook"><ErrorBox error={loaded.error} onRetry={loaded.reload} /></Page>;
  if (!loaded.value) return <Page title="Querybook"><Loading what="querybook" /></Page>;
  return <Querybook key={id ?? "new"} first={loaded.value} runFirst={query.has("database")} />;
}

/** Return a new querybook that is empty, contains a query of a table, or contains a given statement. */
function started(query: URLSearchParams): Book {
  const [database, table, sql] = [query.get("database"), query.get("table"), query.get("sql")];
  if (database && table) return { ...empty(), cells: [newCell("sql", sample(database, table))] };
  return sql ? { ...empty(), cells: [newCell("sql", sql)] } : empty();
}

function Querybook({ first, runFirst }: { first: Book; runFirst: boolean }): VNode {
  const [book, setBook] = useState(first);
  const [limited, setLimited] = useState(true);
  const runs = useRuns();
  const saving = useAction();
  const flash = useFlash();
  const completion = useLoad(async () => loadSchema((await labNames()).database), []);
  const limit = limited ? FEW_ROWS : MOST_ROWS;
  const cells = useRef(book.cells);
  cells.current = book.cells;

  const change = (key: string, changed: Partial<Cell>): void =>
    setBook((old) => ({ ...old, cells: old.cells.map((each) => (each.key === key ? { ...each, ...changed } : each)) }));
  const add = (added: Cell, after?: string): void =>
    setBook((old) => {
      const place = after ? old.cells.findIndex(({ key }) => key === after) + 1 : old.cells.length;
      return { ...old, cells: [...old.cells.slice(0, place), added, ...old.cells.slice(place)] };
    });
  const move = (key: string, by: number): void =>
    setBook((old) => {
      const place = old.cells.findIndex((each) => each.key === key);
      const rest = old.cells.filter((each) => each.key !== key);
      const [moved] = old.cells.slice(place, place + 1);
      if (moved) rest.splice(Math.max(0, place + by), 0, moved);
      return { ...old, cells: rest };
    });
  const run = (each: Cell): Promise<boolean> => runs.run(each.key, each.text, limit);
  const runAll = async (): Promise<void> => {
    for (const each of cells.current) {
      // The run stops as in a notebook, because later cells may depend on the cell that failed.
      if (each.type === "sql" && each.text.trim() && !(await run(each))) return;
    }
  };
  const keep = (changed: Partial<Book>): Promise<boolean> =>
    saving.run(async () => {
      const kept = await save({ ...book, ...changed });
      setBook((old) => ({ ...old, ...changed, id: kept.id }));
      if (changed.shared) await share(kept);
      flash("success", changed.shared ? `${kept.name} is shared with the project.` : `${kept.name} was saved.`);
      if (!book.id) window.history.replaceState(null, "", href("/studio/query/:id", { id: kept.id }));
    });

  useEffect(() => {
    const [only] = first.cells;
    if (runFirst && only) void run(only);
  }, []);

  return (
    <Page
      title="Query editor"
      crumbs={[{ title: "SageMaker Unified Studio", href: "#/studio" }]}
      actions={
        <>
          <Button primary onClick={() => void runAll()} busy={runs.busy}>Run all</Button>
          <Button onClick={() => cells.current.forEach(({ key }) => void runs.stop(key))} disabled={!runs.busy}>Stop</Button>
          <Button onClick={() => void keep({})} busy={saving.busy}>Save</Button>
          <Menu
            title="Actions"
            items={[
              { title: "Share with project", onSelect: () => void keep({ shared: true }) },
              { title: "New querybook", onSelect: () => navigate("/studio/query") },
              { title: "Open querybook", onSelect: () => navigate("/studio/querybooks") },
            ]}
          />
        </>
      }
    >
      <ErrorBox error={saving.error} />
      <div class="row">
        <TextField label="Querybook name" value={book.name} onChange={(name) => setBook({ ...book, name })} />
        <CheckboxField label="Limit 100" checked={limited} onChange={setLimited} hint="Show the first 100 rows. When off, show up to 64,000 rows." />
      </div>
      <Assistant onAdd={(sql, question) => { add(newCell("markdown", question)); add(newCell("sql", sql)); }} />
      {book.cells.map((each, place) => (
        <CellView
          key={each.key} cell={each} number={place + 1} run={runs.of(each.key)} schema={completion.value ?? {}}
          onText={(text) => { change(each.key, { text }); runs.edited(each.key); }}
          onChart={(chart) => change(each.key, { chart })}
          onRun={() => void run(each)} onRunAll={() => void runAll()} onStop={() => void runs.stop(each.key)}
          onMove={(by) => move(each.key, by)}
          onDelete={() => setBook((old) => ({ ...old, cells: old.cells.filter(({ key }) => key !== each.key) }))}
        />
      ))}
      <div class="actions">
        <Button onClick={() => add(newCell("sql"))}>Add SQL</Button>
        <Button onClick={() => add(newCell("markdown"))}>Add markdown</Button>
      </div>
    </Page>
  );
}

/** Share a querybook's statements with the project, as saved queries of the project's workgroup. Notebooks list the same queries. */
async function share(book: Book): Promise<void> {
  const { database, workgroup } = await labNames();
  const statements = book.cells.filter(({ type, text }) => type === "sql" && text.trim());
  for (const [place, { text }] of statements.entries()) {
    const name = statements.length > 1 ? `${book.name} (${place + 1})` : book.name;
    await call("athena", "CreateNamedQuery", {
      Name: name, Database: database, QueryString: text, Description: "Shared from a querybook", WorkGroup: workgroup,
    }, { helper: `zetl.lakehouse.save_query(lab, ${JSON.stringify(name)}, sql, "Shared from a querybook")` });
  }
}

interface CellViewProps {
  cell: Cell;
  number: number;
  run: CellRun;
  schema: Record<string, string[]>;
  onText: (text: string) => void;
  onChart: (chart: Cell["chart"]) => void;
  onRun: () => void;
  onRunAll: () => void;
  onStop: () => void;
  onMove: (by: number) => void;
  onDelete: () => void;
}

function CellView(props: CellViewProps): VNode {
  const { cell, number, run, schema } = props;
  const [editing, setEditing] = useState(!cell.text);
  const sql = cell.type === "sql";
  const kind = sql ? "SQL" : "Markdown";
  return (
    <section class="card" aria-label={`Cell ${number}, ${kind}`}>
      <div class="card-head">
        <h2>{kind} {number}</h2>
        <div class="actions">
          {sql && <Button onClick={props.onRun} busy={run.running} label={`Run cell ${number}`}>Run</Button>}
          {sql && run.running && <Button onClick={props.onStop} label={`Stop cell ${number}`}>Stop</Button>}
          {!sql && <Button onClick={() => setEditing(!editing)} label={`${editing ? "Preview" : "Edit"} cell ${number}`}>{editing ? "Preview" : "Edit"}</Button>}
          <Menu
            title="Cell" label={`Cell ${number} menu`}
            items={[
              { title: "Move up", onSelect: () => props.onMove(-1), disabled: number === 1 },
              { title: "Move down", onSelect: () => props.onMove(1) },
              { title: "Delete cell", onSelect: props.onDelete },
            ]}
          />
        </div>
      </div>
      {sql || editing ? (
        <Editor
          label={`${kind} of cell ${number}`} language={cell.type} value={cell.text} onChange={props.onText} schema={schema}
          diagnostics={run.diagnostics} keys={sql ? { "Ctrl-Enter": props.onRun, "Ctrl-Shift-Enter": props.onRunAll } : {}}
        />
      ) : <Markdown text={cell.text} />}
      {run.running && <p class="loading" role="status">{run.read ? `${count(run.read)} rows read…` : "Running…"}</p>}
      {run.error && <div class="flash error" role="alert"><span>{run.error}</span></div>}
      {run.result && <Results result={run.result} chart={cell.chart} onChart={props.onChart} />}
    </section>
  );
}
