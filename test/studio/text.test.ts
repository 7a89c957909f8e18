// The engine of the Text surface in Node: tasks and their held-out questions, attention as inspect gives it, links that restore the same bits.
import { describe, expect, it } from "vitest";
import { inspect, tensor, useBackend } from "../../src/index.ts";
import { generate } from "../../src/train/index.ts";
import { Looking } from "../../studio/engine/text/look.ts";
import { makeModel, matchedSize, parameterCount, sizeOf } from "../../studio/engine/text/models.ts";
import { TextRun } from "../../studio/engine/text/run.ts";
import { sequencesOf, taskOf } from "../../studio/engine/text/tasks.ts";
import { textData } from "../../studio/engine/text/textData.ts";
import { TextSession } from "../../studio/engine/text/textSession.ts";
import { Writing } from "../../studio/engine/text/writing.ts";
import { chancesOf, drawnFrom } from "../../studio/page/text/chances.ts";
import { text as names } from "../../studio/shared/corpora/names.ts";
import { text as shakespeare } from "../../studio/shared/corpora/shakespeare.ts";
import { parseHash, printHash, startState } from "../../studio/shared/state.ts";
import {
  modelNames,
  presetOf,
  type SourceName,
  sourceNames,
  sourceTitles,
  startText,
  type TaskName,
  type TextState,
  taskNames,
  textFields,
  textKey,
  textKeys,
} from "../../studio/shared/text.ts";

useBackend({ backend: "wasm", threads: 1 });

const stateOf = (source: SourceName, patch: Partial<TextState> = {}): TextState => ({
  ...startText,
  ...presetOf(source),
  ...patch,
});
const small = { layers: 2, width: 16, heads: 2, batch: 16 } as const;

/** The answer to a question, computed in another way than by the tasks. */
function answerTo(name: TaskName, question: readonly string[], length: number): string {
  const asked = question.slice(0, -1);
  switch (name) {
    case "copy":
      return asked.join("");
    case "reverse":
      return asked.reduce((all, letter) => letter + all, "");
    case "sort":
      return [..."0123456789"].flatMap((digit) => asked.filter((one) => one === digit)).join("");
    case "addition": {
      const [a = 0, b = 0] = asked.join("").split("+").map(Number);
      let left = a + b;
      let out = "";
      for (let k = 0; k <= length; k++) {
        out += left % 10;
        left = Math.floor(left / 10);
      }
      return out;
    }
    case "modular":
      return String((Number(asked[0]) + Number(asked[2])) % length);
    case "parity":
      return asked.map((_, k) => asked.slice(0, k + 1).filter((bit) => bit === "1").length % 2).join("");
    case "brackets": {
      let open = asked.join("");
      for (let before = ""; before !== open; ) {
        before = open;
        open = open.replaceAll("()", "").replaceAll("[]", "");
      }
      const closing = [...open].reverse().map((one) => (one === "(" ? ")" : "]"));
      return closing.join("").padEnd(length, "·");
    }
  }
}

describe("the state of a text run in an address", () => {
  it("round-trips every value", () => {
    for (const source of sourceNames)
      for (const patch of [
        {},
        { beside: ["lstm", "rnn"], model: "gpt", step: 512, lr: 0.0003 } as const,
        { prompt: "To be; or not: 100 % & #1+1=2\n“é”", temperature: 0.4, topK: 5, head: "1.3" },
      ]) {
        const state = { ...startState, text: stateOf(source, patch) };
        expect(parseHash(printHash(state))).toEqual(state);
      }
    expect(printHash(startState)).toBe("");
    expect(printHash({ ...startState, text: { ...startText, source: "sort", step: 40 } })).toBe(
      "text=source:sort;step:40",
    );
  });
  it("rejects invalid states", () => {
    for (const wrong of [
      "source:nothing",
      "layers:99",
      "lr:-1",
      "head:x",
      "beside:cnn",
      ";;:",
      "%25E0%25A4%25A",
      "__proto__:1",
    ])
      expect(parseHash(`text=${wrong}`)).toEqual(startState);
  });
  it("determines which changes restart a run", () => {
    const seen = { step: 9, speed: 2, prompt: "a", temperature: 2, topK: 3, head: "1.1" };
    expect(textKey({ ...startText, ...seen })).toBe(textKey(startText));
    expect(textKeys.filter((key) => textFields[key].changes === "view").sort()).toEqual(Object.keys(seen).sort());
    expect(textKey({ ...startText, lr: 0.1 })).not.toBe(textKey(startText));
  });
});

describe("tasks", () => {
  for (const name of taskNames)
    it(`${name}: every answer is right, and no held-out question is used in training`, () => {
      for (const length of sourceTitles[name].lengths?.slice(1, 6) ?? []) {
        const task = taskOf(name, length);
        const { train, held } = sequencesOf(task, 3);
        for (const { question, answer } of [...held, ...train.slice(0, 300)]) {
          expect(answer.join("")).toBe(answerTo(name, question, length));
          expect([question.length, answer.length]).toEqual([task.question, task.answer]);
          for (const token of [...question, ...answer]) expect(task.tokens).toContain(token);
        }
        const asked = new Set(train.map(({ question }) => question.join(" ")));
        expect(asked.size).toBe(train.length);
        expect(held.some(({ question }) => asked.has(question.join(" ")))).toBe(false);
        expect(held.length).toBeGreaterThan(0);
      }
    });
  it("copy: all 256 held-out answers are right within 200 steps, and the run reports it", () => {
    const session = new TextSession(stateOf("copy"), "");
    let stop = session.verdict(new Set());
    while (session.step < 200 && stop === undefined) {
      session.advance(20);
      stop = session.verdict(new Set());
    }
    expect(session.data.held.length).toBe(256);
    expect(session.runs[0].now().test?.metric).toBe(1);
    expect(stop?.reason).toBe("solved");
    // Its answers generated token by token agree with the count.
    const written = session.writing.write(session.step, stateOf("copy"));
    let made = written.next();
    while (made.done !== true) made = written.next();
    const { value } = made;
    expect(value.kind === "answers" && value.answers.every(({ wanted, given }) => wanted === given)).toBe(true);
  });
  it("stops at NaN with a remedy", () => {
    const session = new TextSession(stateOf("reverse", { ...small, optimizer: "sgd", lr: 100, decay: 10 }), "");
    for (let k = 0; k < 10 && session.advance(20); k++);
    expect(session.runs[0].healthy).toBe(false);
    expect(session.verdict(new Set())).toMatchObject({ reason: "nan", patch: { lr: 30 } });
  });
});

describe("shown values", () => {
  const run = (patch: Partial<TextState>, corpus = ""): TextRun => {
    const state = { ...stateOf("sort"), ...small, ...patch };
    const data = textData(state, corpus);
    const size = sizeOf(state, data.tokens.names.length, data.context);
    return new TextRun(state, data, { name: state.model, size });
  };
  it("attention, logits and the prediction of each layer are as inspect gives them", () => {
    for (const [patch, corpus, prompt] of [
      [{}, "", ""],
      [{ ...presetOf("names"), ...small, layers: 3, heads: 4 }, names, "maria\nju"],
    ] as const) {
      const own = run(patch, corpus);
      own.advance(10);
      const { tokens, layers, heads, attention, logits, said } = new Looking(own.model, own.data).look(prompt);
      const n = tokens.length;
      const { module, size } = own.model;
      module.eval();
      const nodes = inspect(() => module.forward(tensor(tokens, { shape: [1, n] })));
      module.train();
      expect([layers, heads]).toEqual([size.layers, size.heads]);
      for (let layer = 0; layer < layers; layer++) {
        const found = nodes.filter(({ path }) => path.startsWith(`blocks.${layer}.attention.softmax`)).at(-1);
        expect(found?.shape).toEqual([1, heads, n, n]);
        found?.value.forEach((weight, k) => {
          expect(Math.abs(weight - (attention[layer * heads * n * n + k] ?? Number.NaN))).toBeLessThan(1e-6);
        });
      }
      const last = nodes.at(-1);
      last?.value.forEach((value, k) => {
        expect(Math.abs(value - (logits[k] ?? Number.NaN))).toBeLessThan(1e-5);
      });
      for (let place = 0; place < n; place++) {
        const row = logits.subarray(place * size.vocabulary, (place + 1) * size.vocabulary);
        expect(said[layers * n + place]).toBe(row.indexOf(Math.max(...row)));
        // The attention of each head adds up to one, and none of it is on later tokens.
        for (let map = 0; map < layers * heads; map++) {
          const weights = attention.subarray((map * n + place) * n, (map * n + place + 1) * n);
          expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 5);
          expect(weights.subarray(place + 1).every((weight) => weight === 0)).toBe(true);
        }
      }
    }
  });
  it("looking, measuring and writing change nothing in the run", () => {
    const [watched, alone] = [run({ dropout: 0.2 }), run({ dropout: 0.2 })];
    const looking = new Looking(watched.model, watched.data);
    const writing = new Writing(watched.model, watched.data);
    for (let k = 0; k < 4; k++) {
      watched.advance(7);
      looking.look("123");
      looking.projection();
      watched.now();
      expect([...writing.write(watched.step, watched.state)].length).toBeGreaterThan(0);
    }
    alone.advance(28);
    expect(watched.weights()).toEqual(alone.weights());
  });
  it("a text is generated as by the library's generate", () => {
    for (const model of modelNames) {
      const own = run({ ...presetOf("names"), ...small, model }, names);
      own.advance(30);
      const written = new Writing(own.model, own.data).write(30, { temperature: 0, topK: 0, seed: 1 });
      let made = written.next();
      while (made.done !== true) made = written.next();
      const texts = made.value.kind === "texts" ? made.value.texts : [];
      const prompt = own.data.tokens.encode("\n");
      const tokens = [...generate(own.model.module, { prompt, count: 72, context: own.data.context, temperature: 0 })];
      expect(texts[0]).toBe(tokens.map((token) => own.data.tokens.names[token]).join(""));
    }
  });
  it("a letter without a token is named and left out", () => {
    const own = run({});
    const look = new Looking(own.model, own.data).look("1x2=");
    expect(look.unknown).toBe("x");
    expect(Array.from(look.tokens, (token) => own.data.tokens.names[token]).join("")).toBe("12=");
  });
  it("embeddings are projected onto the plane of their largest differences", () => {
    const own = run({});
    own.advance(5);
    const { x, y, share } = new Looking(own.model, own.data).projection();
    const spread = (values: Float32Array): number => values.reduce((sum, value) => sum + value * value, 0);
    expect(spread(x)).toBeGreaterThanOrEqual(spread(y));
    expect(Math.abs(x.reduce((sum, value, k) => sum + value * (y[k] ?? 0), 0))).toBeLessThan(1e-3 * spread(x));
    expect(share).toBeGreaterThan(0);
    expect(share).toBeLessThanOrEqual(1);
  });
});

describe("next tokens by hand", () => {
  const logits = [1, 3, 2, -1];
  it("temperature divides the logits, and only the k likeliest are drawn", () => {
    const all = chancesOf(logits, 2, 0);
    const sum = logits.reduce((total, logit) => total + Math.exp(logit / 2), 0);
    expect(all.map(({ token }) => token)).toEqual([1, 2, 0, 3]);
    for (const { token, chance } of all) expect(chance).toBeCloseTo(Math.exp((logits[token] ?? 0) / 2) / sum, 12);
    expect(chancesOf(logits, 1, 2).map(({ token }) => token)).toEqual([1, 2]);
    expect(chancesOf(logits, 1, 2).reduce((total, { chance }) => total + chance, 0)).toBeCloseTo(1, 12);
    expect(chancesOf(logits, 0, 0)).toEqual([{ token: 1, chance: 1 }]);
    expect(drawnFrom(all, 0)).toBe(1);
    expect(drawnFrom(all, 0.9999)).toBe(3);
  });
});

describe("a link", () => {
  for (const [source, patch, corpus] of [
    ["reverse", { dropout: 0.1 }, ""],
    ["modular", { beside: ["gru"] }, ""],
    ["shakespeare", { tokens: "bpe", vocabulary: 300, context: 16, beside: ["lstm", "rnn"] }, shakespeare],
  ] as const)
    it(`to ${source} restores the same bits, and so does going back`, () => {
      const session = new TextSession({ ...stateOf(source), ...small, ...patch }, corpus);
      session.advance(130);
      session.goTo(37);
      const link = printHash({ ...startState, text: { ...session.state, step: 37 } });
      const { text } = parseHash(link);
      const other = new TextSession(text, corpus);
      other.goTo(text.step);
      expect(other.step).toBe(37);
      expect(other.runs.map((run) => run.weights())).toEqual(session.runs.map((run) => run.weights()));
      expect(other.runs[0].history).toEqual(session.runs[0].history.filter(({ step }) => step <= 37));
    });
});

describe("models side by side", () => {
  it("have as equal numbers of parameters as widths allow", () => {
    for (const source of ["sort", "shakespeare"] as const) {
      const state = stateOf(source, { model: "gpt", beside: ["lstm", "gru", "rnn"] });
      const { runs } = new TextSession(state, shakespeare);
      const [{ info }] = runs;
      expect(runs.map(({ info: own }) => own.model)).toEqual(["gpt", "lstm", "gru", "rnn"]);
      for (const run of runs) {
        expect(Math.abs(run.info.parameters / info.parameters - 1)).toBeLessThan(0.03);
        expect(parameterCount(run.model.name, run.model.size)).toBe(run.info.parameters);
      }
    }
  });
  it("are counted before they are created", () => {
    const size = { vocabulary: 20, context: 12, layers: 2, width: 24, heads: 4, dropout: 0 };
    for (const like of modelNames)
      for (const name of modelNames) {
        const own = matchedSize(name, { name: like, size });
        const { module } = makeModel(name, own);
        expect(module.parameters().reduce((sum, one) => sum + one.size, 0)).toBe(parameterCount(name, own));
      }
  });
});

describe("texts", () => {
  it("become tokens, and the end is held out", () => {
    for (const tokens of ["characters", "bpe"] as const) {
      const state = stateOf("own", { tokens, vocabulary: 300 });
      const data = textData(state, shakespeare);
      if (data.kind !== "corpus") throw new Error("a text is a corpus");
      const written = (part: Int32Array): string => Array.from(part, (token) => data.tokens.names[token]).join("");
      expect(written(data.train.tokens) + written(data.held.tokens)).toBe(shakespeare);
      expect(data.held.tokens.length).toBeGreaterThan(0.09 * data.train.tokens.length);
    }
  });
  it("may be short, and are refused with a message if they are empty", () => {
    for (const tiny of ["abcdef", "one line\n", "日本語のテキスト", "a".repeat(50)]) {
      const run = new TextSession(stateOf("own", small), tiny);
      expect(run.advance(2)).toBe(true);
    }
    for (const empty of ["", " \n ", "ab"]) expect(() => new TextSession(stateOf("own"), empty)).toThrow(/text/);
  });
});
