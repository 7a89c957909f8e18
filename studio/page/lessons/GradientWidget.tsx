// Lesson 11: the length of the gradient in each layer, measured on the current network.

import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import * as say from "../../texts/en/lessons.ts";
import { short } from "../numbers.ts";
import { client, play, run } from "../store.ts";
import { Answer } from "./Answer.tsx";
import { mark } from "./marks.ts";

const norms = signal<readonly number[]>([]);
const busy = signal(false);
/** Lengths are drawn from this power of ten upwards. */
const least = -8;

async function measure(): Promise<void> {
  play(false);
  busy.value = true;
  try {
    const { frames } = await client.ask("film", null);
    const found = frames.at(-1)?.layers.map(({ gradientNorm }) => gradientNorm) ?? [];
    norms.value = found;
    const [first = 1, last = 1] = [found[0], found.at(-1)];
    if (found.length > 1 && first < last / 100) mark("vanishing");
  } finally {
    busy.value = false;
  }
}

export function GradientWidget() {
  const info = run.value;
  useEffect(() => {
    norms.value = [];
  }, [info]);
  const share = (norm: number): number => Math.max(0, Math.min(1, 1 - Math.log10(Math.max(1e-12, norm)) / least));
  return (
    <section class="panel widget" aria-labelledby="gradient-title">
      <header>
        <h2 id="gradient-title">{say.lengthOfTheSlopeInEach}</h2>
        <button type="button" class="small" disabled={busy.value} onClick={() => void measure()}>
          {busy.value ? say.measuring : say.measureItNow}
        </button>
      </header>
      {norms.value.length === 0 && <p class="hint">{say.notMeasuredYetTrainForA}</p>}
      <ul class="importance">
        {norms.value.map((norm, place) => (
          <li key={place}>
            <span>{place === norms.value.length - 1 ? say.output : say.layer(place + 1)}</span>
            <span class="bar-track" aria-hidden="true">
              <span class="filled" style={{ width: `${100 * share(norm)}%` }} />
            </span>
            <span class="amount">{short(norm)}</span>
          </li>
        ))}
      </ul>
      <p class="hint">{say.theBarsAreLogarithmicEachEighth}</p>
      {/* Two digits are enough. */}
      <Answer label={say.whatIsLeftAtMost} name="quarter" truth={0.25 ** 6} tolerance={5e-6} />
    </section>
  );
}
