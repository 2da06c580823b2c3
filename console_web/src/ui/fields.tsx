import type { ComponentChildren, VNode } from "preact";
import { useId } from "preact/hooks";

interface FieldProps {
  label: string;
  hint?: ComponentChildren;
  error?: string | undefined;
  required?: boolean;
  disabled?: boolean;
}

interface Wiring {
  id: string;
  described: { "aria-describedby": string | undefined; "aria-invalid": boolean };
}

function Field({ label, hint, error, children }: FieldProps & { children: (wiring: Wiring) => VNode }): VNode {
  const id = useId();
  const parts = [hint ? `${id}-hint` : "", error ? `${id}-error` : ""].filter(Boolean).join(" ");
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {hint && <div class="hint" id={`${id}-hint`}>{hint}</div>}
      {children({ id, described: { "aria-describedby": parts || undefined, "aria-invalid": Boolean(error) } })}
      {error && <div class="problem" id={`${id}-error`}>{error}</div>}
    </div>
  );
}

interface TextProps extends FieldProps {
  value: string;
  onChange: (value: string) => void;
  placeholder?: string;
  type?: "text" | "number" | "search" | "datetime-local" | "date";
  min?: number;
  max?: number;
  /** Suggested values. The user can also type other values. */
  options?: string[];
}

export function TextField(props: TextProps): VNode {
  const { value, onChange, placeholder, type = "text", required, disabled, min, max, options } = props;
  return (
    <Field {...props}>
      {({ id, described }) => (
        <>
          <input
            id={id} type={type} value={value} placeholder={placeholder} required={required} disabled={disabled}
            min={min} max={max} autocomplete="off" spellcheck={false} list={options ? `${id}-list` : undefined}
            onInput={(event) => onChange(event.currentTarget.value)} {...described}
          />
          {options && <datalist id={`${id}-list`}>{options.map((option) => <option key={option} value={option} />)}</datalist>}
        </>
      )}
    </Field>
  );
}

export function TextAreaField(props: FieldProps & { value: string; onChange: (value: string) => void; rows?: number }): VNode {
  const { value, onChange, rows = 8, required, disabled } = props;
  return (
    <Field {...props}>
      {({ id, described }) => (
        <textarea
          id={id} rows={rows} value={value} required={required} disabled={disabled} spellcheck={false}
          onInput={(event) => onChange(event.currentTarget.value)} {...described}
        />
      )}
    </Field>
  );
}

interface SelectProps extends FieldProps {
  value: string;
  onChange: (value: string) => void;
  options: { value: string; label: string }[];
  /** The text shown while nothing is chosen. */
  placeholder?: string;
}

export function SelectField(props: SelectProps): VNode {
  const { value, onChange, options, placeholder, required, disabled } = props;
  return (
    <Field {...props}>
      {({ id, described }) => (
        <select
          id={id} value={value} required={required} disabled={disabled}
          onChange={(event) => onChange(event.currentTarget.value)} {...described}
        >
          {placeholder !== undefined && <option value="">{placeholder}</option>}
          {options.map((option) => <option key={option.value} value={option.value}>{option.label}</option>)}
        </select>
      )}
    </Field>
  );
}

interface CheckboxProps {
  label: string;
  checked: boolean;
  onChange: (checked: boolean) => void;
  hint?: ComponentChildren;
  disabled?: boolean;
}

export function CheckboxField({ label, checked, onChange, hint, disabled }: CheckboxProps): VNode {
  const id = useId();
  return (
    <div class="choice">
      <input
        id={id} type="checkbox" checked={checked} disabled={disabled} aria-describedby={hint ? `${id}-hint` : undefined}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
      <div>
        <label for={id}>{label}</label>
        {hint && <div class="hint" id={`${id}-hint`}>{hint}</div>}
      </div>
    </div>
  );
}

interface RadioProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  options: { value: string; label: string; hint?: ComponentChildren; disabled?: boolean }[];
  hint?: ComponentChildren;
}

export function RadioGroup({ label, value, onChange, options, hint }: RadioProps): VNode {
  const id = useId();
  return (
    <fieldset class="field" aria-describedby={hint ? `${id}-hint` : undefined}>
      <legend>{label}</legend>
      {hint && <div class="hint" id={`${id}-hint`}>{hint}</div>}
      <div class="choices">
        {options.map((option) => (
          <div class="choice" key={option.value}>
            <input
              id={`${id}-${option.value}`} type="radio" name={id} value={option.value} checked={option.value === value}
              disabled={option.disabled} aria-describedby={option.hint ? `${id}-${option.value}-hint` : undefined}
              onChange={() => onChange(option.value)}
            />
            <div>
              <label for={`${id}-${option.value}`}>{option.label}</label>
              {option.hint && <div class="hint" id={`${id}-${option.value}-hint`}>{option.hint}</div>}
            </div>
          </div>
        ))}
      </div>
    </fieldset>
  );
}
