// An exercise with a numeric answer: checks it, and reveals the solution on request.

import { useId, useState } from "preact/hooks";
import * as say from "../../texts/en/lessons.ts";
import { exact } from "../numbers.ts";
import { mark, marks } from "./marks.ts";
import { numberIn } from "./numberIn.ts";

interface Props {
  readonly label: string;
  /** The mark for a right answer. */
  readonly name: string;
  readonly truth: number | undefined;
  readonly tolerance?: number;
}

export function Answer({ label, name, truth, tolerance = 0.0101 }: Props) {
  const id = useId();
  const [text, setText] = useState("");
  const [shown, setShown] = useState(false);
  const isRight = (answer: string): boolean => truth !== undefined && Math.abs(numberIn(answer) - truth) <= tolerance;
  const given = Number.isFinite(numberIn(text));
  // The field's content is checked, whatever was right before.
  const right = given ? isRight(text) : marks.value.has(name);
  return (
    <div class="answer-row">
      <label for={id}>{label}</label>
      <input
        id={id}
        inputMode="decimal"
        value={text}
        onInput={({ currentTarget }) => {
          setText(currentTarget.value);
          if (isRight(currentTarget.value)) mark(name);
        }}
      />
      <span class={`verdict ${right ? "right" : ""}`} role="status">
        {right ? say.right : given ? say.notYet : ""}
      </span>
      <button type="button" class="small" onClick={() => setShown(true)}>
        {say.reveal}
      </button>
      {shown && truth !== undefined && <b>{exact(truth)}</b>}
    </div>
  );
}
