/** The chart view of a result, with the Structure, Style and Annotate panels next to the chart. */

import type { VNode } from "preact";
import { useMemo, useRef, useState } from "preact/hooks";
import { counted } from "../lab";
import { Button, Chart, CheckboxField, SelectField, Tabs, TextField, useFlash } from "../ui";
import { plotly } from "../ui/chart";
import { described, figure, firstTrace, missing, TYPES, type ChartSettings, type Trace, type TraceType } from "./figures";
import { isNumber, type Result } from "./run";

interface ChartViewProps {
  result: Result;
  settings: ChartSettings;
  onChange: (settings: ChartSettings) => void;
}

const WIDTH = 960;
const HEIGHT = 600;

export function ChartView({ result, settings, onChange }: ChartViewProps): VNode {
  const element = useRef<HTMLElement | undefined>(undefined);
  const flash = useFlash();
  const drawn = useMemo(() => figure(settings, result), [settings, result]);
  const save = (format: "png" | "jpeg"): void => {
    const chart = element.current;
    if (!chart) return;
    const filename = settings.title.replace(/[^\w-]+/g, "-").replace(/^-|-$/g, "") || "chart";
    plotly()
      .then((library) => library.downloadImage(chart, { format, filename, width: WIDTH, height: HEIGHT }))
      .catch((error: unknown) => flash("error", `The chart was not saved: ${String(error)}`));
  };
  return (
    <div class="split">
      <Tabs
        label="Chart"
        tabs={[
          { id: "structure", title: "Structure", render: () => <Structure result={result} settings={settings} onChange={onChange} /> },
          { id: "style", title: "Style", render: () => <Style settings={settings} onChange={onChange} /> },
          {
            id: "annotate", title: "Annotate",
            render: () => <TextField label="Note" value={settings.note} onChange={(note) => onChange({ ...settings, note })} />,
          },
        ]}
      />
      <div>
        <Chart figure={drawn} label={described(settings, result.rows.length)} height={380} onDrawn={(chart) => { element.current = chart; }} />
        <p class="hint">Drawn from the {counted(result.rows.length, "row")} shown{result.more ? "; the result has more rows" : ""}.</p>
        <div class="actions">
          <Button onClick={() => save("png")} disabled={drawn.data.length === 0}>Download PNG</Button>
          <Button onClick={() => save("jpeg")} disabled={drawn.data.length === 0}>Download JPEG</Button>
        </div>
      </div>
    </div>
  );
}

function Structure({ result, settings, onChange }: ChartViewProps): VNode {
  const [open, setOpen] = useState(true);
  const change = (place: number, changed: Partial<Trace>): void =>
    onChange({ ...settings, traces: settings.traces.map((trace, each) => (each === place ? { ...trace, ...changed } : trace)) });
  return (
    <div>
      <button type="button" class="button" aria-expanded={open} onClick={() => setOpen(!open)}>Traces</button>
      {open && (
        <>
          {settings.traces.map((trace, place) => (
            <TraceFields
              key={place} result={result} trace={trace} number={settings.traces.length > 1 ? place + 1 : 0}
              onChange={(changed) => change(place, changed)}
              onRemove={() => onChange({ ...settings, traces: settings.traces.filter((_, each) => each !== place) })}
            />
          ))}
          <Button onClick={() => onChange({ ...settings, traces: [...settings.traces, firstTrace(result)] })}>Add trace</Button>
        </>
      )}
    </div>
  );
}

interface TraceFieldsProps {
  result: Result;
  trace: Trace;
  /** The trace's position among several traces, or 0 for a single trace. */
  number: number;
  onChange: (changed: Partial<Trace>) => void;
  onRemove: () => void;
}

function TraceFields({ result, trace, number, onChange, onRemove }: TraceFieldsProps): VNode {
  const named = (label: string): string => (number ? `${label} of trace ${number}` : label);
  const all = result.columns.map(({ name }) => ({ value: name, label: name }));
  const numbers = result.columns.filter(isNumber).map(({ name }) => ({ value: name, label: name }));
  const lacking = missing(trace, result.rows.length);
  const column = (label: string, key: "x" | "y" | "values" | "labels", options: { value: string; label: string }[]): VNode => (
    <SelectField label={named(label)} value={trace[key]} options={options} placeholder="Choose a column" onChange={(value) => onChange({ [key]: value })} />
  );
  return (
    <div class="card">
      <SelectField
        label={named("Type")} value={trace.type} options={TYPES.map((type) => ({ value: type, label: type }))}
        onChange={(type) => onChange({ type: type as TraceType })}
      />
      {trace.type === "Pie" ? <>{column("Values", "values", numbers)}{column("Labels", "labels", all)}</> : <>{column("X", "x", all)}{column("Y", "y", all)}</>}
      <TextField label={named("Name")} value={trace.name} onChange={(name) => onChange({ name })} />
      {trace.type !== "Pie" && <TextField label={named("Color")} value={trace.colour} placeholder="#0b57a4" onChange={(colour) => onChange({ colour })} />}
      {lacking && <p class="problem" role="status">{lacking}</p>}
      {number > 0 && <Button onClick={onRemove} label={`Remove trace ${number}`}>Remove</Button>}
    </div>
  );
}

function Style({ settings, onChange }: { settings: ChartSettings; onChange: (settings: ChartSettings) => void }): VNode {
  const pie = settings.traces.some(({ type }) => type === "Pie");
  const bars = settings.traces.filter(({ type }) => type === "Bar").length > 1;
  return (
    <div>
      <TextField label="Title" value={settings.title} onChange={(title) => onChange({ ...settings, title })} />
      <TextField label="X axis title" value={settings.xTitle} onChange={(xTitle) => onChange({ ...settings, xTitle })} />
      <TextField label="Y axis title" value={settings.yTitle} onChange={(yTitle) => onChange({ ...settings, yTitle })} />
      <CheckboxField label="Legend" checked={settings.legend} onChange={(legend) => onChange({ ...settings, legend })} />
      {bars && <CheckboxField label="Stack bars" checked={settings.stacked} onChange={(stacked) => onChange({ ...settings, stacked })} />}
      {pie && (
        <SelectField
          label="Hole" value={String(settings.hole)} onChange={(hole) => onChange({ ...settings, hole: Number(hole) })}
          options={[{ value: "0", label: "None" }, { value: "0.4", label: "Donut" }]}
        />
      )}
    </div>
  );
}
