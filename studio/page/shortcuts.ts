// Keys and their actions, in one list that the palette shows too; and files dropped anywhere on the page.

import { signal } from "@preact/signals";
import { embedCode, panelNames } from "../shared/embed.ts";
import { type Surface, surfaces } from "../shared/names.ts";
import * as say from "../texts/en/frame.ts";
import { setTheme, theme } from "./draw/colors.ts";
import { type Chosen, chosenFrom, droppedFiles } from "./files.ts";
import { change, failure, linkHere, spoken, surface, undo } from "./store.ts";
import { transport } from "./transport.ts";

export const paletteOpen = signal(false);
/** Dropped or chosen files that are not yet examined. */
export const dropped = signal<readonly Chosen[] | undefined>(undefined);

export interface Action {
  readonly title: string;
  readonly keys: string;
  readonly run: () => void;
}

const surfaceTitles: Readonly<Record<Surface, string>> = {
  lab: say.lab,
  step: say.step,
  compare: say.compare,
  ship: say.ship,
  lessons: say.lessons,
  text: say.text,
  results: say.results,
  training: say.training,
};
export const surfaceTitle = (name: Surface): string => surfaceTitles[name];

export const shared = signal(false);

export const share = (): Promise<void> => copy(linkHere(transport.value.here()), say.theLinkIsInTheClipboard);

/** HTML for another page: the Lab's network and output, or the whole of another surface. */
const shareEmbed = (): Promise<void> =>
  copy(
    embedCode(
      linkHere(transport.value.here()),
      surface.value === "lab" ? panelNames.filter((name) => name === "network" || name === "output") : [],
    ),
    say.htmlForAnotherPageIsIn,
  );

async function copy(text: string, done: string): Promise<void> {
  await navigator.clipboard?.writeText(text).catch(() => undefined);
  shared.value = true;
  spoken.value = done;
  setTimeout(() => {
    shared.value = false;
  }, 2500);
}

export function nextTheme(): void {
  setTheme(theme.value === "system" ? "light" : theme.value === "light" ? "dark" : "system");
  spoken.value = `Theme: ${theme.value}`;
}

function faster(by: number): void {
  const { speeds, speed, setSpeed } = transport.value;
  const order = speeds.map(([one]) => one);
  const at = Math.max(0, Math.min(order.length - 1, order.indexOf(speed()) + by));
  setSpeed(order[at] ?? speed());
}

export const actions: readonly Action[] = [
  { title: say.playOrPause, keys: "Space", run: () => transport.value.play(!transport.value.playing.value) },
  { title: say.oneStepAhead, keys: "→", run: () => transport.value.advance(1) },
  { title: say.oneStepBack, keys: "←", run: () => transport.value.back() },
  { title: say.rewindToTheSameInitialWeights, keys: "R", run: () => transport.value.rewind() },
  { title: say.newInitialWeightsNextSeed, keys: "⇧R", run: () => transport.value.newSeed() },
  { title: say.undoTheLatestChangeTheBrowsers, keys: "Z", run: undo },
  { title: say.faster, keys: "]", run: () => faster(1) },
  { title: say.slower, keys: "[", run: () => faster(-1) },
  { title: say.copyALinkToThisExperiment, keys: "S", run: () => void share() },
  { title: say.copyHTMLThatShowsThisExperiment, keys: "H", run: () => void shareEmbed() },
  { title: say.changeTheTheme, keys: "T", run: nextTheme },
  {
    title: say.commandPalette,
    keys: "⌘K",
    run: () => {
      paletteOpen.value = true;
    },
  },
  ...surfaces.map((surface, place) => ({
    title: say.goTo(surfaceTitles[surface]),
    keys: String(place + 1),
    run: () => change({ surface }),
  })),
];

/** Keys with another meaning on the current surface. */
export const localKeys = signal<ReadonlyMap<string, () => void>>(new Map());

const byKey = new Map(
  actions.map((action) => [
    action.keys.replace("Space", " ").replace("→", "ArrowRight").replace("←", "ArrowLeft"),
    action,
  ]),
);

/** Whether the key belongs to the focused control. */
function taken(target: EventTarget | null, key: string): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.closest("dialog,[role=dialog]") !== null) return true;
  if (target.matches("textarea,select,[contenteditable]")) return true;
  if (target instanceof HTMLInputElement)
    return !["checkbox", "radio", "button"].includes(target.type) || key.startsWith("Arrow") || key === " ";
  if (key === " " && target.matches("button,a,summary,[role=tab]")) return true;
  return key.startsWith("Arrow") && target.closest("[data-arrows]") !== null;
}

function pressed(event: KeyboardEvent): void {
  if ((event.metaKey || event.ctrlKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    // One dialog at a time, because one under another is unreachable.
    if (document.querySelector("dialog[open]:not(.palette)") === null) paletteOpen.value = !paletteOpen.value;
    return;
  }
  if (event.metaKey || event.ctrlKey || event.altKey || taken(event.target, event.key)) return;
  const name =
    event.key.length === 1
      ? `${event.shiftKey && /[a-z]/i.test(event.key) ? "⇧" : ""}${event.key.toUpperCase()}`
      : event.key;
  const act = localKeys.value.get(name) ?? byKey.get(name)?.run;
  if (act === undefined) return;
  event.preventDefault();
  act();
}

export function listen(): () => void {
  const over = (event: DragEvent): void => {
    if (event.dataTransfer?.types.includes("Files")) {
      event.preventDefault();
      document.body.classList.add("dropping");
    }
  };
  const leave = (event: DragEvent): void => {
    if (event.relatedTarget === null) document.body.classList.remove("dropping");
  };
  const drop = (event: DragEvent): void => {
    document.body.classList.remove("dropping");
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    droppedFiles(event.dataTransfer).then(
      (files) => {
        const [only] = files;
        if (files.length !== 1 || only === undefined || transport.value.takes?.(only) !== true) dropped.value = files;
      },
      (error: unknown) => {
        failure.value = say.whatWasDroppedCouldNotBe(error instanceof Error ? error.message : String(error));
      },
    );
  };
  const paste = (event: ClipboardEvent): void => {
    const files = [...(event.clipboardData?.files ?? [])];
    const text = event.clipboardData?.getData("text/plain") ?? "";
    if (files.length > 0) dropped.value = chosenFrom(files);
    else if (!taken(event.target, "v") && transport.value.takes?.(text) === true) return;
    else if (!taken(event.target, "v") && /^[^\n]*[,;\t][^\n]*\n/.test(text))
      dropped.value = chosenFrom([new File([text], "pasted.csv")]);
  };
  addEventListener("keydown", pressed);
  addEventListener("dragover", over);
  addEventListener("dragleave", leave);
  addEventListener("drop", drop);
  addEventListener("paste", paste);
  return () => {
    removeEventListener("keydown", pressed);
    removeEventListener("dragover", over);
    removeEventListener("dragleave", leave);
    removeEventListener("drop", drop);
    removeEventListener("paste", paste);
  };
}
