// A short code of the finished lesson tasks: a learner hands it over, and a teacher reads it in the page. It contains nothing else.

import { HebbError } from "../../src/graph/errors.ts";
import * as say from "../texts/en/course.ts";
import { lessons } from "./lessons.ts";

/** Increases by one whenever lessons or tasks are added, removed or moved: codes of another edition are refused. */
export const edition = 1;

/** Crockford's digits: without I, L, O and U, which are easily misread. */
const digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const perDigit = 5;
const editionBits = 4;
const checkBits = 16;

/** A task by its lesson and its index there, such as "3.0": the first task of lesson 3. */
export const taskNames: readonly string[] = lessons.flatMap(({ tasks }, k) =>
  tasks.map((_, task) => `${k + 1}.${task}`),
);

type Bit = 0 | 1;
const bitsOf = (value: number, count: number): Bit[] =>
  Array.from({ length: count }, (_, k) => ((value >> (count - 1 - k)) & 1 ? 1 : 0));

/** CRC-16 (CCITT, 0x1021, from 0xffff): detects every wrong character, and every swap of two neighbours. */
function checkOf(bits: readonly Bit[]): number {
  let rest = 0xffff;
  for (const bit of bits) {
    const carry = ((rest >> 15) & 1) ^ bit;
    rest = ((rest << 1) & 0xffff) ^ (carry ? 0x1021 : 0);
  }
  return rest;
}

/** Edition, a bit for each task, zeros to a whole number of digits, checksum. */
const paddingBits = (): number => (perDigit - ((editionBits + taskNames.length + checkBits) % perDigit)) % perDigit;

/** The code for some tasks, in groups of four digits. */
export function taskCode(done: ReadonlySet<string>): string {
  const said = [
    ...bitsOf(edition, editionBits),
    ...taskNames.map((name): Bit => (done.has(name) ? 1 : 0)),
    ...bitsOf(0, paddingBits()),
  ];
  const bits = [...said, ...bitsOf(checkOf(said), checkBits)];
  const text = Array.from({ length: bits.length / perDigit }, (_, k) => {
    const value = bits.slice(k * perDigit, (k + 1) * perDigit).reduce<number>((sum, bit) => 2 * sum + bit, 0);
    return digits[value] ?? "";
  }).join("");
  return text.replace(/.{4}(?=.{4})/g, "$&-");
}

const length = (): number => (editionBits + taskNames.length + paddingBits() + checkBits) / perDigit;

/** The tasks of a code. Case, spaces and dashes do not matter; I and L are read as 1, O as 0. Throws a message for an invalid code. */
export function readTaskCode(code: string): ReadonlySet<string> {
  const text = code.toUpperCase().replace(/[\s-]/g, "").replace(/[IL]/g, "1").replace(/O/g, "0");
  const strange = [...text].find((digit) => !digits.includes(digit));
  if (strange !== undefined) throw new HebbError(say.isInNoCodeOfThis(strange));
  if (text.length !== length()) throw new HebbError(say.aCodeHasCharactersThisOne(length(), text.length));
  const bits = [...text].flatMap((digit) => bitsOf(digits.indexOf(digit), perDigit));
  const said = bits.slice(0, -checkBits);
  const check = bits.slice(-checkBits).reduce<number>((sum, bit) => 2 * sum + bit, 0);
  if (checkOf(said) !== check) throw new HebbError(say.aCharacterOfThisCodeIs);
  const written = said.slice(0, editionBits).reduce<number>((sum, bit) => 2 * sum + bit, 0);
  if (written !== edition) throw new HebbError(say.thisCodeIsOfEditionOf(written, edition));
  return new Set(taskNames.filter((_, k) => said[editionBits + k] === 1));
}

/** A line of a class: the name, and its tasks or why the code is invalid. */
export interface Learner {
  readonly name: string;
  readonly done: ReadonlySet<string> | undefined;
  readonly problem: string;
}

/** A class from pasted lines, each a code with the learner's name before it, if there is one. */
export function readClass(text: string): readonly Learner[] {
  const lines = text.split("\n").map((line) => line.trim());
  return lines
    .filter((line) => line !== "")
    .map((line, k): Learner => {
      const words = line.split(/[\s,;:]+/);
      const code = words.at(-1) ?? "";
      const name = words.slice(0, -1).join(" ") || `learner ${k + 1}`;
      try {
        return { name, done: readTaskCode(code), problem: "" };
      } catch (error) {
        return { name, done: undefined, problem: error instanceof Error ? error.message : String(error) };
      }
    });
}
