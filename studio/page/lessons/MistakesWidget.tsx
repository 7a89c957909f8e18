// Lesson 14: the figures of Results, with a threshold to set and columns to choose.

import { useEffect, useMemo } from "preact/hooks";
import * as metrics from "../../../src/train/metrics.ts";
import * as say from "../../texts/en/lessons.ts";
import { chosen, oneAgainstRest, threshold } from "../results/Decisions.tsx";
import { Results } from "../results/Results.tsx";
import { answers, curve, importances } from "../results/resultsStore.ts";
import { run } from "../store.ts";
import { Answer } from "./Answer.tsx";
import { mark } from "./marks.ts";

/** The required share of good loans found. */
const wanted = 0.98;

export function MistakesWidget() {
  const [info, found, at] = [run.value, answers.value, threshold.value];
  const moved = useMemo(() => at, []);
  useEffect(() => {
    if (info?.data.name !== "loans" || found === undefined || info.data.classes[chosen.value] !== "yes") return;
    const { scores, target } = oneAgainstRest(found, chosen.value, true);
    const called = Uint8Array.from(scores, (score) => (score >= at ? 1 : 0));
    const { recall = 0 } = metrics.classScores(called, target, 2)[1] ?? {};
    // Calling everything good finds all of them without deciding anything.
    if (found.step > 0 && at !== moved && recall >= wanted && called.includes(0)) mark("recall");
  }, [info, found, at]);
  useEffect(() => {
    const second = importances.value?.columns[1];
    if (second !== undefined && (found?.step ?? 0) > 0 && curve.value?.column === second.name) mark("second");
  }, [curve.value, importances.value]);
  return (
    <>
      <section class="panel widget" aria-labelledby="mistakes-title">
        <header>
          <h2 id="mistakes-title">{say.whatAMistakeCosts}</h2>
        </header>
        <Answer label={say.theLossOfARowWith} name="loss" truth={-Math.log(0.1)} />
      </section>
      <Results />
    </>
  );
}
