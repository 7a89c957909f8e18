// The program of this state, loaded when it is opened; the line of the hovered layer is highlighted.

import { useState } from "preact/hooks";
import { codeOf } from "../../shared/code.ts";
import * as say from "../../texts/en/lab.ts";
import { hot, run, shownStep, state } from "../store.ts";
import { litLayer } from "./Network.tsx";

const pattern =
  /(\/\/.*$)|("[^"]*")|\b(import|from|const|let|new|for|of|while|if|return|await|type|break|continue|instanceof|undefined)\b|\b(\d[\d.e-]*)\b/g;

/** One line with its tokens marked by kind. */
function Highlighted({ text }: { readonly text: string }) {
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

export function Program() {
  const [copied, setCopied] = useState(false);
  const info = run.value;
  if (info === undefined) return null;
  // The step changes during training: the copied program is that of the click.
  const now = () => codeOf(state.value, info.data, hot.snapshot?.step ?? shownStep.peek());
  const copy = async (): Promise<void> => {
    const text = now()
      .map((line) => line.text)
      .join("\n");
    await navigator.clipboard?.writeText(`${text}\n`).catch(() => undefined);
    setCopied(true);
    setTimeout(() => setCopied(false), 2000);
  };
  return (
    <>
      <button type="button" class="small copy" onClick={() => void copy()}>
        {copied ? say.copied : say.copy}
      </button>
      <pre tabIndex={0} role="region" aria-label={say.theProgram}>
        {now().map(({ text, layer }, place) => (
          <code key={`${place} ${text}`} class={layer !== undefined && layer === litLayer.value ? "lit" : ""}>
            <Highlighted text={text} />
            {"\n"}
          </code>
        ))}
      </pre>
    </>
  );
}
