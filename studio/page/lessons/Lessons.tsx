// Lessons: prose and tasks beside the same live page.
import { signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { type Lesson, type LessonView, lessons } from "../../shared/lessons.ts";
import { runKey, type StudioState, startState } from "../../shared/state.ts";
import { Curves } from "../lab/Curves.tsx";
import { LearnPanel } from "../lab/LearnPanel.tsx";
import { Network } from "../lab/Network.tsx";
import { Notices } from "../lab/Notices.tsx";
import { Output } from "../lab/Output.tsx";
import { change, hot, play, playing, shown, spoken, state, stopped } from "../store.ts";
import { WidgetView } from "./WidgetView.tsx";

/** What was done or answered rightly in each lesson: marks, and tasks that were fulfilled once. */
export const marks = signal<ReadonlySet<string>>(new Set());
const fulfilled = signal<ReadonlySet<string>>(new Set());
let before: StudioState | undefined;

export function mark(name: string): void {
  if (!marks.value.has(name)) marks.value = new Set([...marks.value, name]);
}

function begin(number: number): void {
  const lesson = lessons[number - 1];
  if (lesson === undefined) return;
  before ??= state.value;
  play(false);
  marks.value = new Set();
  change({ ...lesson.setup, surface: "lessons", lesson: number, step: 0 });
}

function viewOf(): LessonView {
  const { snapshot } = hot;
  const now = snapshot?.now;
  return {
    state: state.value,
    step: snapshot?.step ?? 0,
    epoch: snapshot?.epoch ?? 0,
    loss: now?.train.loss ?? Number.NaN,
    metric: now?.train.metric ?? 0,
    marks: marks.value,
  };
}

const isBare = ({ setup }: Lesson): boolean => {
  const now = runKey(state.value);
  return now === runKey(startState) && now !== runKey({ ...startState, ...setup });
};

function List() {
  return (
    <section class="panel lesson-list" aria-labelledby="lessons-title">
      <h2 id="lessons-title">Eight lessons</h2>
      <p class="sentence">
        Each is a few minutes on the live page: something to read, something to do. What you make can be kept in the
        Lab.
      </p>
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
                  {count === tasks.length ? "done" : count > 0 ? `${count} of ${tasks.length}` : ""}
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
    spoken.value = `Task done: ${fresh.map(({ text }) => text).join(" ")}`;
  }, [key]);
  return (
    <ol class="tasks">
      {lesson.tasks.map(({ text }, k) => (
        <li key={text} data-done={now[k] === true}>
          <span class="check" aria-hidden="true">
            {now[k] === true ? "✓" : k + 1}
          </span>
          <span>
            {text}
            <span class="unseen">{now[k] === true ? " (done)" : " (open)"}</span>
          </span>
        </li>
      ))}
    </ol>
  );
}

export function Lessons() {
  const number = state.value.lesson;
  const lesson = lessons[number - 1];
  // A link that names a lesson and nothing else opens it as it begins.
  const [bare, setBare] = useState(() => lesson !== undefined && isBare(lesson));
  useEffect(() => {
    if (!bare) return;
    begin(number);
    setBare(false);
  }, []);
  if (lesson === undefined) return <List />;
  if (bare) return null;
  const leave = (patch: Partial<StudioState>): void => {
    before = undefined;
    change(patch);
  };
  const plane = lesson.widget !== "forward" && lesson.widget !== "backward";
  return (
    <div class="lesson">
      <article class="panel prose" aria-labelledby="lesson-title">
        <p class="hint">
          Lesson {number} of {lessons.length}
        </p>
        <h2 id="lesson-title">{lesson.title}</h2>
        {lesson.says.map((text) => (
          <p key={text}>{text}</p>
        ))}
        <h3>To do</h3>
        <Tasks lesson={lesson} number={number} />
        <div class="row">
          <button type="button" class="small" onClick={() => begin(number)}>
            Start again
          </button>
          <button type="button" class="small" onClick={() => leave({ surface: "lab" })}>
            Keep this in the Lab
          </button>
          <button
            type="button"
            class="small"
            onClick={() => leave({ ...(before ?? {}), surface: "lessons", lesson: 0 })}
          >
            All lessons
          </button>
          {number < lessons.length && (
            <button type="button" class="small accent" onClick={() => begin(number + 1)}>
              Next: {lessons[number]?.title}
            </button>
          )}
        </div>
      </article>
      <div class="lesson-live">
        {stopped.value !== undefined && <Notices stopped={stopped.value} />}
        <WidgetView widget={lesson.widget} />
        {plane && (
          <div class="lesson-pair">
            <Output />
            <LearnPanel />
          </div>
        )}
        <Network />
        {plane && <Curves />}
      </div>
      <span class="unseen">{playing.value ? "training" : "paused"}</span>
    </div>
  );
}
