// Tasks that a small model learns in seconds: generated sequences, each a question with its only correct answer.

import { data, HebbError } from "../../../src/index.ts";
import type { TaskName } from "../../shared/text.ts";
import * as say from "../../texts/en/engine.ts";

export interface Sequence {
  readonly question: readonly string[];
  readonly answer: readonly string[];
}

export interface Task {
  /** Every token that may occur, in order. */
  readonly tokens: readonly string[];
  /** Tokens of every question and of every answer. */
  readonly question: number;
  readonly answer: number;
  /** The number of different questions. */
  readonly questions: number;
  draw(random: data.Random): Sequence;
}

const letters = [..."abcdefgh"];
const digits = [..."0123456789"];
const pairs = ["()", "[]"] as const;
/** Ends a question. */
const equals = "=";
/** Pads an answer that is shorter than the longest. */
const blank = "·";

const pick = (random: data.Random, from: readonly string[], count: number): string[] =>
  Array.from({ length: count }, () => from[random.integer(from.length)] ?? "");

/** An answer computed from the letters of the question. */
function rewriting(from: readonly string[], length: number, answer: (letters: string[]) => string[]): Task {
  return {
    tokens: [...from, equals],
    question: length + 1,
    answer: length,
    questions: from.length ** length,
    draw: (random) => {
      const drawn = pick(random, from, length);
      return { question: [...drawn, equals], answer: answer([...drawn]) };
    },
  };
}

function addition(length: number): Task {
  const written = (value: number, places: number): string[] => [...String(value).padStart(places, "0")];
  const most = 10 ** length;
  return {
    tokens: [...digits, "+", equals],
    question: 2 * length + 2,
    answer: length + 1,
    questions: most ** 2,
    draw: (random) => {
      const [a, b] = [random.integer(most), random.integer(most)];
      return {
        question: [...written(a, length), "+", ...written(b, length), equals],
        answer: written(a + b, length + 1).reverse(),
      };
    },
  };
}

function modular(modulus: number): Task {
  const numbers = Array.from({ length: modulus }, (_, k) => String(k));
  return {
    tokens: [...numbers, "+", equals],
    question: 4,
    answer: 1,
    questions: modulus ** 2,
    draw: (random) => {
      const [a, b] = [random.integer(modulus), random.integer(modulus)];
      return { question: [String(a), "+", String(b), equals], answer: [String((a + b) % modulus)] };
    },
  };
}

/** The parity of the bits up to each one. */
function parities(bits: readonly string[]): string[] {
  let odd = 0;
  return bits.map((bit) => {
    odd ^= bit === "1" ? 1 : 0;
    return String(odd);
  });
}

/** The beginning of balanced brackets; the answer closes them, from the innermost. */
function brackets(length: number): Task {
  return {
    tokens: [...pairs.flatMap((pair) => [...pair]), equals, blank],
    question: length + 1,
    answer: length,
    // At every position one of two brackets may open, or the current one may close: this is an upper bound.
    questions: 3 ** length,
    draw: (random) => {
      const open: string[] = [];
      const question: string[] = [];
      for (let place = 0; place < length; place++) {
        const closes = open.length > 0 && random.uniform() < 0.45 ? open.pop() : undefined;
        if (closes !== undefined) question.push(closes);
        else {
          const [opens = "", closing = ""] = pairs[random.integer(pairs.length)] ?? "";
          question.push(opens);
          open.push(closing);
        }
      }
      const answer = open.reverse();
      return {
        question: [...question, equals],
        answer: [...answer, ...Array.from({ length: length - answer.length }, () => blank)],
      };
    },
  };
}

export function taskOf(name: TaskName, length: number): Task {
  switch (name) {
    case "copy":
      return rewriting(letters, length, (drawn) => drawn);
    case "reverse":
      return rewriting(letters, length, (drawn) => drawn.reverse());
    case "sort":
      return rewriting(digits, length, (drawn) => drawn.sort());
    case "parity":
      return rewriting(["0", "1"], length, parities);
    case "addition":
      return addition(length);
    case "modular":
      return modular(length);
    case "brackets":
      return brackets(length);
  }
}

/** The most training sequences and held-out sequences. */
export const most = { train: 8192, held: 256 } as const;
/** The held-out share for a task with few questions. */
const heldShare = 0.2;

/** Different questions, some of them held out; no question is in both parts. */
export function sequencesOf(task: Task, seed: number): { readonly train: Sequence[]; readonly held: Sequence[] } {
  const random = new data.Random(seed, 0x7461736b);
  const known = new Map<string, Sequence>();
  const wanted = Math.min(task.questions, most.train + most.held);
  // When nearly all questions are needed, the last ones are rarely drawn: some may be missing.
  for (let tries = 0; known.size < wanted && tries < 12 * wanted; tries++) {
    const drawn = task.draw(random);
    const key = drawn.question.join(" ");
    if (!known.has(key)) known.set(key, drawn);
  }
  const all = [...known.values()];
  const held = Math.min(most.held, Math.round(heldShare * all.length));
  if (held < 1 || all.length - held < 1) throw new HebbError(say.thereAreOnlyDifferentQuestionsOf(all.length));
  return { held: all.slice(0, held), train: all.slice(held) };
}
