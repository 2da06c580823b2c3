import type { ComponentChildren, VNode } from "preact";
import { createContext } from "preact";
import { useContext, useEffect, useId, useRef, useState } from "preact/hooks";
import type { ApiError } from "../api";
import { Button } from "./button";
import { TextField } from "./fields";
import { ErrorBox } from "./flash";

interface ModalProps {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
  footer?: ComponentChildren;
  wide?: boolean;
}

/** Whether the page is visible. The dialogs of a hidden page are closed, because an open dialog makes everything outside it inert. */
export const PageVisible = createContext(true);

/** A dialog over the page. Escape closes the dialog, and the focus returns to the element that had it before. */
export function Modal({ title, onClose, children, footer, wide }: ModalProps): VNode {
  const dialog = useRef<HTMLDialogElement>(null);
  const before = useRef<Element | null>(null);
  const visible = useContext(PageVisible);
  const id = useId();
  useEffect(() => {
    if (!visible) return undefined;
    before.current ??= document.activeElement;
    const shown = dialog.current;
    shown?.showModal();
    return () => shown?.close();
  }, [visible]);
  useEffect(() => () => {
    if (before.current instanceof HTMLElement) before.current.focus();
  }, []);
  return (
    <dialog
      ref={dialog} class={wide ? "wide" : ""} aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <div class="card-head">
        <h2 id={id}>{title}</h2>
        <button type="button" class="plain" aria-label="Close" onClick={onClose}>✕</button>
      </div>
      <div class="dialog-body">{children}</div>
      {footer && <div class="dialog-foot">{footer}</div>}
    </dialog>
  );
}

interface ConfirmProps {
  title: string;
  children: ComponentChildren;
  /** The word that must be typed to enable the button. */
  word: string;
  action: string;
  busy?: boolean;
  error?: ApiError | undefined;
  onConfirm: () => void;
  onClose: () => void;
}

/** A dialog for actions that cannot be undone. The user must type a word to confirm. */
export function ConfirmDialog({ title, children, word, action, busy, error, onConfirm, onClose }: ConfirmProps): VNode {
  const [typed, setTyped] = useState("");
  return (
    <Modal
      title={title} onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button primary disabled={typed !== word} busy={busy ?? false} onClick={onConfirm}>{action}</Button>
        </>
      }
    >
      {children}
      <TextField label={`To confirm, type ${word}`} value={typed} onChange={setTyped} placeholder={word} />
      <ErrorBox error={error} />
    </Modal>
  );
}
