// Finds the faults of a page, in sentences: too wide, covered, cut off, too small to touch, moved by itself.
import type { Page } from "playwright-core";
import { drawn } from "./browser.ts";

/** Under an open dialog the rest of the page is inert, so only the dialog is checked. */
const faults = `(() => {
  const found = [];
  const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  const name = (element) => element.tagName.toLowerCase() + "." + element.className + " “" +
    (element.getAttribute("aria-label") ?? element.textContent ?? "").trim().slice(0, 40) + "”";
  const beyond = [...document.querySelectorAll("body *")].filter((element) => element.checkVisibility() &&
    element.getBoundingClientRect().right > document.documentElement.clientWidth + 0.5 && element.closest(".table-scroll, .formula-rows, pre") === null);
  if (wide > 0) found.push("the page is " + wide + " px too wide: " + (beyond.length === 0 ? "" : name(beyond.at(-1))));
  const scope = [...document.querySelectorAll("dialog[open]")].at(-1) ?? document;
  const scrolled = scrollY;
  for (const element of scope.querySelectorAll("button, select, input, summary, a, textarea")) {
    if (element.matches(".unseen, .skip, [type=file]") || element.disabled || !element.checkVisibility()) continue;
    element.scrollIntoView({ block: "center", inline: "center" });
    const { left, top, width, height } = element.getBoundingClientRect();
    if (width === 0 || height === 0) continue;
    // Neurons are as many as the layer has; each is reached with the keyboard, too.
    const small = !element.matches(".neuron") && Math.min(width, height) < 23.5;
    if (small) found.push(name(element) + " is only " + width.toFixed(1) + " × " + height.toFixed(1) + " px");
    const [x, y] = [left + width / 2, top + height / 2];
    const hit = document.elementFromPoint(x, y);
    const own = hit !== null && (element.contains(hit) || hit.closest("label")?.control === element || element.matches(".neuron") && hit.matches(".neuron"));
    if (!own) found.push(name(element) + " is covered by " + (hit === null ? "nothing: it lies outside" : name(hit)));
  }
  scrollTo(0, scope === document ? 0 : scrolled);
  for (const element of scope.querySelectorAll("body *, dialog *")) {
    if (element.closest(".unseen, [title]") !== null || !element.checkVisibility()) continue;
    const text = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== "");
    if (!text) continue;
    const { overflowX, overflowY } = getComputedStyle(element);
    const cut = (overflowX === "hidden" && element.scrollWidth > element.clientWidth + 1) ||
      (overflowY === "hidden" && element.scrollHeight > element.clientHeight + 3);
    const outside = element.getBoundingClientRect().right > document.documentElement.clientWidth + 1 &&
      element.closest(".table-scroll, .formula-rows, pre") === null;
    if (cut) found.push(name(element) + " is cut");
    if (outside) found.push(name(element) + " reaches beyond the page");
  }
  return [...new Set(found)];
})()`;

export async function faultsOf(page: Page): Promise<readonly string[]> {
  await page.evaluate(drawn);
  return page.evaluate<string[]>(faults);
}

/** Records shifts since the first paint that no input caused: how far, what, and when. */
export const watchShifts = `(() => {
  globalThis.shifts = [];
  new PerformanceObserver((list) => {
    for (const { value, hadRecentInput, sources, startTime } of list.getEntries())
      if (!hadRecentInput) globalThis.shifts.push([value, sources.map(({ node, previousRect: a, currentRect: b }) =>
        (node?.nodeName ?? "") + "." + (node?.className ?? "") + " " + [a.x, a.y, b.x, b.y].map(Math.round)).join("; "), startTime]);
  }).observe({ type: "layout-shift", buffered: true });
})()`;
