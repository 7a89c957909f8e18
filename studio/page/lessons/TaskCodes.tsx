// A learner's code of the tasks that are done, and a teacher's table of a class from such codes. Nothing leaves the page.
import { useState } from "preact/hooks";
import { lessons } from "../../shared/lessons.ts";
import { type Learner, readClass, readTaskCode, taskCode, taskNames } from "../../shared/taskCode.ts";
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
      spoken.value = "The tasks of the code are marked as done";
    } catch (error) {
      setTyped(text);
      setProblem(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <>
      <h2 id="your-code">Your code</h2>
      <p class="hint">
        It says which tasks are done. Hand it to your teacher, or enter it in another browser to go on from there.
      </p>
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
                spoken.value = "The code is in the clipboard";
              },
              () => {
                spoken.value = "The browser does not let this page copy: select the code and copy it";
              },
            );
          }}
        >
          Copy
        </button>
      </div>
      <p class="hint" id="code-problem" role="status">
        {problem !== "" && `Not read: ${problem}.`}
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
          <td>
            {done.size} of {taskNames.length}
          </td>
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
      <summary>For teachers: read the codes of a class</summary>
      <label class="hint" for="class-codes">
        Codes, one a line
      </label>
      <textarea
        id="class-codes"
        spellcheck={false}
        placeholder={`Ada ${taskCode(new Set(["1.0", "1.1"]))}`}
        value={text}
        onInput={({ currentTarget }) => setText(currentTarget.value)}
      />
      <p class="hint">
        A name may stand before each code. The codes are read in this page; nothing is sent or stored. A code proves no
        more than that its tasks were ticked.
      </p>
      {learners.length > 0 && (
        <div class="table-scroll" tabIndex={0} role="region" aria-label="The tasks that the class has done">
          <table class="class-table">
            <thead>
              <tr>
                <th scope="col">Learner</th>
                <th scope="col">Tasks done</th>
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
