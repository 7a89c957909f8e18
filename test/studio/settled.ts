// Waits until a page has come to rest: a fixed time is too long for most pages, and too short for one on a loaded machine.
import type { Page } from "playwright-core";

/** Counts the questions that the page's worker has not answered. */
const watchQuestions = `(() => {
  const { client } = globalThis.studio;
  if (globalThis.unanswered !== undefined) return;
  globalThis.unanswered = 0;
  const ask = client.ask.bind(client);
  client.ask = (...asked) => {
    globalThis.unanswered++;
    const answer = ask(...asked);
    const done = () => { globalThis.unanswered--; };
    answer.then(done, done);
    return answer;
  };
})()`;

export const watchSettling = (page: Page): Promise<void> => page.evaluate<void>(watchQuestions);

/** Milliseconds after which a page that keeps changing is a fault of its own. */
const most = 30_000;

/**
 * The surface is there, the worker has answered everything, and the document has not changed for so many milliseconds since.
 * `watchSettling` comes first.
 */
export const settled = (page: Page, quiet: number): Promise<void> =>
  page.evaluate<void>(`new Promise((done, fail) => {
  const begun = performance.now();
  let changed = begun;
  const observer = new MutationObserver(() => { changed = performance.now(); });
  observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
  const look = () => {
    const now = performance.now();
    const isWhole = document.querySelector("main").childElementCount > 0;
    if (!isWhole || globalThis.unanswered > 0 || globalThis.studio.hot.stale !== false) changed = now;
    const isCalm = now - changed >= ${quiet};
    if (!isCalm && now - begun < ${most}) return void setTimeout(look, 10);
    observer.disconnect();
    if (isCalm) done();
    else fail(new Error("the page does not come to rest: " + globalThis.unanswered + " questions are not answered"));
  };
  look();
})`);
