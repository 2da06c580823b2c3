import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";

export function CopyButton({ text, label = "Copy" }: { text: string; label?: string }): VNode {
  const [said, setSaid] = useState("");
  useEffect(() => {
    if (!said) return undefined;
    const timer = window.setTimeout(() => setSaid(""), 2000);
    return () => window.clearTimeout(timer);
  }, [said]);
  const copy = (): void => {
    navigator.clipboard.writeText(text).then(() => setSaid("Copied"), () => setSaid("Select the text and copy it"));
  };
  return (
    <span class="copy">
      <button type="button" class="button small" aria-label={label} onClick={copy}>Copy</button>
      <span role="status">{said}</span>
    </span>
  );
}

/** Code with a button that copies it. */
export function Code({ text, label }: { text: string; label: string }): VNode {
  return (
    <div class="code">
      <CopyButton text={text} label={`Copy ${label}`} />
      <pre tabIndex={0} role="region" aria-label={label}><code>{text}</code></pre>
    </div>
  );
}
