// Lesson 13: a small transformer learns to reverse, next to its attention; the bar above controls it.

import { useEffect } from "preact/hooks";
import * as say from "../../texts/en/lessons.ts";
import { Attention } from "../text/Attention.tsx";
import { Reading } from "../text/Reading.tsx";
import { TextCurves } from "../text/TextCurves.tsx";
import { headIn, hot, slow, text } from "../text/textStore.ts";
import { useTextRun } from "../text/useTextRun.ts";
import { Answer } from "./Answer.tsx";
import { looksBack } from "./looksBack.ts";
import { mark } from "./marks.ts";

const learned = 0.9;
export function AttentionWidget() {
  useTextRun(false);
  slow.value;
  const { length, source, head } = text.value;
  useEffect(() => {
    const { picture } = hot;
    if (picture === undefined || source !== "reverse") return;
    if ((picture.lanes[0]?.now.test?.metric ?? 0) >= learned && picture.step > 0) mark("reversed");
  });
  useEffect(() => {
    const look = hot.picture?.look;
    if (look === undefined || source !== "reverse" || (hot.picture?.lanes[0]?.now.test?.metric ?? 0) < learned) return;
    const { layer, head: own } = headIn(look);
    const size = look.tokens.length ** 2;
    const from = (layer * look.heads + own) * size;
    if (looksBack(look.attention.subarray(from, from + size), look.tokens.length, length)) mark("head");
  }, [head, slow.value]);
  return (
    <>
      <section class="panel widget" aria-labelledby="reverse-title">
        <header>
          <h2 id="reverse-title">{say.sixLettersAndBackwards}</h2>
        </header>
        <Answer label={say.theLetterToLookAtFirst} name="looks" truth={6} tolerance={0.001} />
        <p class="hint">{say.playIsAboutThisModelNow}</p>
      </section>
      <TextCurves />
      <Reading />
      <Attention />
    </>
  );
}
