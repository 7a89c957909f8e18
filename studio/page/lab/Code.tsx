// The TypeScript that reproduces this state; the line of the hovered layer is highlighted.
import { useState } from "preact/hooks";
import { codeOf } from "../../shared/code.ts";
import { hot, run, shownStep, state } from "../store.ts";
import { litLayer } from "./Network.tsx";

const pattern =
  /(\/\/.*$)|("[^"]*")|\b(import|from|const|let|new|for|of|while|if|return|await|type|break|continue|instanceof|undefined)\b|\b(\d[\d.e-]*)\b/g;

/** One line with its words marked by kind. */
export function Highlighted({ text }: { readonly text: string }) {
  const parts = [];
  let last = 0;
  for (const match of text.matchAll(pattern)) {
    const at = match.index;
    parts.push(text.slice(last, at));
    const kind = match[1] ? "comment" : match[2] ? "string" : match[3] ? "word" : "figure";
    parts.push(
      <span key={at} class={`code-${kind}`}>
        {match[0]}
      </span>,
    );
    last = at + match[0].length;
  }
  parts.push(text.slice(last));
  return <>{parts}</>;
}

export function Code() {
  const [open, setOpen] = useState(false);
  const [copied, setCopied] = useState(false);
  const info = run.value;
  if (info === undefined) return null;
  const lines = open ? codeOf(state.value, info.data, hot.snapshot?.step ?? shownStep.peek()) : [];
  const copy = async (): Promise<void> => {
    const text = codeOf(state.value, info.data, hot.snapshot?.step ?? 0)
      .map((line) => line.text)
      .join("\n");
    await navigator.clipboard?.writeText(`${text}\n`).catch(() => undefined);
    setCopied(true);
    setTimeout(() => setCopied(false), 2000);
  };
  return (
    <details class="panel code" open={open} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>
        <h2>TypeScript</h2>
        <span class="hint">the program for exactly this network</span>
      </summary>
      {open && (
        <>
          <button type="button" class="small copy" onClick={() => void copy()}>
            {copied ? "Copied" : "Copy"}
          </button>
          <pre tabIndex={0} role="region" aria-label="The program">
            {lines.map(({ text, layer }, place) => (
              <code key={`${place} ${text}`} class={layer !== undefined && layer === litLayer.value ? "lit" : ""}>
                <Highlighted text={text} />
                {"\n"}
              </code>
            ))}
          </pre>
        </>
      )}
    </details>
  );
}
