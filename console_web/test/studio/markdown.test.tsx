import { render, screen } from "@testing-library/preact";
import { expect, it } from "vitest";
import { Markdown } from "../../src/studio/markdown";

it("shows headings, lists, code and links", () => {
  render(<Markdown text={"# Title\n\n- one\n- **two**\n\nSee `SELECT` and [AWS](https://aws.amazon.com)."} />);
  expect(screen.getByRole("heading", { name: "Title" })).toBeTruthy();
  expect(screen.getAllByRole("listitem").map((item) => item.textContent)).toEqual(["one", "two"]);
  expect(screen.getByRole("link", { name: "AWS" }).getAttribute("href")).toBe("https://aws.amazon.com");
});

it("never turns HTML in the text into elements or scripts", () => {
  const { container } = render(<Markdown text={"<img src=x onerror=alert(1)>\n\n[go](javascript:alert(1))"} />);
  expect(container.querySelector("img")).toBeNull();
  expect(container.querySelector("a")).toBeNull();
  expect(container.textContent).toContain("<img");
});
