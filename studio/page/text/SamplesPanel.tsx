// The model's samples during training: free texts, or its answers to held-out questions.

import type { Answered } from "../../shared/textPicture.ts";
import * as say from "../../texts/en/text.ts";
import { grouped } from "../numbers.ts";
import { samples } from "./textStore.ts";

function Answer({ question, wanted, given }: Answered) {
  const right = wanted === given;
  return (
    <li class={right ? "right" : "wrong"}>
      <span class="asked">{question}</span>
      <span class="given">
        {[...given].map((letter, k) => (
          <span key={k} class={letter === wanted[k] ? "" : "off"}>
            {letter}
          </span>
        ))}
      </span>
      <span class="wanted">{right ? "✓" : wanted}</span>
    </li>
  );
}

export function SamplesPanel() {
  const shown = samples.value;
  return (
    <section class="panel samples-panel" aria-labelledby="samples-title">
      <header>
        <h2 id="samples-title">{shown?.kind === "answers" ? say.answersToHeldOutQuestions : say.whatItWrites}</h2>
        <p class="hint">{shown === undefined ? "" : say.atStep(grouped(shown.step))}</p>
      </header>
      <div class="samples-box" tabIndex={0} role="region" aria-label={say.samples}>
        {shown?.kind === "answers" && (
          <ul class="held-answers">
            {shown.answers.map((one) => (
              <Answer key={one.question} {...one} />
            ))}
          </ul>
        )}
        {shown?.kind === "texts" && (
          <div class="written">
            {shown.texts.map((one, place) => (
              <pre key={place}>{one}</pre>
            ))}
          </div>
        )}
      </div>
    </section>
  );
}
