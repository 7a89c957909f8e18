// Writes docs/pytorch.md: npm run docs:pytorch.
import { writeFileSync } from "node:fs";
import { pytorchTable } from "../test/parity/table.ts";

writeFileSync(new URL("../docs/pytorch.md", import.meta.url), pytorchTable());
