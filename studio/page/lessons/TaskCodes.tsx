// A learner's code of finished tasks, and a teacher's table of a class from such codes. Nothing leaves the page.

import { useState } from "preact/hooks";
import { lessons } from "../../shared/lessons.ts";
import { type Learner, readClass, readTaskCode, taskCode, taskNames } from "../../shared/taskCode.ts";
import * as say from "../../texts/en/lessons.ts";
import { spoken } from "../store.ts";
import { fulfilled } from "./marks.ts";

function YourCode() {
  const [typed, setTyped] = useState<string | undefined>(undefined);
  const [problem, setProblem] = useState("");
  const code = taskCode(fulfilled.value);
  const read = (text: string): void => {
    try {
      fulfilled.value = new Set([...fulfilled.value, ...readTaskCode(text)]);
      setTyped(undefined);
      setProblem("");
      spoken.value = say.theTasksOfTheCodeAre;
    } catch (error) {
      setTyped(text);
      setProblem(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <>
      <h2 id="your-code">{say.yourCode}</h2>
      <p class="hint">{say.itSaysWhichTasksAreDone}</p>
      <div class="row">
        <input
          type="text"
          aria-labelledby="your-code"
          aria-describedby="code-problem"
          spellcheck={false}
          autocomplete="off"
          value={typed ?? code}
          onInput={({ currentTarget }) => read(currentTarget.value)}
        />
        <button
          type="button"
          class="small"
          onClick={() => {
            navigator.clipboard?.writeText(code).then(
              () => {
                spoken.value = say.theCodeIsInTheClipboard;
              },
              () => {
                spoken.value = say.theBrowserDoesNotLetThis;
              },
            );
          }}
        >
          {say.copy}
        </button>
      </div>
      <p class="hint" id="code-problem" role="status">
        {problem !== "" && say.notRead(problem)}
      </p>
    </>
  );
}

function cellOf(done: ReadonlySet<string>, lesson: number, tasks: number): string {
  const count = Array.from({ length: tasks }, (_, task) => `${lesson + 1}.${task}`).filter((name) => done.has(name));
  return count.length === 0 ? "–" : count.length === tasks ? "✓" : `${count.length}/${tasks}`;
}

function Row({ name, done, problem }: Learner) {
  return (
    <tr>
      <th scope="row" title={name}>
        {name}
      </th>
      {done === undefined ? (
        <td colSpan={lessons.length + 1}>{problem}</td>
      ) : (
        <>
          <td>{say.ofWord2(done.size, taskNames.length)}</td>
          {lessons.map(({ title, tasks }, k) => (
            <td key={title}>{cellOf(done, k, tasks.length)}</td>
          ))}
        </>
      )}
    </tr>
  );
}

function ForTeachers() {
  const [text, setText] = useState("");
  const learners = readClass(text);
  return (
    <details>
      <summary>{say.forTeachersReadTheCodesOf}</summary>
      <label class="hint" for="class-codes">
        {say.codesOneALine}
      </label>
      <textarea
        id="class-codes"
        spellcheck={false}
        placeholder={say.ada(taskCode(new Set(["1.0", "1.1"])))}
        value={text}
        onInput={({ currentTarget }) => setText(currentTarget.value)}
      />
      <p class="hint">{say.aNameMayStandBeforeEach}</p>
      {learners.length > 0 && (
        <div class="table-scroll" tabIndex={0} role="region" aria-label={say.theTasksThatTheClassHas}>
          <table class="class-table">
            <thead>
              <tr>
                <th scope="col">{say.learner}</th>
                <th scope="col">{say.tasksDone}</th>
                {lessons.map(({ title }, k) => (
                  <th key={title} scope="col" title={title}>
                    {k + 1}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {learners.map((learner, k) => (
                <Row key={`${k} ${learner.name}`} {...learner} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </details>
  );
}

export function TaskCodes() {
  return (
    <section class="panel task-code" aria-labelledby="your-code">
      <YourCode />
      <ForTeachers />
    </section>
  );
}
