// The table of docs/pytorch.md: every public name of PyTorch, and its equivalent here. Generated from the exports, so that it stays true.
import { readFileSync } from "node:fs";
import * as hebb from "../../src/index.ts";
import { methodNames } from "../arguments/subjects.ts";
import { type Alias, aliases, type Group, groups } from "./differs.ts";

interface Names {
  readonly torch: string;
  readonly rooms: Readonly<Record<string, readonly string[]>>;
}
export const names: Names = JSON.parse(readFileSync(new URL("names.json", import.meta.url), "utf8"));

export type Entry =
  | { readonly kind: "ours"; readonly name: string; readonly as: string }
  | { readonly kind: "not"; readonly name: string; readonly group: Group }
  | { readonly kind: "open"; readonly name: string };

/** as_strided → asStrided; class names stay. */
export const camelCase = (name: string): string =>
  name.replace(/_+$/, "").replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

const getters = (): string[] => {
  const found: string[] = [];
  for (let owner: object = hebb.Tensor.prototype; owner !== Object.prototype; owner = Object.getPrototypeOf(owner))
    for (const [name, { get }] of Object.entries(Object.getOwnPropertyDescriptors(owner)))
      if (get !== undefined) found.push(name);
  return found;
};
const members: ReadonlySet<string> = new Set([...methodNames(), ...getters(), "shape", "dtype"]);

const has = (owner: object, name: string): boolean => Object.hasOwn(owner, name);
const roomsOfOurs: Readonly<Record<string, object>> = {
  "": hebb,
  ...Object.fromEntries(
    Object.entries({
      "nn.functional": hebb.nn.functional,
      "nn.init": hebb.nn.init,
      "nn.utils": hebb.nn.utils,
      nn: hebb.nn,
      optim: hebb.optim,
    }).map(([room, owner]) => [room, owner]),
  ),
};

/** Whether code such as "x.abs", "nn.functional.relu" or "cat" exists here. */
export function resolves(code: string): boolean {
  const end = code.lastIndexOf(".");
  const [room, name] = [code.slice(0, Math.max(0, end)), code.slice(end + 1)];
  if (room === "x") return members.has(name);
  const owner = roomsOfOurs[room] ?? Reflect.get(hebb, room);
  return typeof owner === "object" && owner !== null && has(owner, name);
}

/** Where to look for a name from each of PyTorch's rooms, in this order. */
const places: Readonly<Record<string, readonly string[]>> = {
  Tensor: ["x"],
  torch: ["", "x"],
  nn: ["nn"],
  "nn.functional": ["nn.functional"],
  "nn.init": ["nn.init"],
  "nn.utils": ["nn.utils", "optim"],
  "nn.utils.rnn": ["nn.utils"],
  optim: ["optim"],
  "optim.lr_scheduler": ["optim"],
  "optim.swa_utils": ["optim"],
  linalg: ["linalg"],
  fft: ["fft"],
  func: ["func", "", "nn"],
  special: ["special", "x"],
  autograd: [""],
  "autograd.functional": ["func", ""],
  "utils.checkpoint": [""],
};

const aliasOf = (room: string, name: string): Alias | undefined =>
  aliases.find((alias) => (alias.room === room || alias.room === "*") && alias.names.split(" ").includes(name));

function entryOf(room: string, name: string): Entry {
  const camel = camelCase(name);
  const inPlace = /[a-z0-9]_$/.test(name) && room !== "nn.init" && room !== "nn.utils";
  if (!inPlace) {
    for (const place of places[room] ?? []) {
      const code = place === "" ? camel : `${place}.${camel}`;
      if (resolves(code)) return { kind: "ours", name, as: code };
    }
    const alias = aliasOf(room, name);
    if (alias !== undefined) {
      const code = alias.ours.replace("*", camel);
      if (resolves(code)) return { kind: "ours", name, as: code };
    }
  }
  const group = groups.find((each) => (each.rooms?.includes(room) ?? true) && each.names.test(name));
  return group === undefined ? { kind: "open", name } : { kind: "not", name, group };
}

export const entries = (room: string): Entry[] => (names.rooms[room] ?? []).map((name) => entryOf(room, name));

/** The share of names that hebb has, not counting those with a reason to be missing. */
export function coverage(room: string): {
  readonly ours: number;
  readonly open: number;
  readonly not: number;
  readonly share: number;
} {
  const all = entries(room);
  const count = (kind: Entry["kind"]): number => all.filter((entry) => entry.kind === kind).length;
  const [ours, open, not] = [count("ours"), count("open"), count("not")];
  return { ours, open, not, share: ours / Math.max(1, ours + open) };
}

const code = (text: string): string => `\`${text}\``;

function roomTable(room: string): string {
  const all = entries(room);
  const lines = all.flatMap((entry) =>
    entry.kind === "ours"
      ? [`| ${code(entry.name)} | ${code(entry.as)} |`]
      : entry.kind === "open"
        ? [`| ${code(entry.name)} | not yet |`]
        : [],
  );
  const without = new Map<Group, string[]>();
  for (const entry of all)
    if (entry.kind === "not") without.set(entry.group, [...(without.get(entry.group) ?? []), entry.name]);
  const reasons = [...without].map(([{ because }, list]) => `- Absent: ${because}: ${list.map(code).join(" ")}`);
  return `## ${room === "Tensor" ? "torch.Tensor" : room === "torch" ? "torch" : `torch.${room}`}

| PyTorch | hebb |
|---|---|
${lines.join("\n")}
${reasons.length === 0 ? "" : `\n${reasons.join("\n")}\n`}`;
}

/** The page. */
export function pytorchTable(): string {
  const rooms = Object.keys(names.rooms);
  const summary = rooms.map((room) => {
    const { ours, open, not, share } = coverage(room);
    return `| ${room === "Tensor" || room === "torch" ? room : `torch.${room}`} | ${ours} | ${open} | ${(share * 100).toFixed(0)} % | ${not} |`;
  });
  return `# PyTorch's names

Every public name of PyTorch ${names.torch} (\`test/parity/names.json\`, listed by \`test/parity/names.py\`) with its name in hebb: \`x.abs\` is a
method of Tensor, \`cat\` a function of \`hebb\`. Names are PyTorch's in camelCase. If hebb's name differs, it is an alias in PyTorch too, or several
PyTorch names are one function here. "Not yet" marks missing names. Names left out on purpose are listed below each table, with the reason.
Generated by \`npm run docs:pytorch\`; a test fails when it is out of date.

Intended differences:

- \`allclose\` and \`equal\` return a 0-d bool tensor, not a JavaScript boolean, so that they can be part of a compiled function.
- The results of \`nonzero\`, \`maskedSelect\`, \`unique\`, \`uniqueConsecutive\` and \`bincount\` have a size that depends on values. These functions read the values, so they
  return promises or have \`Sync\` in their names, and cannot be used in a compiled function.
- \`x.index(…)\` and \`x.indexPut([…], values)\` replace \`x[…]\` and its assignment; slices are strings, \`"1:-1"\`.
- \`cummax\`, \`median\`, \`mode\` and the like return { values, indices }; unique always returns { values, inverse, counts }.
- \`torch.max(x, dim)\` is \`x.max(dim)\`; over several dims it is \`amax\`.
- Complex numbers have their real and imaginary parts in a last dim of 2, as in \`torch.view_as_real\`. \`fft\` does not count this dim, and takes
  real numbers only in \`fft.rfft\`.
- A module is called with \`model.forward(x)\`: a class whose instances are functions would need \`any\` at every layer.

| room | hebb has | not yet | covered | absent, with a reason |
|---|---:|---:|---:|---:|
${summary.join("\n")}

${rooms.map(roomTable).join("\n")}`;
}
