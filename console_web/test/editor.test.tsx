import { EditorView } from "@codemirror/view";
import { render, waitFor } from "@testing-library/preact";
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { describe, expect, it, vi } from "vitest";
import { Editor } from "../src/ui";

interface Shown {
  changed: ReturnType<typeof vi.fn>;
  set: (value: string) => void;
  view: EditorView;
}

async function show(): Promise<Shown> {
  const changed = vi.fn();
  let set: (value: string) => void = () => undefined;
  const Form = (): VNode => {
    const [value, setValue] = useState("");
    set = setValue;
    return <Editor label="Statement" language="sql" value={value} onChange={(text) => { changed(text); setValue(text); }} />;
  };
  render(<Form />);
  const content = await waitFor(() => {
    const found = document.querySelector<HTMLElement>(".cm-content");
    if (!found) throw new Error("CodeMirror is being loaded.");
    return found;
  });
  const view = EditorView.findFromDOM(content);
  if (!view) throw new Error("The editor has no view.");
  return { changed, set, view };
}

describe("Editor", () => {
  it("keeps text that is typed faster than the page is painted", async () => {
    const { changed, view } = await show();
    for (const letter of "SELECT 1") {
      view.dispatch({ changes: { from: view.state.doc.length, insert: letter } });
      // The page is rendered but not yet painted.
      await Promise.resolve();
    }
    await new Promise((resolve) => window.setTimeout(resolve, 100));
    expect(view.state.doc.toString()).toBe("SELECT 1");
    expect(changed).toHaveBeenCalledTimes("SELECT 1".length);
  });

  it("shows text that the page sets, without reporting a change to the page", async () => {
    const { changed, set, view } = await show();
    set("SELECT 2");
    await waitFor(() => expect(view.state.doc.toString()).toBe("SELECT 2"));
    expect(changed).not.toHaveBeenCalled();
  });
});
