// Prints the results of ONNX's node cases: HEBB_ONNX_CASES=FOLDER node --import tsx test/onnx/report.ts [PATTERN]
import { casesIn } from "./caseFiles.ts";
import { runCases } from "./nodeCases.ts";

const pattern = new RegExp(process.argv[2] ?? "");
const all = casesIn(process.env.HEBB_ONNX_CASES ?? "");
const { passed, refused, wrong, crashed } = runCases(new Map([...all].filter(([name]) => pattern.test(name))));
for (const [kind, lines] of Object.entries({ refused, wrong, crashed }))
  for (const line of lines) console.log(`${kind.padEnd(8)}${line}`);
console.log(JSON.stringify({ passed, refused: refused.length, wrong: wrong.length, crashed: crashed.length }));
