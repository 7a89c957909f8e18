// Faults that nobody can observe: the file, the line as it stands there, what is changed in it, and why nothing follows.

/** @type {readonly { file: string; line: string; from: string; to: string; why: string }[]} */
export const equivalent = [
  {
    file: "src/data/random.ts",
    line: "const held = values[i] ?? 0;",
    from: "0",
    to: "1",
    why: "i is a place of the array, so its default is never taken",
  },
  {
    file: "src/data/split.ts",
    line: "const now = taken[i] ?? 0;",
    from: "0",
    to: "1",
    why: "i is a place of the array, so its default is never taken",
  },
  {
    file: "src/compiler/schedule.ts",
    line: 'if (rule.kind !== "element") return { cost: 0, levels: 0, isView: false, rereads: new Set() };',
    from: "0",
    to: "1",
    why: "the schedule asks for costs of element rules alone",
  },
  {
    file: "src/backends/contraction/sides.ts",
    line: "export const bothPacked: InPlace = { a: false, b: false, pieces: false, mostUneven: 0 };",
    from: "0",
    to: "1",
    why: "the limit is read only where rows are read in place",
  },
  {
    file: "src/backends/contraction/choose.ts",
    line: "Math.max(high * wide * costs.multiplyAdd, (high + wide) * costs.load, high * wide < 8 ? costs.latency : 0) +",
    from: "0",
    to: "1",
    why: "the first term is above 1 wherever the third is not the latency",
  },
  {
    file: "src/backends/contraction/groups.ts",
    line: "if (by.size === 0) return [...statements];",
    from: "0",
    to: "1",
    why: "axes are merged in twos or more, and with none the statements are copied all the same",
  },
  {
    file: "src/backends/contraction/words.ts",
    line: "if (inner === undefined || stride >= inner.step * inner.extent)",
    from: ">=",
    to: ">",
    why: "dims that follow one another without a gap reach the same places as one dim or as two",
  },
  {
    file: "src/optim/muon.ts",
    line: "const [a = 0, b = 0, c = 0] = nsCoefficients;",
    from: "0",
    to: "1",
    why: "three coefficients are asked for when the optimizer is made, so the defaults are never taken",
  },
  {
    file: "src/backends/contraction/sources.ts",
    line: 'if (steps.length > 1 && span !== width) throw new InternalError("uneven rows are those of one tile");',
    from: "1",
    to: "2",
    why: "it guards against a fault of the planner, which makes no such rows",
  },
  {
    file: "src/backends/contraction/groups.ts",
    line: "if (inner.length < 2) continue;",
    from: "",
    to: "false &&",
    why: "a group of one axis is merged into that axis itself",
  },
  {
    file: "src/compiler/compile.ts",
    line: "forgetIndices();",
    from: "forgetIndices();",
    to: "",
    why: "what is known of the indices of an earlier program holds as well for this one, and only takes memory",
  },
  {
    file: "src/compiler/simplify.ts",
    line: "let nextSourceId = 0;",
    from: "0",
    to: "1",
    why: "numbers of sources are only compared with one another",
  },
];
