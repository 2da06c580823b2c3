import { EditorView } from "@codemirror/view";
import { fireEvent, render, screen, waitFor } from "@testing-library/preact";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ItemEditor } from "../src/dynamodb/item_editor";
import type { Item, TableDescription } from "../src/dynamodb/model";
import { serve } from "./backend";

const TABLE = {
  TableName: "Accounts", KeySchema: [{ AttributeName: "id", KeyType: "HASH" }], AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
} as TableDescription;

const put = vi.fn<(params: unknown) => object>(() => ({}));

function show(item?: Item): { saved: ReturnType<typeof vi.fn> } {
  const saved = vi.fn();
  render(<ItemEditor table={TABLE} item={item} onSaved={saved} onClose={vi.fn()} />);
  return { saved };
}

const tab = (title: string): void => void fireEvent.click(screen.getByText(title));
const type = (label: string, value: string): void => void fireEvent.input(screen.getByLabelText(label), { target: { value } });

const painted = (): Promise<unknown> => new Promise((resolve) => window.setTimeout(resolve, 50));

/** Return the JSON view's editor. */
async function editor(): Promise<EditorView> {
  return waitFor(() => {
    const view = EditorView.findFromDOM(document.querySelector<HTMLElement>(".cm-content") ?? document.body);
    if (!view) throw new Error("CodeMirror is being loaded.");
    return view;
  });
}

async function write(text: string): Promise<void> {
  const view = await editor();
  view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } });
}

beforeEach(() => {
  put.mockClear();
  serve({ "dynamodb.PutItem": put });
});
afterEach(() => vi.unstubAllGlobals());

describe("the open tab", () => {
  it("keeps the edits of the form when it is clicked", async () => {
    show();
    type("id", "a");
    tab("JSON");
    await editor();
    tab("Form");
    await waitFor(() => screen.getByLabelText("id"));
    type("id", "b");
    tab("Form");
    await painted();
    expect(screen.getByLabelText("id")).toHaveProperty("value", "b");
  });

  it("keeps the edits of the JSON when it is clicked", async () => {
    show();
    tab("JSON");
    await write('{"id": {"S": "edited"}}');
    tab("JSON");
    await painted();
    expect((await editor()).state.doc.toString()).toBe('{"id": {"S": "edited"}}');
  });
});

describe("JSON that is not an item", () => {
  it("is not saved, and the reason is shown", async () => {
    const { saved } = show();
    tab("JSON");
    await write('{"id": "a"}');
    fireEvent.click(screen.getAllByText("Create item").at(-1) as HTMLElement);
    await waitFor(() => expect(screen.getByText(/id: The value must be DynamoDB JSON/)).toBeTruthy());
    expect(put).not.toHaveBeenCalled();
    expect(saved).not.toHaveBeenCalled();
  });

  it("remains in the editor when the form is chosen", async () => {
    show();
    tab("JSON");
    await write('{"id": 5}');
    tab("Form");
    await waitFor(() => expect(screen.getByText(/id: The value must be DynamoDB JSON/)).toBeTruthy());
    expect((await editor()).state.doc.toString()).toBe('{"id": 5}');
  });
});

it("saves the item that the JSON contains", async () => {
  const { saved } = show();
  tab("JSON");
  await write('{"id": {"S": "a"}, "tags": {"SS": ["x"]}}');
  fireEvent.click(screen.getAllByText("Create item").at(-1) as HTMLElement);
  await waitFor(() => expect(saved).toHaveBeenCalledOnce());
  expect(put).toHaveBeenCalledWith(expect.objectContaining({ Item: { id: { S: "a" }, tags: { SS: ["x"] } } }));
});

it("does not save two attributes with one name", async () => {
  const { saved } = show();
  type("id", "a");
  for (const [place, value] of ["first", "second"].entries()) {
    fireEvent.click(screen.getByText("Add new attribute"));
    fireEvent.input(screen.getAllByLabelText("Attribute name")[place] as HTMLElement, { target: { value: "plan" } });
    fireEvent.input(screen.getAllByLabelText("plan")[place] as HTMLElement, { target: { value } });
  }
  fireEvent.click(screen.getAllByText("Create item").at(-1) as HTMLElement);
  await waitFor(() => expect(screen.getByText("Two attributes have the name plan.", { exact: false })).toBeTruthy());
  expect(put).not.toHaveBeenCalled();
  expect(saved).not.toHaveBeenCalled();
});

it("keeps the field of each attribute when another attribute is removed", () => {
  show({ id: { S: "a" }, note: { S: "two\nlines" }, plan: { S: "basic" } });
  expect(screen.getByLabelText("note").tagName).toBe("TEXTAREA");
  const before = screen.getByLabelText("plan");
  fireEvent.click(screen.getByLabelText("Remove note"));
  expect(screen.queryByLabelText("note")).toBeNull();
  expect(screen.getByLabelText("plan")).toBe(before);
});
