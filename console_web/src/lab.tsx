/** The lab's names and tags in forms, and editors for policies. */

import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { ask, lab, type LabNames } from "./api";
import { useAction, useLoad } from "./hooks";
import { Button, Editor, ErrorBox } from "./ui";

/** Return the lab's names and tags, or undefined until they are loaded. */
export function useLab(): LabNames | undefined {
  return useLoad(lab, []).value;
}

/** Return a lab's tags in the form that most services use. */
export function tagList(names: LabNames): { Key: string; Value: string }[] {
  return Object.entries(names.tags).map(([Key, Value]) => ({ Key, Value }));
}

/** The tags that are added to a new resource. */
export function TagsNote({ names }: { names: LabNames | undefined }): VNode {
  const [[key, value] = ["", ""]] = Object.entries(names?.tags ?? {});
  return <p class="hint">The new resource gets the tag <code>{key}={value}</code>, so that the notebooks and cleanup recognize it as part of the lab.</p>;
}

export type PolicyName = "catalog_resource_policy" | "table_resource_policy" | "target_role_permissions" | "target_role_trust";

interface PolicyDocument {
  Version: string;
  Statement: { Sid?: string }[];
}

/** Add the lab's statements to a policy in JSON, keep all other statements, and return the result. */
export async function withLabStatements(text: string, name: PolicyName): Promise<string> {
  const added = await ask<PolicyDocument>("policy", { name });
  const old = text.trim() ? (JSON.parse(text) as PolicyDocument) : { ...added, Statement: [] };
  const names = new Set(added.Statement.map((statement) => statement.Sid));
  const kept = [old.Statement].flat().filter((statement) => !statement.Sid || !names.has(statement.Sid));
  return JSON.stringify({ ...old, Statement: [...kept, ...added.Statement] }, null, 4);
}

interface PolicyEditorProps {
  label: string;
  value: string;
  /** The lab's statements, which a button adds. */
  template?: PolicyName;
  action?: string;
  onSave: (text: string) => Promise<void>;
  onCancel?: () => void;
}

/** An editor for a policy in JSON. */
export function PolicyEditor({ label, value, template, action = "Save", onSave, onCancel }: PolicyEditorProps): VNode {
  const [text, setText] = useState(value);
  const saving = useAction();
  const inserting = useAction();
  const save = async (): Promise<void> => {
    JSON.parse(text);
    await onSave(text);
  };
  return (
    <>
      {template && (
        <p>
          <Button busy={inserting.busy} onClick={() => void inserting.run(async () => setText(await withLabStatements(text, template)))}>
            Add the lab&apos;s statements
          </Button>
        </p>
      )}
      <Editor label={label} language="json" value={text} onChange={setText} />
      <ErrorBox error={inserting.error} />
      <ErrorBox error={saving.error} />
      <p class="actions">
        <Button primary busy={saving.busy} disabled={!text.trim()} onClick={() => void saving.run(save)}>{action}</Button>
        {onCancel && <Button onClick={onCancel}>Cancel</Button>}
      </p>
    </>
  );
}

/** Return JSON with indentation, and any other text unchanged. */
export function pretty(text: string | undefined): string {
  if (!text) return "";
  try {
    JSON.parse(text);
  } catch {
    return text;
  }
  return indented(text);
}

/** Return valid JSON with indentation. Numbers keep all their digits, whereas `JSON.stringify` would round the ID of a snapshot. */
function indented(json: string): string {
  let depth = 0;
  let opened = false;
  let lines = "";
  const line = (): string => `\n${"    ".repeat(depth)}`;
  for (const [token] of json.matchAll(/"(?:\\.|[^"\\])*"|[{}[\],:]|[^\s{}[\],:"]+/g)) {
    const closing = token === "}" || token === "]";
    if (closing) depth -= 1;
    if (opened !== closing) lines += line();
    // As in the output of `JSON.stringify`, only the characters that need an escape have one.
    lines += token === ":" ? ": " : token.startsWith('"') ? JSON.stringify(JSON.parse(token)) : token;
    opened = token === "{" || token === "[";
    if (opened) depth += 1;
    if (token === ",") lines += line();
  }
  return lines;
}

/** Return a policy document as indented JSON. IAM returns documents as objects or as URL-encoded text. */
export function decoded(document: unknown): string {
  if (typeof document !== "string") return JSON.stringify(document, null, 4);
  return pretty(document.startsWith("%7B") ? decodeURIComponent(document) : document);
}

/** Return a timestamp from a response in the user's time zone. */
export function moment(value: string | number | undefined): string {
  if (value === undefined) return "–";
  const found = new Date(value);
  return Number.isNaN(found.getTime()) ? String(value) : found.toLocaleString();
}

/** Return a number with its noun, such as "1 row" or "2,000 rows". */
export function counted(value: number, noun: string): string {
  return `${value.toLocaleString("en-US")} ${noun}${value === 1 ? "" : "s"}`;
}

/** Return a number of bytes with a suitable unit. */
export function bytes(value: number): string {
  if (value < 1024) return `${value} B`;
  if (value < 1024 ** 2) return `${(value / 1024).toFixed(1)} KB`;
  return `${(value / 1024 ** 2).toFixed(1)} MB`;
}
