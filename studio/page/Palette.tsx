// The command palette: every action by name, with its key.

import { useEffect, useRef, useState } from "preact/hooks";
import { dataNames, dataTiles, optimizerNames, optimizers } from "../shared/names.ts";
import * as say from "../texts/en/palette.ts";
import { type Action, actions, paletteOpen } from "./shortcuts.ts";
import { change, chooseData, failure, forgetAll } from "./store.ts";

/** Pictures and videos load on first use. */
const withFilm = (act: (film: typeof import("./film.ts")) => unknown): void => {
  import("./film.ts").then(act).catch((error: unknown) => {
    failure.value = say.nothingWasSaved(error instanceof Error ? error.message : String(error));
  });
};

const more: readonly Action[] = [
  ...dataNames
    .filter((name) => name !== "own")
    .map((name) => ({ title: say.data(dataTiles[name].title), keys: "", run: () => chooseData(name) })),
  ...optimizerNames.map((optimizer) => ({
    title: say.optimizer(optimizers[optimizer].title),
    keys: "",
    run: () => change({ optimizer }),
  })),
  { title: say.saveAPictureOfWhatIs, keys: "", run: () => withFilm(({ savePicture }) => savePicture()) },
  { title: say.recordAVideoOfTheRun, keys: "", run: () => withFilm(({ recordVideo }) => recordVideo()) },
  { title: say.forgetEverythingKeptInThisBrowser, keys: "", run: () => void forgetAll() },
];

export function Palette() {
  const dialog = useRef<HTMLDialogElement>(null);
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  useEffect(() => dialog.current?.showModal(), []);
  const words = text.toLowerCase().split(/\s+/);
  const found = [...actions, ...more].filter(({ title }) => words.every((word) => title.toLowerCase().includes(word)));
  const chosen = Math.min(at, found.length - 1);
  const close = (): void => {
    paletteOpen.value = false;
  };
  const take = (action: Action | undefined): void => {
    close();
    action?.run();
  };
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes every dialog
    <dialog
      class="palette"
      ref={dialog}
      aria-label={say.commandPalette}
      onClose={close}
      onClick={(event) => event.target === dialog.current && close()}
    >
      <input
        type="text"
        role="combobox"
        aria-expanded={found.length > 0}
        aria-controls="palette-list"
        aria-activedescendant={found.length === 0 ? undefined : `action-${chosen}`}
        aria-label={say.searchActions}
        placeholder={say.whatShallHappen}
        value={text}
        onInput={({ currentTarget }) => {
          setText(currentTarget.value);
          setAt(0);
        }}
        onKeyDown={(event) => {
          if (event.key === "ArrowDown") setAt(Math.min(found.length - 1, chosen + 1));
          else if (event.key === "ArrowUp") setAt(Math.max(0, chosen - 1));
          else if (event.key === "Enter") take(found[chosen]);
          else return;
          event.preventDefault();
        }}
      />
      <ul id="palette-list" role="listbox" aria-label={say.actions}>
        {found.map((action, place) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: keys are handled by the combobox
          <li
            key={action.title}
            id={`action-${place}`}
            role="option"
            aria-selected={place === chosen}
            onClick={() => take(action)}
          >
            <span>{action.title}</span>
            {action.keys !== "" && <kbd>{action.keys}</kbd>}
          </li>
        ))}
      </ul>
      {found.length === 0 && <p role="status">{say.noActionHasTheseWords}</p>}
    </dialog>
  );
}
