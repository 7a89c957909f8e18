#!/usr/bin/env bash
# Installs a packed tarball into an empty project and uses it as a stranger would.   usage: smoke.sh TARBALL
set -euo pipefail
tarball=$(realpath "$1")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
echo '{"name":"smoke","private":true,"type":"module"}' > package.json
npm install --silent --no-audit --no-fund "$tarball"
cat > smoke.mjs <<'JS'
import { compile, nn, optim, seed, tensor } from "hebb";
import { Linear } from "hebb/nn";
import { Adam } from "hebb/optim";
import "hebb/data";
import "hebb/train";
import "hebb/formats";
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
JS
node smoke.mjs
npx --no-install hebb --help | head -3
# The types must serve a strict project of somebody else.
cat > smoke.ts <<'TS'
import { nn, tensor, type Tensor } from "hebb";
const out: Tensor = new nn.Linear(2, 3).forward(tensor([[1, 2]]));
export const shape: readonly number[] = out.shape;
TS
cat > tsconfig.json <<'JSON'
{ "compilerOptions": { "target": "ES2022", "lib": ["ES2023", "DOM", "ESNext.Disposable"], "module": "NodeNext", "strict": true, "noEmit": true,
  "exactOptionalPropertyTypes": true, "types": [] }, "files": ["smoke.ts"] }
JSON
if [ -n "${TSC:-}" ]; then node "$TSC"; fi
