import type { VNode } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { EditorHandle } from "./codemirror";

/** The position of a mistake in a text, in characters from its beginning. */
export interface Diagnostic {
  from: number;
  to: number;
  message: string;
}

export interface EditorProps {
  value: string;
  onChange: (value: string) => void;
  language: "sql" | "json" | "markdown";
  /** The accessible name. */
  label: string;
  /** Tables and their columns, for completion: `{"customerdb.customeraccounts": ["zipcode", …]}`. */
  schema?: Record<string, string[]>;
  diagnostics?: Diagnostic[];
  readOnly?: boolean;
  /** Keys such as `Ctrl-Enter`, and their actions. */
  keys?: Record<string, () => void>;
}

/** An editor with syntax highlighting and completion. CodeMirror is loaded with the first editor. */
export function Editor(props: EditorProps): VNode {
  const box = useRef<HTMLDivElement>(null);
  const handle = useRef<EditorHandle | undefined>(undefined);
  const latest = useRef(props);
  const [ready, setReady] = useState(false);
  latest.current = props;
  useEffect(() => {
    let over = false;
    void import("./codemirror").then(({ open }) => {
      if (over || !box.current) return;
      // A user who is already typing keeps the focus.
      const typing = box.current.contains(document.activeElement);
      handle.current = open(box.current, () => latest.current);
      if (typing) handle.current.focus();
      setReady(true);
    });
    return () => {
      over = true;
      handle.current?.close();
      handle.current = undefined;
    };
  }, []);
  // This is a layout effect, because an effect that runs after painting would replace text typed before then.
  useLayoutEffect(() => handle.current?.setValue(props.value), [props.value, ready]);
  useEffect(() => handle.current?.setDiagnostics(props.diagnostics ?? []), [props.diagnostics, ready]);
  useEffect(() => handle.current?.setSchema(props.schema ?? {}), [props.schema, ready]);
  return (
    <div class="editor" ref={box}>
      {!ready && (
        <textarea
          aria-label={props.label} value={props.value} readOnly={props.readOnly} spellcheck={false}
          onInput={(event) => props.onChange(event.currentTarget.value)}
        />
      )}
    </div>
  );
}
