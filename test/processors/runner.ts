// The part of Vitest that the suites need, so that a bundle of them runs on any Node, under an emulator too.
import { JestChaiExpect } from "@vitest/expect";
import { expect as assert, use } from "chai";

use(JestChaiExpect);

type Body = () => unknown;
interface Group {
  readonly name: string;
  readonly skipped: boolean;
  readonly before: Body[];
  readonly after: Body[];
  /** Tests and groups in the order of the source. */
  readonly content: (Group | { readonly name: string; readonly body: Body })[];
}

const newGroup = (name: string, skipped: boolean): Group => ({ name, skipped, before: [], after: [], content: [] });
const root = newGroup("", false);
let open = root;

/** A name with `%s` and `$key` replaced, as by Vitest's `each`. */
function nameOf(name: string, row: readonly unknown[]): string {
  let next = 0;
  const [first] = row;
  return name
    .replaceAll(/%[sdi]/g, () => String(row[next++]))
    .replaceAll(/\$(\w+)/g, (whole, key: string) =>
      typeof first === "object" && first !== null && key in first ? String(Reflect.get(first, key)) : whole,
    );
}

const each =
  <T extends (name: string, body: Body) => void>(define: T) =>
  (rows: readonly unknown[]) =>
  (name: string, body: (...row: unknown[]) => unknown): void => {
    for (const row of rows) {
      const values = Array.isArray(row) ? row : [row];
      define(nameOf(name, values), () => body(...values));
    }
  };

const group =
  (skipped: boolean) =>
  (name: string, body: Body): void => {
    const outer = open;
    open = newGroup(name, skipped);
    outer.content.push(open);
    body();
    open = outer;
  };
const skip = (): void => {};
const define = (name: string, body: Body): void => {
  open.content.push({ name, body });
};

const describeIf = (run: boolean) => Object.assign(group(!run), { each: each(group(!run)) });
const itIf = (run: boolean) => Object.assign(run ? define : skip, { each: each(run ? define : skip) });
export const describe = Object.assign(describeIf(true), {
  skip: describeIf(false),
  skipIf: (skipped: boolean) => describeIf(!skipped),
  runIf: describeIf,
});
export const it = Object.assign(itIf(true), {
  skip: itIf(false),
  skipIf: (skipped: boolean) => itIf(!skipped),
  runIf: itIf,
});
export const test = it;
export const beforeAll = (body: Body): void => void open.before.push(body);
export const afterAll = (body: Body): void => void open.after.push(body);
export const expect = Object.assign((value: unknown, message?: string) => assert(value, message), { soft: assert });

const counts = { passed: 0, failed: 0 };

function failed(path: string, error: unknown): void {
  counts.failed++;
  // The first failures are enough to see the fault.
  if (counts.failed <= 20) console.log(`FAILED ${path}\n  ${error instanceof Error ? error.message : String(error)}`);
}

async function run(group: Group, path: string): Promise<void> {
  if (group.skipped) return;
  try {
    for (const body of group.before) await body();
    for (const entry of group.content) {
      const place = `${path}${entry.name}`;
      if ("content" in entry) await run(entry, `${place} > `);
      else {
        try {
          await entry.body();
          counts.passed++;
        } catch (error) {
          failed(place, error);
        }
      }
    }
    for (const body of group.after) await body();
  } catch (error) {
    failed(`${path}before or after its tests`, error);
  }
}

// Runs after every file of the bundle is evaluated.
setImmediate(async () => {
  await run(root, "");
  console.log(JSON.stringify(counts));
  process.exitCode = counts.failed === 0 && counts.passed > 0 ? 0 : 1;
});
