/** The assistant, which turns a question in English into SQL that is checked but not run. */

import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { ask } from "../api";
import { useAction } from "../hooks";
import { Button, Code, ErrorBox, Section, SelectField, TextField } from "../ui";

interface Suggestion {
  question: string;
  sql: string | null;
  explanation: string;
  confident: boolean;
  understood: string[];
  backend: string;
}

const BACKENDS = [{ value: "offline", label: "On this computer" }, { value: "bedrock", label: "Amazon Bedrock" }];

export function Assistant({ onAdd }: { onAdd: (sql: string, question: string) => void }): VNode {
  const [question, setQuestion] = useState("");
  const [backend, setBackend] = useState("offline");
  const [found, setFound] = useState<Suggestion | undefined>();
  const asking = useAction();
  const generate = (): void => {
    if (question.trim()) {
      void asking.run(async () => setFound(await ask<Suggestion>("assistant", { question, backend })));
    }
  };
  return (
    <Section title="Assistant">
      <form class="row" onSubmit={(event) => { event.preventDefault(); generate(); }}>
        <TextField label="Ask a question" value={question} onChange={setQuestion} placeholder="Show the credit limit by state" />
        <SelectField label="Model" value={backend} onChange={setBackend} options={BACKENDS} />
        <Button type="submit" busy={asking.busy} disabled={!question.trim()}>Generate SQL</Button>
      </form>
      <ErrorBox error={asking.error} />
      {found && (
        <div role="region" aria-label="Suggestion" aria-live="polite">
          {found.sql && <Code text={found.sql} label="suggested SQL" />}
          <p>{found.explanation}</p>
          {found.understood.length > 0 && <ul>{found.understood.map((point) => <li key={point}>{point}</li>)}</ul>}
          {found.sql && !found.confident && <p class="hint">The assistant is not sure. Read the statement before you run it.</p>}
          {found.sql && <Button onClick={() => onAdd(found.sql ?? "", found.question)}>Add to querybook</Button>}
        </div>
      )}
      <p class="hint">Same as <code>zetl.assistant.ask(lab, question)</code>. The assistant writes a statement but never runs it.</p>
    </Section>
  );
}
