// Prints the scan's calls as JSON, for figures.py:   node --import tsx test/scan/list.ts | python test/scan/figures.py > test/scan/figures.json
import { trials } from "./inputs.ts";
import { rows } from "./rows.ts";

console.log(JSON.stringify(rows.map(({ name, torch, inputs }) => ({ name, torch, trials: trials(inputs) }))));
