import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { useAction } from "../hooks";
import { useLab } from "../lab";
import { navigate } from "../router";
import { Button, ButtonLink, ErrorBox, Page, useFlash } from "../ui";
import { DetailsStep, EncryptionStep, ReviewStep, SourceStep } from "./wizard_steps";
import { EMPTY, launch, problems, type Draft } from "./wizard_model";

const STEPS = ["Select source type", "Configure source and target", "Configure integration", "Review and create"];

/** The wizard that the blog post uses. Its four steps are the source type, the source and target, the encryption and name, and the review. */
export function CreateIntegrationPage(): VNode {
  const names = useLab();
  const [draft, setDraft] = useState<Draft>(EMPTY);
  const [step, setStep] = useState(1);
  const [tried, setTried] = useState(false);
  const heading = useRef<HTMLHeadingElement>(null);
  const opened = useRef(1);
  const action = useAction();
  const flash = useFlash();
  const change = (changed: Partial<Draft>): void => setDraft((old) => ({ ...old, ...changed }));
  const found = problems(draft, step);
  const shown = tried ? found : {};
  useEffect(() => {
    if (step !== opened.current) heading.current?.focus();
    opened.current = step;
  }, [step]);
  const go = (to: number): void => {
    action.clear();
    setTried(false);
    setStep(to);
  };
  const next = (): void => {
    if (Object.keys(found).length > 0) setTried(true);
    else go(step + 1);
  };
  const create = async (): Promise<void> => {
    if (!names) return;
    await launch(draft, names);
    flash("success", `Integration ${draft.name} is being created.`);
    navigate("#/glue/zero-etl");
  };
  return (
    <Page title="Create zero-ETL integration" crumbs={[{ title: "Zero-ETL integrations", href: "#/glue/zero-etl" }]}>
      <ol class="steps" aria-label="Steps">
        {STEPS.map((title, place) => <li key={title} aria-current={place + 1 === step ? "step" : undefined}>{title}</li>)}
      </ol>
      <form onSubmit={(event) => { event.preventDefault(); if (step < STEPS.length) next(); else void action.run(create); }}>
        <h2 ref={heading} tabIndex={-1}>{`Step ${step}: ${STEPS[step - 1] ?? ""}`}</h2>
        {step === 1 && <SourceStep />}
        {step === 2 && <DetailsStep draft={draft} change={change} problems={shown} names={names} />}
        {step === 3 && <EncryptionStep draft={draft} change={change} problems={shown} names={names} />}
        {step === 4 && <ReviewStep draft={draft} onEdit={go} />}
        <ErrorBox error={action.error} />
        <p class="actions">
          <ButtonLink href="#/glue/zero-etl">Cancel</ButtonLink>
          {step > 1 && <Button onClick={() => go(step - 1)}>Previous</Button>}
          {step < STEPS.length
            ? <Button primary type="submit">Next</Button>
            : <Button primary type="submit" busy={action.busy} disabled={!names}>Create and launch integration</Button>}
        </p>
      </form>
    </Page>
  );
}
