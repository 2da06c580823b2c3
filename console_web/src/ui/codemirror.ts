/** CodeMirror, set up for SQL, JSON and Markdown. */

import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { json } from "@codemirror/lang-json";
import { markdown } from "@codemirror/lang-markdown";
import { SQLDialect, StandardSQL, sql } from "@codemirror/lang-sql";
import { HighlightStyle, bracketMatching, syntaxHighlighting } from "@codemirror/language";
import { lintKeymap, setDiagnostics } from "@codemirror/lint";
import { Annotation, Compartment, EditorState, type Extension } from "@codemirror/state";
import { EditorView, drawSelection, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import type { Diagnostic, EditorProps } from "./editor";
import { nonce } from "./nonce";

export interface EditorHandle {
  setValue: (value: string) => void;
  setDiagnostics: (diagnostics: Diagnostic[]) => void;
  setSchema: (schema: Record<string, string[]>) => void;
  focus: () => void;
  close: () => void;
}

/** Marks a change by the page itself, so that the page is not notified of the change. */
const fromPage = Annotation.define<boolean>();

// Trino SQL has the keywords of the SQL standard and a few more keywords.
const ATHENA = SQLDialect.define({
  ...StandardSQL.spec,
  keywords: `${StandardSQL.spec.keywords ?? ""} unnest ordinality lateral show describe msck unload optimize vacuum explain analyze if replace try_cast`,
  doubleQuotedStrings: false,
});

const COLOURS = HighlightStyle.define([
  { tag: tags.keyword, class: "tok-keyword" },
  { tag: [tags.string, tags.special(tags.string)], class: "tok-string" },
  { tag: [tags.number, tags.bool, tags.null], class: "tok-number" },
  { tag: tags.comment, class: "tok-comment" },
  { tag: [tags.propertyName, tags.typeName], class: "tok-name" },
  { tag: tags.heading, class: "tok-heading" },
]);

function languageOf(language: EditorProps["language"], schema: Record<string, string[]>): Extension {
  if (language === "json") return json();
  if (language === "markdown") return markdown();
  return sql({ dialect: ATHENA, schema, upperCaseKeywords: true });
}

/** Open an editor in an element; `props` returns the component's latest properties. */
export function open(element: HTMLElement, props: () => EditorProps): EditorHandle {
  const language = new Compartment();
  const { value, label, readOnly, keys = {} } = props();
  const own = Object.keys(keys).map((key) => ({
    key,
    run: () => {
      props().keys?.[key]?.();
      return true;
    },
  }));
  const view = new EditorView({
    parent: element,
    state: EditorState.create({
      doc: value,
      extensions: [
        EditorView.cspNonce.of(nonce()),
        // The Tab key leaves the editor, as in every other field on the page.
        keymap.of([...own, ...closeBracketsKeymap, ...defaultKeymap, ...historyKeymap, ...completionKeymap, ...lintKeymap]),
        lineNumbers(),
        history(),
        drawSelection(),
        bracketMatching(),
        closeBrackets(),
        autocompletion(),
        syntaxHighlighting(COLOURS),
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({ "aria-label": label, spellcheck: "false" }),
        EditorState.readOnly.of(readOnly ?? false),
        language.of(languageOf(props().language, props().schema ?? {})),
        EditorView.updateListener.of((update) => {
          const typed = update.transactions.some((each) => each.docChanged && !each.annotation(fromPage));
          if (typed) props().onChange(update.state.doc.toString());
        }),
      ],
    }),
  });
  return {
    setValue: (text) => {
      if (text === view.state.doc.toString()) return;
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text }, annotations: fromPage.of(true) });
    },
    setDiagnostics: (found) => {
      const { length } = view.state.doc;
      const within = found.map(({ from, to, message }) => ({
        from: Math.min(from, length), to: Math.min(Math.max(to, from + 1), length), message, severity: "error" as const,
      }));
      view.dispatch(setDiagnostics(view.state, within));
    },
    setSchema: (schema) => view.dispatch({ effects: language.reconfigure(languageOf(props().language, schema)) }),
    focus: () => {
      view.focus();
      view.dispatch({ selection: { anchor: view.state.doc.length } });
    },
    close: () => view.destroy(),
  };
}
