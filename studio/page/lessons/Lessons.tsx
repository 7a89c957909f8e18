// Lessons: prose and tasks next to the same live page.

import { useEffect, useState } from "preact/hooks";
import { type Lesson, type LessonView, lessons } from "../../shared/lessons.ts";
import { runKey, type StudioState, startState } from "../../shared/state.ts";
import { textKey } from "../../shared/text.ts";
import * as say from "../../texts/en/lessons.ts";
import { Curves } from "../lab/Curves.tsx";
import { LearnPanel } from "../lab/LearnPanel.tsx";
import { Network } from "../lab/Network.tsx";
import { Output } from "../lab/Output.tsx";
import { bringBack, change, hot, keepThis, play, playing, run, shown, spoken, state, takeOver } from "../store.ts";
import { fulfilled, marks } from "./marks.ts";
import { TaskCodes } from "./TaskCodes.tsx";
import { WidgetView } from "./WidgetView.tsx";

function begin(number: number): void {
  const lesson = lessons[number - 1];
  if (lesson === undefined) return;
  play(false);
  marks.value = new Set();
  takeOver({ ...lesson.setup, surface: "lessons", lesson: number, step: 0 }, `lesson ${number}`);
  // The click was at the end of a list, or of the previous lesson.
  scrollTo({ top: 0 });
}

function viewOf(): LessonView {
  const { snapshot } = hot;
  const { train, test } = snapshot?.now ?? {};
  const info = run.value?.data;
  return {
    state: state.value,
    step: snapshot?.step ?? 0,
    epoch: snapshot?.epoch ?? 0,
    loss: train?.loss ?? Number.NaN,
    metric: (test ?? train)?.metric ?? 0,
    trainMetric: train?.metric ?? 0,
    testLoss: test?.loss,
    batches: run.value?.batches ?? 0,
    parameters: run.value?.parameters ?? 0,
    testRows: info?.testCount ?? 0,
    majority: info?.majority ?? 0,
    marks: marks.value,
  };
}

/** Keeps a number and its per cent sign on one line. */
const unparted = (text: string): string => text.replaceAll(/(\d) %/g, "$1\u00a0%");

const isBare = ({ setup }: Lesson): boolean => {
  const keyOf = (one: StudioState): string => `${runKey(one)} ${textKey(one.text)}`;
  const now = keyOf(state.value);
  return now === keyOf(startState) && now !== keyOf({ ...startState, ...setup });
};

function List() {
  return (
    <section class="panel lesson-list" aria-labelledby="lessons-title">
      <h2 id="lessons-title">{say.fourteenLessons}</h2>
      <p class="sentence">{say.eachIsAFewMinutesOn}</p>
      <ol>
        {lessons.map(({ title, about, tasks }, k) => {
          const count = tasks.filter((_, task) => fulfilled.value.has(`${k + 1}.${task}`)).length;
          return (
            <li key={title}>
              <button type="button" onClick={() => begin(k + 1)}>
                <span class="lesson-number">{k + 1}</span>
                <span>
                  <b>{title}</b>
                  <span class="hint">{about}</span>
                </span>
                <span class="hint">
                  {count === tasks.length ? say.done : count > 0 ? say.ofWord(count, tasks.length) : ""}
                </span>
              </button>
            </li>
          );
        })}
      </ol>
    </section>
  );
}

function Tasks({ lesson, number }: { readonly lesson: Lesson; readonly number: number }) {
  shown.value;
  const view = viewOf();
  const ready = !hot.stale && view.state.lesson === number;
  const now = lesson.tasks.map((task, k) => fulfilled.value.has(`${number}.${k}`) || (ready && task.done(view)));
  const key = now.join();
  useEffect(() => {
    const fresh = lesson.tasks.filter((_, k) => now[k] === true && !fulfilled.value.has(`${number}.${k}`));
    if (fresh.length === 0) return;
    fulfilled.value = new Set([
      ...fulfilled.value,
      ...lesson.tasks.flatMap((_, k) => (now[k] === true ? [`${number}.${k}`] : [])),
    ]);
    spoken.value = say.taskDone(fresh.map(({ text }) => text).join(" "));
  }, [key]);
  return (
    <ol class="tasks">
      {lesson.tasks.map(({ text }, k) => (
        <li key={text} data-done={now[k] === true}>
          <span class="check" aria-hidden="true">
            {now[k] === true ? "✓" : k + 1}
          </span>
          <span>
            {unparted(text)}
            <span class="unseen">{now[k] === true ? say.done2 : say.open}</span>
          </span>
        </li>
      ))}
    </ol>
  );
}

export function Lessons() {
  const number = state.value.lesson;
  const lesson = lessons[number - 1];
  // A link with nothing but a lesson opens it at its beginning.
  const [bare, setBare] = useState(() => lesson !== undefined && isBare(lesson));
  useEffect(() => {
    if (!bare) return;
    begin(number);
    setBare(false);
  }, []);
  if (lesson === undefined)
    return (
      <>
        <List />
        <TaskCodes />
      </>
    );
  if (bare) return null;
  // The surface of the lesson's run.
  const home = lesson.widget === "attention" ? "text" : "lab";
  // These widgets replace the network and everything else.
  const instead = lesson.widget === "attention" || lesson.widget === "mistakes";
  const plane = !instead && lesson.widget !== "forward" && lesson.widget !== "backward";
  return (
    <div class="lesson">
      <article class="panel prose" aria-labelledby="lesson-title">
        <p class="hint">{say.lessonOf(number, lessons.length)}</p>
        <h2 id="lesson-title">{lesson.title}</h2>
        {lesson.says.map((text) => (
          <p key={text}>{unparted(text)}</p>
        ))}
        <h3>{say.toDo}</h3>
        <Tasks lesson={lesson} number={number} />
        <div class="row">
          <button type="button" class="small" onClick={() => begin(number)}>
            {say.startAgain}
          </button>
          <button
            type="button"
            class="small"
            onClick={() => {
              keepThis();
              change({ surface: home });
            }}
          >
            {say.keepThisIn(home === "lab" ? say.theLab : say.text)}
          </button>
          <button type="button" class="small" onClick={() => bringBack({ surface: "lessons", lesson: 0 })}>
            {say.allLessons}
          </button>
          {number < lessons.length && (
            <button type="button" class="small accent" onClick={() => begin(number + 1)}>
              {say.next(lessons[number]?.title)}
            </button>
          )}
        </div>
      </article>
      <div class="lesson-live">
        <WidgetView widget={lesson.widget} />
        {plane && (
          <div class="lesson-pair">
            <Output />
            <LearnPanel />
          </div>
        )}
        {!instead && <Network />}
        {plane && <Curves />}
      </div>
      <span class="unseen">{playing.value ? say.training : say.paused}</span>
    </div>
  );
}
