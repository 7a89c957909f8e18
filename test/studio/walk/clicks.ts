// A visitor who clicks and types at random: choosing an action, performing it, and checking the page afterwards.
import type { ElementHandle, Page } from "playwright-core";
import { Random } from "../../../src/data/random.ts";
import { violations } from "../axe.ts";
import { whenTrue } from "../browser.ts";
import { faultsOf } from "../faults.ts";

/** One action of a visitor; `at` is the control's name, with its index among those of that name. */
export interface Act {
  readonly kind: "click" | "choose" | "slide" | "type" | "draw" | "file" | "key" | "back" | "forward" | "wait";
  readonly at?: string;
  readonly nth?: number;
  readonly value?: string;
}

/** A visible control, as the page lists it. */
interface Control {
  readonly at: string;
  readonly nth: number;
  readonly group: string;
  readonly type: string;
  readonly options: readonly string[];
}

/** The page's visible controls, which the page keeps by their index in the list. */
const listControls = `(() => {
  const scope = [...document.querySelectorAll("dialog[open]")].at(-1) ?? document;
  const counts = new Map();
  globalThis.controls = [];
  return [...scope.querySelectorAll("button, select, input, summary, textarea, [role=option], a[href^='#'], canvas")].flatMap((element) => {
    const file = element.matches("[type=file]");
    // The skip link is for the keyboard; a folder cannot be handed over as a file.
    if (element.matches(".skip, [webkitdirectory], [readonly]") || element.disabled || (!file && (element.matches(".unseen") || !element.checkVisibility()))) return [];
    const { width, height } = element.getBoundingClientRect();
    if (!file && (width < 2 || height < 2)) return [];
    const labels = [...(element.labels ?? [])].map((label) => label.textContent).join(" ");
    const own = element.matches("select") ? "" : element.textContent;
    const text = element.getAttribute("aria-label") ?? (labels || own || element.id || "");
    const at = element.tagName.toLowerCase() + " " + text.trim().replace(/\\s+/g, " ").slice(0, 60);
    const nth = counts.get(at) ?? 0;
    counts.set(at, nth + 1);
    globalThis.controls.push(element);
    const near = element.closest("nav, dialog, section, article, header, details, .panel, [role=group]");
    const type = element.matches("input") ? element.type : element.tagName.toLowerCase();
    return [{ at, nth, group: near === null ? "" : near.tagName + near.className, type,
      options: [...(element.options ?? [])].filter((option) => !option.disabled).map((option) => option.value) }];
  });
})()`;

const keysPressed = [
  ...[
    "Tab",
    "Tab",
    "Tab",
    "Enter",
    "Space",
    "Escape",
    "ArrowRight",
    "ArrowLeft",
    "ArrowUp",
    "ArrowDown",
    "Home",
    "End",
  ],
  ...["1", "2", "3", "4", "5", "6", "7", "8", "r", "R", "z", "[", "]", "s", "h", "t", "+", "-", "Control+k", "Delete"],
];
const typed = [
  ...["", "0", "-1", "2.5", "1e9", "1e-9", "abc", "NaN", "3,5", "名前", "<b>&amp;</b>", "12345678901234567890"],
  "a name that is long enough to need more room than any field here has to give to a name",
  "to be or not to be that is the question whether tis nobler in the mind to suffer ".repeat(8),
];
const long = "measurement as it was taken in the field by the second expedition";
const files: Readonly<Record<string, string>> = {
  "plants.csv": `size,"${long}",kind\n${Array.from({ length: 60 }, (_, k) => `${k % 7},${(k * k) % 11},${k % 3 === 0 ? `${long} (${k % 2})` : `k${k % 3}`}`).join("\n")}\n`,
  "bad.csv": "a,b\n1,2\n3,4,5\n",
  "numbers.csv": `a,b,c\n${Array.from({ length: 80 }, (_, k) => `${k},${(k * 37) % 19},${k + ((k * 53) % 7)}`).join("\n")}\n`,
  "empty.csv": "",
};

/** Records when the page last owed an answer to a visitor: on a loaded machine it comes later than the browser's half-second grace period. */
export const watchAnswers = `(() => {
  globalThis.owed = 0;
  addEventListener("popstate", () => { globalThis.owed = performance.now() + 350; });
  const look = () => {
    if (globalThis.studio?.hot?.stale !== false) globalThis.owed = performance.now();
    requestAnimationFrame(look);
  };
  look();
})()`;

export class Visitor {
  readonly #random: Random;

  constructor(seed: number) {
    this.#random = new Random(seed, 0x58);
  }

  #pick<T>(choices: readonly T[]): T {
    const found = choices[this.#random.integer(choices.length)];
    if (found === undefined) throw new Error("nothing to pick from");
    return found;
  }

  /** Chooses an action on the current page. It first chooses a panel, so that one with a hundred numbers is as likely as one with a button. */
  async next(page: Page): Promise<Act> {
    const chance = this.#random.integer(100);
    if (chance < 18) return { kind: "key", value: this.#pick(keysPressed) };
    if (chance < 21) return { kind: "back" };
    if (chance < 23) return { kind: "forward" };
    if (chance < 26) return { kind: "wait" };
    const controls = await page.evaluate<readonly Control[]>(listControls);
    if (controls.length === 0) return { kind: "wait" };
    const group = this.#pick([...new Set(controls.map((control) => control.group))]);
    return this.#use(this.#pick(controls.filter((control) => control.group === group)));
  }

  #use({ at, nth, type, options }: Control): Act {
    const where = { at, nth };
    if (type === "select")
      return options.length === 0
        ? { kind: "click", ...where }
        : { kind: "choose", ...where, value: this.#pick(options) };
    if (type === "range")
      return { kind: "slide", ...where, value: this.#pick(["Home", "End", "ArrowRight", "ArrowLeft", "PageUp"]) };
    if (["text", "number", "search", "textarea"].includes(type))
      return { kind: "type", ...where, value: this.#pick(typed) };
    if (type === "file") return { kind: "file", ...where, value: this.#pick(Object.keys(files)) };
    if (type === "canvas") return { kind: "draw", ...where, value: this.#pick(["0.2 0.3", "0.5 0.5", "0.8 0.6"]) };
    return { kind: "click", ...where };
  }
}

async function found(page: Page, { at, nth }: Act): Promise<ElementHandle | undefined> {
  const controls = await page.evaluate<readonly Control[]>(listControls);
  const place = controls.findIndex((control) => control.at === at && control.nth === nth);
  const handle = (await page.evaluateHandle(`globalThis.controls[${place}]`)).asElement();
  return handle ?? undefined;
}

/** Performs the action. A missing control is skipped; one that cannot be clicked is a fault. */
export async function perform(page: Page, act: Act): Promise<readonly string[]> {
  const { kind, value = "" } = act;
  if (kind === "key") await page.keyboard.press(value);
  // From the first entry back would leave the page for the blank one before it.
  else if (kind === "back") await page.evaluate("navigation.canGoBack && history.back()");
  else if (kind === "forward") await page.evaluate("history.forward()");
  else if (kind === "wait") await page.waitForTimeout(600);
  else {
    const control = await found(page, act);
    if (control === undefined) return [];
    try {
      await use(control, act, page);
    } catch (error) {
      // It may have disappeared meanwhile.
      const there = await page
        .evaluate((element) => (element as { readonly isConnected?: boolean }).isConnected, control)
        .catch(() => false);
      if (there) return [`${act.at ?? ""} cannot be used: ${String(error).split("\n").slice(0, 12).join(" | ")}`];
    }
  }
  return [];
}

async function use(control: ElementHandle, { kind, value = "" }: Act, page: Page): Promise<void> {
  const timeout = 15_000;
  if (kind === "click") await control.click({ timeout });
  else if (kind === "choose") {
    // A real choice counts as recent input, unlike a value set by a script: layout shifts right after it are then not faults.
    await control.press("Shift", { timeout });
    await control.selectOption(value, { timeout });
  } else if (kind === "slide") await control.press(value, { timeout });
  else if (kind === "file")
    await control.setInputFiles({ name: value, mimeType: "text/csv", buffer: Buffer.from(files[value] ?? "") });
  else if (kind === "type") {
    await control.fill(value, { timeout }).catch(async (error: unknown) => {
      // A number field refuses to be filled with words, so they are typed, as a visitor would.
      if (!String(error).includes("Cannot type text")) throw error;
      await control.focus();
      await page.keyboard.type(value.slice(0, 20));
    });
    await page.keyboard.press("Enter");
  } else {
    await control.scrollIntoViewIfNeeded({ timeout });
    const box = await control.boundingBox();
    const [x = 0.5, y = 0.5] = value.split(" ").map(Number);
    if (box === null) return;
    await page.mouse.move(box.x + x * box.width, box.y + y * box.height);
    await page.mouse.down();
    await page.mouse.move(box.x + 0.5 * box.width, box.y + 0.4 * box.height, { steps: 3 });
    await page.mouse.up();
  }
}

/** Strings that must never appear in a message to a visitor. */
const raw = `(() => {
  const text = [...document.querySelectorAll("body *")].filter((element) => !element.closest("pre, script") && element.children.length === 0 &&
    element.checkVisibility()).map((element) => element.textContent).join("\\n");
  const at = text.search(/\\bundefined\\b|\\[object |Cannot read prop|is not a function|is not iterable/);
  return at < 0 ? "" : text.slice(Math.max(0, at - 60), at + 60).replace(/\\s+/g, " ");
})()`;

/** The faults after an action. */
export async function wrongWith(page: Page, errors: string[]): Promise<readonly string[]> {
  // A reloaded page has its state a moment later.
  await whenTrue(page, "globalThis.studio?.hot?.snapshot !== undefined && globalThis.axe !== undefined");
  await page.waitForTimeout(120);
  const wrong = [...(await faultsOf(page))];
  wrong.push(...(await violations(page)).map((text) => `axe: ${text}`));
  const words = await page.evaluate<string>(raw);
  if (words !== "") wrong.push(`the page says “${words}”`);
  const shifts = await page.evaluate<[number, string][]>(
    "globalThis.shifts.splice(0).filter(([, , when]) => when > globalThis.owed + 150)",
  );
  const sum = shifts.reduce((total, [value]) => total + value, 0);
  if (sum > 0.01)
    wrong.push(
      `moved by ${sum.toFixed(4)}: ${shifts
        .map(([value, what]) => `${value.toFixed(4)} ${what}`)
        .join(" / ")
        .slice(0, 600)}`,
    );
  wrong.push(...errors.splice(0).map((text) => `error: ${text}`));
  return wrong;
}
