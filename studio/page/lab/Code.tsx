// The TypeScript that reproduces this state, folded until it is opened.
import { useState } from "preact/hooks";
import * as say from "../../texts/en/lab.ts";
import { Part } from "../parts.tsx";
import { run } from "../store.ts";

export function Code() {
  const [open, setOpen] = useState(false);
  if (run.value === undefined) return null;
  return (
    <details class="panel code" open={open} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>
        <h2>{say.typeScript}</h2>
        <span class="hint">{say.theProgramForExactlyThisNetwork}</span>
      </summary>
      {open && <Part name="program" />}
    </details>
  );
}
