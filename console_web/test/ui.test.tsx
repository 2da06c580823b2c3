import { fireEvent, render, screen, waitFor } from "@testing-library/preact";
import { useState } from "preact/hooks";
import type { VNode } from "preact";
import { describe, expect, it, vi } from "vitest";
import { ApiError } from "../src/api";
import { ConfirmDialog, Menu, Tabs, TextField, Tree } from "../src/ui";

describe("Menu", () => {
  it("opens, moves with arrow keys, and closes with Escape, which returns the focus to the menu's button", () => {
    render(<Menu title="Actions" items={[{ title: "Edit", onSelect: vi.fn() }, { title: "Delete", onSelect: vi.fn() }]} />);
    const button = screen.getByRole("button", { name: "Actions" });
    fireEvent.click(button);
    expect(document.activeElement?.textContent).toBe("Edit");
    fireEvent.keyDown(document.activeElement as Element, { key: "ArrowDown" });
    expect(document.activeElement?.textContent).toBe("Delete");
    fireEvent.keyDown(document.activeElement as Element, { key: "Escape" });
    expect(screen.queryByRole("menu")).toBeNull();
    expect(document.activeElement).toBe(button);
  });

  it("runs the chosen action, and ignores disabled entries", () => {
    const [edit, remove] = [vi.fn(), vi.fn()];
    render(<Menu title="Actions" items={[{ title: "Edit", onSelect: edit, disabled: true }, { title: "Delete", onSelect: remove }]} />);
    fireEvent.click(screen.getByRole("button", { name: "Actions" }));
    fireEvent.click(screen.getByRole("menuitem", { name: "Edit" }));
    fireEvent.click(screen.getByRole("menuitem", { name: "Delete" }));
    expect(edit).not.toHaveBeenCalled();
    expect(remove).toHaveBeenCalledOnce();
  });
});

describe("Tabs", () => {
  const tabs = ["One", "Two", "Three"].map((title) => ({ id: title, title, render: () => <p>Content of {title}</p> }));

  it("moves with arrow keys, and wraps around at the ends", () => {
    render(<Tabs label="Things" tabs={tabs} />);
    fireEvent.keyDown(screen.getByRole("tab", { name: "One" }), { key: "ArrowLeft" });
    expect(screen.getByText("Content of Three")).toBeTruthy();
    expect(screen.getByRole("tab", { name: "Three" }).getAttribute("aria-selected")).toBe("true");
    expect(screen.getByRole("tabpanel", { name: "Three" })).toBeTruthy();
  });
});

describe("ConfirmDialog", () => {
  it("works only after the word is typed", () => {
    const confirmed = vi.fn();
    render(
      <ConfirmDialog title="Delete it" word="confirm" action="Delete" error={new ApiError("Busy", "It is busy.")} onConfirm={confirmed} onClose={vi.fn()}>
        <p>Gone for good.</p>
      </ConfirmDialog>,
    );
    const button = screen.getByText("Delete");
    fireEvent.click(button);
    fireEvent.input(screen.getByLabelText("To confirm, type confirm"), { target: { value: "Confirm" } });
    fireEvent.click(button);
    expect(confirmed).not.toHaveBeenCalled();
    fireEvent.input(screen.getByLabelText("To confirm, type confirm"), { target: { value: "confirm" } });
    fireEvent.click(button);
    expect(confirmed).toHaveBeenCalledOnce();
    expect(screen.getByText("It is busy.")).toBeTruthy();
  });
});

describe("TextField", () => {
  it("exposes its hint and its problem to screen readers", () => {
    const Form = (): VNode => {
      const [value, setValue] = useState("");
      return <TextField label="Name" hint="Letters only." error="It is missing." value={value} onChange={setValue} />;
    };
    render(<Form />);
    const input = screen.getByLabelText("Name");
    const described = (input.getAttribute("aria-describedby") ?? "").split(" ").map((id) => document.getElementById(id)?.textContent);
    expect(described).toEqual(["Letters only.", "It is missing."]);
    expect(input.getAttribute("aria-invalid")).toBe("true");
  });
});

describe("Tree", () => {
  it("opens with the keyboard, loads children each time, and shows why they cannot be loaded", async () => {
    const titles = ["Leaf", "Twig"];
    const load = vi.fn(() => Promise.resolve(titles.slice(0, load.mock.calls.length).map((title) => ({ id: title, title }))));
    const broken = vi.fn(() => Promise.reject(new Error("It is gone.")));
    render(<Tree label="Things" nodes={[{ id: "a", title: "A", load }, { id: "b", title: "B", load: broken }]} />);
    const a = screen.getByRole("treeitem", { name: "A" });
    a.focus();
    fireEvent.keyDown(a, { key: "ArrowRight" });
    await waitFor(() => expect(screen.getByRole("treeitem", { name: "Leaf" })).toBeTruthy());
    fireEvent.keyDown(a, { key: "ArrowLeft" });
    fireEvent.keyDown(a, { key: "ArrowRight" });
    // The previous children are shown until the new children are loaded.
    expect(screen.getByRole("treeitem", { name: "Leaf" })).toBeTruthy();
    await waitFor(() => expect(screen.getByRole("treeitem", { name: "Twig" })).toBeTruthy());
    fireEvent.keyDown(a, { key: "End" });
    fireEvent.keyDown(document.activeElement as Element, { key: "Enter" });
    await waitFor(() => expect(screen.getByText("It is gone.")).toBeTruthy());
  });

  describe("reaches one visible node with the Tab key", () => {
    const leaf = { id: "leaf", title: "Leaf" };
    const branch = { id: "branch", title: "Branch", children: [leaf] };
    const nodes = [{ id: "first", title: "First" }, branch];
    const reached = (): (string | null)[] =>
      screen.getAllByRole("treeitem").filter(({ tabIndex }) => tabIndex === 0).map((item) => item.getAttribute("aria-label"));

    it("when the selected node is inside a closed node", () => {
      render(<Tree label="Things" nodes={nodes} selected="leaf" />);
      expect(reached()).toEqual(["First"]);
      fireEvent.click(screen.getByRole("treeitem", { name: "Branch" }));
      expect(reached()).toEqual(["Branch"]);
    });

    it("when the selected node is inside an open node", () => {
      render(<Tree label="Things" nodes={nodes} selected="leaf" open={["branch"]} />);
      expect(reached()).toEqual(["Leaf"]);
    });

    it("when the node that had the focus is removed", () => {
      const { rerender } = render(<Tree label="Things" nodes={nodes} open={["branch"]} />);
      fireEvent.click(screen.getByRole("treeitem", { name: "Leaf" }));
      expect(reached()).toEqual(["Leaf"]);
      rerender(<Tree label="Things" nodes={[{ id: "first", title: "First" }]} open={["branch"]} />);
      expect(reached()).toEqual(["First"]);
    });
  });
});
