import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { useDark } from "../hooks";
import { nonce } from "./nonce";

export interface Figure {
  data: Record<string, unknown>[];
  layout?: Record<string, unknown>;
}

export interface Plotly {
  react: (element: HTMLElement, data: unknown[], layout: unknown, config: unknown) => Promise<unknown>;
  purge: (element: HTMLElement) => void;
  downloadImage: (
    element: HTMLElement, options: { format: "png" | "jpeg"; filename: string; width: number; height: number },
  ) => Promise<string>;
}

let loading: Promise<Plotly> | undefined;

/** Load plotly.js from the console, only once. */
export function plotly(): Promise<Plotly> {
  loading ??= new Promise((resolve, reject) => {
    // plotly.js adds its style rules to this element if the element exists. It is created here with the nonce of the content security policy.
    const style = document.createElement("style");
    style.id = "plotly.js-style-global";
    style.nonce = nonce();
    document.head.append(style);
    const script = document.createElement("script");
    script.src = "/plotly.min.js";
    script.onload = () => resolve((window as unknown as { Plotly: Plotly }).Plotly);
    script.onerror = () => {
      loading = undefined;
      reject(new Error("plotly.js could not be loaded. Install plotly in the console's environment."));
    };
    document.head.append(script);
  });
  return loading;
}

interface ChartProps {
  figure: Figure;
  /** A description of the chart in words. */
  label: string;
  height?: number;
  /** Receives the element once the chart is drawn, so that the chart can be downloaded. */
  onDrawn?: (element: HTMLElement) => void;
}

/** A plotly.js chart in the page's colors. */
export function Chart({ figure, label, height = 320, onDrawn }: ChartProps): VNode {
  const box = useRef<HTMLDivElement>(null);
  const [problem, setProblem] = useState("");
  // plotly.js uses the current colors, so a chart is drawn again when the color scheme changes.
  const dark = useDark();
  useEffect(() => {
    let over = false;
    plotly().then(async (library) => {
      const element = box.current;
      if (over || !element) return;
      const color = getComputedStyle(element);
      const layout = {
        height, margin: { l: 60, r: 20, t: 40, b: 50 }, autosize: true, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
        font: { color: color.color, family: color.fontFamily }, ...figure.layout,
      };
      await library.react(element, figure.data, layout, { displayModeBar: false, responsive: true });
      onDrawn?.(element);
    }).catch((error: unknown) => setProblem(error instanceof Error ? error.message : String(error)));
    return () => {
      over = true;
    };
  }, [figure, height, dark]);
  useEffect(() => {
    const element = box.current;
    return () => {
      if (element && loading) void loading.then((library) => library.purge(element));
    };
  }, []);
  return problem ? <p class="problem" role="alert">{problem}</p> : <div class="chart" ref={box} role="img" aria-label={label} />;
}
