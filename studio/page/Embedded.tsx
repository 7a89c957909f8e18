// The Studio inside another page: some panels of the Lab or a whole surface, a short bar, and a question if one is asked.

import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Embedding, PanelName, Question } from "../shared/embed.ts";
import * as say from "../texts/en/frame.ts";
import { Gauges, IconButton, PlayButton } from "./Bar.tsx";
import { Curves } from "./lab/Curves.tsx";
import { DataPanel } from "./lab/DataPanel.tsx";
import { Inspector } from "./lab/Inspector.tsx";
import { Lab } from "./lab/Lab.tsx";
import { LearnPanel } from "./lab/LearnPanel.tsx";
import { Network } from "./lab/Network.tsx";
import { Notices } from "./lab/Notices.tsx";
import { Output } from "./lab/Output.tsx";
import { Part } from "./parts.tsx";
import { linkHere, shownStep, spoken, surface } from "./store.ts";
import { transport } from "./transport.ts";

const parts = {
  data: DataPanel,
  learn: LearnPanel,
  network: Network,
  curves: Curves,
  output: Output,
  inspector: Inspector,
} as const satisfies Readonly<Record<PanelName, () => unknown>>;

/** Reports this page's height to the surrounding one, where the element `<hebb-studio>` adopts it. */
function tellHeight(box: HTMLElement): () => void {
  const observer = new ResizeObserver(() => {
    // One pixel more, so that rounding does not cause scrolling.
    const height = Math.ceil(box.getBoundingClientRect().height) + 1;
    window.parent.postMessage({ hebbStudio: { height } }, "*");
  });
  observer.observe(box);
  return () => observer.disconnect();
}

/** The visitor's answer, and whether the solution is revealed. */
const given = signal<number | undefined>(undefined);
const revealed = signal(false);

function Prediction({ text, answers, right, why }: Question) {
  const chosen = given.value;
  return (
    <section class="panel prediction" aria-labelledby="prediction">
      <h2 id="prediction">{text}</h2>
      <div class="row" role="radiogroup" aria-labelledby="prediction">
        {answers.map((answer, place) => (
          <label key={answer} class={revealed.value && place === right ? "right" : ""}>
            <input
              type="radio"
              name="prediction"
              checked={chosen === place}
              disabled={revealed.value}
              onChange={() => {
                given.value = place;
              }}
            />
            {answer}
          </label>
        ))}
      </div>
      {chosen === undefined && <p class="hint">{say.answerFirstThenLetItTrain}</p>}
      {chosen !== undefined && !revealed.value && shownStep.value === 0 && <p class="hint">{say.nowLetItTrain}</p>}
      {chosen !== undefined && !revealed.value && shownStep.value > 0 && (
        <button
          type="button"
          onClick={() => {
            revealed.value = true;
          }}
        >
          {say.wasIRight}
        </button>
      )}
      {revealed.value && (
        <p role="status">
          {chosen === right ? say.youWereRight : say.itIs(answers[right] ?? "")} {why}
        </p>
      )}
    </section>
  );
}

export function Embedded({ panels, question, locked }: Embedding) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => (box.current === null ? undefined : tellHeight(box.current)), []);
  const own = transport.value;
  const waits = question !== undefined && given.value === undefined;
  const name = surface.value;
  return (
    <div class={`embedded ${locked ? "locked" : ""}`} ref={box}>
      <header class="bar">
        <h1 class="unseen">{say.hebbStudio}</h1>
        <div class="transport" role="group" aria-label={say.training}>
          <IconButton icon="rewind" label={say.rewindToTheSameInitialWeights} act={own.rewind} />
          <PlayButton disabled={waits} />
          <IconButton icon="next" label={say.oneStepAhead} act={() => own.advance(1)} />
        </div>
        <Gauges />
        <a
          class="whole"
          href={linkHere()}
          target="_blank"
          rel="noopener"
          onClick={({ currentTarget }) => {
            currentTarget.href = linkHere(own.here());
          }}
        >
          {say.hebbStudio2}
        </a>
      </header>
      {question !== undefined && <Prediction {...question} />}
      <main id="main" data-surface={name} data-panels={panels.length === 0 ? "all" : String(panels.length)}>
        {panels.length > 0 ? (
          panels.map((panel) => {
            const Panel = parts[panel];
            return <Panel key={panel} />;
          })
        ) : name === "lab" ? (
          <Lab />
        ) : (
          <Part key={name} name={name} />
        )}
      </main>
      <Notices />
      <p class="unseen" role="status" aria-live="polite">
        {spoken}
      </p>
    </div>
  );
}
