import type { ComponentChildren, VNode } from "preact";

interface ButtonProps {
  children: ComponentChildren;
  onClick?: () => void;
  primary?: boolean;
  disabled?: boolean;
  busy?: boolean;
  type?: "button" | "submit";
  /** The accessible name, if the text alone is not sufficient. */
  label?: string;
}

export function Button({ children, onClick, primary, disabled, busy, type = "button", label }: ButtonProps): VNode {
  return (
    <button
      type={type}
      class={primary ? "button primary" : "button"}
      disabled={disabled}
      aria-disabled={busy}
      aria-busy={busy}
      aria-label={label}
      onClick={(event) => {
        if (busy) event.preventDefault();
        else onClick?.();
      }}
    >
      {children}
    </button>
  );
}

/** A link that looks like a button, for actions that open another page. */
export function ButtonLink({ children, href, primary }: { children: ComponentChildren; href: string; primary?: boolean }): VNode {
  return <a class={primary ? "button primary" : "button"} href={href}>{children}</a>;
}
