/** A querybook's Markdown as elements, with no part of it interpreted as HTML. */

import type { ComponentChildren, VNode } from "preact";

const INLINE = /(`[^`]+`|\*\*[^*]+\*\*|\*[^*]+\*|\[[^\]]+\]\([^)\s]+\))/;

function inline(text: string): ComponentChildren[] {
  return text.split(INLINE).map((part, place) => {
    const link = /^\[([^\]]+)\]\(([^)\s]+)\)$/.exec(part);
    if (link) {
      const address = link[2] ?? "";
      return /^(https?:\/\/|#)/.test(address) ? <a key={place} href={address} rel="noopener noreferrer">{link[1]}</a> : part;
    }
    if (/^`[^`]+`$/.test(part)) return <code key={place}>{part.slice(1, -1)}</code>;
    if (/^\*\*[^*]+\*\*$/.test(part)) return <strong key={place}>{part.slice(2, -2)}</strong>;
    if (/^\*[^*]+\*$/.test(part)) return <em key={place}>{part.slice(1, -1)}</em>;
    return part;
  });
}

/** Headings, lists, code blocks and paragraphs. */
export function Markdown({ text }: { text: string }): VNode {
  const blocks = text.trim().split(/\n{2,}/);
  return (
    <div class="markdown">
      {blocks.map((block, place) => {
        const heading = /^(#{1,4})\s+(.*)$/s.exec(block);
        if (heading) {
          // The page and its cells use the first two heading levels.
          const Level = (heading[1] ?? "").length > 1 ? "h4" : "h3";
          return <Level key={place}>{inline(heading[2] ?? "")}</Level>;
        }
        if (/^```/.test(block)) return <pre key={place}><code>{block.replace(/^```\w*\n?|\n?```$/g, "")}</code></pre>;
        const lines = block.split("\n");
        if (lines.every((line) => /^[-*]\s/.test(line))) {
          return <ul key={place}>{lines.map((line, each) => <li key={each}>{inline(line.slice(2))}</li>)}</ul>;
        }
        return <p key={place}>{inline(block)}</p>;
      })}
    </div>
  );
}
