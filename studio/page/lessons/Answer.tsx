// An exercise with a numeric answer: checks it, and reveals the solution on request.
import { useId, useState } from "preact/hooks";
import { exact } from "../numbers.ts";
import { mark, marks } from "./marks.ts";

interface Props {
  readonly label: string;
  /** The mark that a right answer leaves. */
  readonly name: string;
  readonly truth: number | undefined;
  readonly tolerance?: number;
}

export function Answer({ label, name, truth, tolerance = 0.0101 }: Props) {
  const id = useId();
  const [text, setText] = useState("");
  const [shown, setShown] = useState(false);
  const value = Number(text.replaceAll("−", "-").replace(",", "."));
  const given = text.trim() !== "" && Number.isFinite(value);
  const right = truth !== undefined && given && Math.abs(value - truth) <= tolerance;
  return (
    <div class="answer-row">
      <label for={id}>{label}</label>
      <input
        id={id}
        inputMode="decimal"
        value={text}
        onInput={({ currentTarget }) => {
          setText(currentTarget.value);
          const now = Number(currentTarget.value.replaceAll("−", "-").replace(",", "."));
          if (currentTarget.value.trim() !== "" && truth !== undefined && Math.abs(now - truth) <= tolerance)
            mark(name);
        }}
      />
      <span class={`verdict ${right ? "right" : ""}`} role="status">
        {right || marks.value.has(name) ? "✓ right" : given ? "not yet" : ""}
      </span>
      <button type="button" class="small" onClick={() => setShown(true)}>
        Reveal
      </button>
      {shown && truth !== undefined && <b>{exact(truth)}</b>}
    </div>
  );
}
