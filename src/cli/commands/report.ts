// hebb report: one self-contained HTML file with charts of a run.
import { basename, resolve } from "node:path";
import { writeFileAtomic } from "../../formats/node.ts";
import { understand } from "../../run/understanding/understanding.ts";
import { runPage } from "../html/runPage.ts";
import { out } from "../output.ts";
import { noticesFor } from "../report.ts";
import { openBrowser } from "../studioServer.ts";

export async function report(
  folder: string,
  args: { readonly out?: string | undefined; readonly open: boolean; readonly json: boolean },
): Promise<number> {
  const seen = await understand(folder, noticesFor(args.json));
  if (args.json) {
    out.json(seen);
    return 0;
  }
  const path = args.out ?? `${basename(resolve(folder))}.html`;
  writeFileAtomic(path, new TextEncoder().encode(runPage(seen)));
  out.line(`${folder} → ${path}`);
  if (args.open) openBrowser(`file://${resolve(path)}`);
  return 0;
}
