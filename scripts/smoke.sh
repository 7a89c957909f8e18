#!/usr/bin/env bash
# Installs a packed tarball into an empty project and uses it as a stranger would.   usage: smoke.sh TARBALL
set -euo pipefail
tarball=$(realpath "$1")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
echo '{"name":"smoke","private":true,"type":"module"}' > package.json
npm install --silent --no-audit --no-fund "$tarball"
npx --no-install hebb train iris --epochs 3 --out flowers >/dev/null
cat > smoke.mjs <<'JS'
import { compile, nn, optim, seed, tensor } from "hebb";
import { Linear } from "hebb/nn";
import { Adam } from "hebb/optim";
import "hebb/data";
import "hebb/train";
import "hebb/formats";
import "hebb/formats/node";
import "hebb/onnx";
import "hebb/onnx/node";
import { loadRun } from "hebb/run";
import "hebb/tensor";

if (nn.Linear !== Linear || optim.Adam !== Adam) throw new Error("the subpaths hold other classes than the main entry");
seed(1);
const model = new nn.Sequential(new nn.Linear(2, 8), new nn.Tanh(), new nn.Linear(8, 1));
const optimizer = new optim.Adam(model.parameters(), { lr: 0.05 });
const x = tensor([[0, 0], [0, 1], [1, 0], [1, 1]]);
const y = tensor([[0], [1], [1], [0]]);
const step = compile((x, y) => {
  const loss = nn.functional.bceWithLogits(model.forward(x), y);
  optimizer.zeroGrad();
  loss.backward();
  optimizer.step();
  return loss;
});
const first = await step(x, y).item();
let last = first;
for (let i = 0; i < 300; i++) last = await step(x, y).item();
if (!(last < 0.1 * first)) throw new Error(`XOR was not learned: loss ${first} → ${last}`);
console.log(`packed library: XOR learned, loss ${first.toFixed(3)} → ${last.toFixed(4)}`);
if (!String(model).includes("(0): Linear(2 → 8)")) throw new Error(`a model prints as ${model}`);
const [flower] = await (await loadRun("flowers")).predict([
  { sepal_length: 5.1, sepal_width: 3.5, petal_length: 1.4, petal_width: 0.2 },
]);
if (typeof flower?.prediction !== "string") throw new Error(`the run predicts ${JSON.stringify(flower)}`);
JS
node smoke.mjs
npx --no-install hebb --help | head -3
# The types must work in a strict project, also without Node's types; every entry is imported.
cat > smoke.ts <<'TS'
import "hebb/data";
import "hebb/data/node";
import "hebb/formats/node";
import "hebb/optim";
import "hebb/tensor";
import "hebb/testing";
import "hebb/train";
import { nn, tensor, type Tensor } from "hebb";
import { writeSafetensors } from "hebb/formats";
import { loadRun, type Prediction } from "hebb/run";
const out: Tensor = new nn.Linear(2, 3).forward(tensor([[1, 2]]));
export const shape: readonly number[] = out.shape;
export const bytes: Uint8Array = writeSafetensors(new nn.Linear(2, 3).stateDict());
export const told: Promise<Prediction[]> = loadRun("flowers").then((run) => run.predict([{ sepal_length: 5 }]));
TS
cat > tsconfig.json <<'JSON'
{ "compilerOptions": { "target": "ES2022", "lib": ["ES2023", "DOM", "ESNext.Disposable"], "module": "NodeNext", "strict": true, "noEmit": true,
  "exactOptionalPropertyTypes": true, "types": [] }, "files": ["smoke.ts"] }
JSON
if [ -n "${TSC:-}" ]; then node "$TSC"; fi
