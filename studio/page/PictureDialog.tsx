// The dialog for the visitor's own pictures: a folder becomes a data set; a single one is classified or added to the set.

import { useEffect, useRef, useState } from "preact/hooks";
import { mostClasses, ownPictures, pictureSetOf, withPictures } from "../shared/pictureSet.ts";
import * as say from "../texts/en/files.ts";
import { Picture } from "./draw/Picture.tsx";
import type { Chosen, PictureClass } from "./files.ts";
import { grouped } from "./numbers.ts";
import { presetForPictures } from "./presets.ts";
import { Answer, ask } from "./ship/Try.tsx";
import { client, own, run, state, useOwn } from "./store.ts";

const sides = [16, 24, 32, 48, 64] as const;
/** The most classes in the preview. */
const shownEach = 5;
const shownClasses = 12;
/** Files read between two progress reports. */
const atOnce = 40;
const mostBytes = 400_000_000;

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

async function readAll(
  files: readonly Chosen[],
  size: readonly [number, number],
  channels: 1 | 3,
  tell: (read: number) => void,
): Promise<Uint8Array> {
  const bytes = channels * size[0] * size[1];
  const pixels = new Uint8Array(files.length * bytes);
  for (let from = 0; from < files.length; from += atOnce) {
    tell(from);
    const part = await client.ask("pictures", { files: files.slice(from, from + atOnce), size, channels });
    pixels.set(part.pixels, from * bytes);
  }
  return pixels;
}

interface Preview {
  readonly channels: 1 | 3;
  readonly side: number;
  readonly pixels: Uint8Array;
}

export function PictureFolder({
  name,
  classes,
  others,
  close,
}: {
  readonly name: string;
  readonly classes: readonly PictureClass[];
  readonly others: number;
  readonly close: () => void;
}) {
  const [side, setSide] = useState(32);
  const [channels, setChannels] = useState<1 | 3 | undefined>(undefined);
  const [preview, setPreview] = useState<Preview | undefined>(undefined);
  const [problem, setProblem] = useState("");
  const [read, setRead] = useState(-1);
  const open = useRef(true);
  const shown = classes.slice(0, shownClasses).map(({ files }) => files.slice(0, shownEach));
  const count = classes.reduce((sum, { files }) => sum + files.length, 0);
  useEffect(
    () => () => {
      open.current = false;
    },
    [],
  );
  useEffect(() => {
    let current = true;
    client.ask("pictures", { files: shown.flat(), size: [side, side], channels }).then(
      (answer) => current && setPreview({ ...answer, side }),
      (error: unknown) => current && setProblem(textOf(error)),
    );
    return () => {
      current = false;
    };
  }, [side, channels]);
  const learn = async (): Promise<void> => {
    if (preview === undefined) return;
    const taken = preview.channels;
    if (count * taken * side * side > mostBytes) {
      setProblem(say.picturesOfThisSizeAreMore(grouped(count)));
      return;
    }
    setProblem("");
    try {
      const files = classes.flatMap((one) => one.files);
      const pixels = await readAll(files, [side, side], taken, setRead);
      if (!open.current) return;
      const labels = Uint8Array.from(classes.flatMap((one, place) => one.files.map(() => place)));
      const shape = [taken, side, side];
      useOwn(
        ownPictures({ name, shape, pixels, labels, classes: classes.map((one) => one.name) }),
        presetForPictures(state.value),
      );
      close();
    } catch (error) {
      setRead(-1);
      setProblem(textOf(error));
    }
  };
  if (classes.length > mostClasses)
    return (
      <p class="notice bad" role="alert">
        {say.foldersAreMoreClassesThanThe(grouped(classes.length), mostClasses)}
      </p>
    );
  let place = 0;
  return (
    <>
      <p>
        {say.picturesInFoldersOneForEach(
          grouped(count),
          classes.length,
          others > 0 && say.filesThatAreNotPicturesAre(grouped(others)),
        )}
      </p>
      <div class="row">
        <label class="field">
          <span>{say.madeSmallTo}</span>
          <select value={String(side)} onChange={({ currentTarget }) => setSide(Number(currentTarget.value))}>
            {sides.map((one) => (
              <option key={one} value={String(one)}>
                {say.pixels(one, one)}
              </option>
            ))}
          </select>
        </label>
        <label class="field">
          <span>{say.colours}</span>
          <select
            value={String(preview?.channels ?? channels ?? 3)}
            onChange={({ currentTarget }) => setChannels(currentTarget.value === "1" ? 1 : 3)}
          >
            <option value="3">{say.redGreenBlue}</option>
            <option value="1">{say.grey}</option>
          </select>
        </label>
      </div>
      <ul class="classes">
        {classes.slice(0, shownClasses).map((one, k) => (
          <li key={one.name}>
            <b title={one.name}>{one.name}</b>
            <span class="hint">{grouped(one.files.length)}</span>
            <span class="thumbs">
              {shown[k]?.map(({ path }) => {
                const at = place++;
                const size = preview === undefined ? 0 : preview.channels * preview.side ** 2;
                return preview === undefined ? (
                  <span key={path} class="thumb" />
                ) : (
                  <Picture
                    key={path}
                    label={path}
                    shape={[preview.channels, preview.side, preview.side]}
                    values={preview.pixels.subarray(at * size, (at + 1) * size)}
                  />
                );
              })}
            </span>
          </li>
        ))}
        {classes.length > shownClasses && <li class="hint">{say.andMoreClasses(classes.length - shownClasses)}</li>}
      </ul>
      {problem !== "" && (
        <p class="notice bad" role="alert">
          {problem}
        </p>
      )}
      <div class="row end">
        {read >= 0 && (
          <span class="hint" role="status">
            {say.ofRead(grouped(read), grouped(count))}
          </span>
        )}
        <button type="button" class="small" onClick={close}>
          {say.cancel}
        </button>
        <button type="button" class="accent" disabled={preview === undefined || read >= 0} onClick={() => void learn()}>
          {say.learnFromThem}
        </button>
      </div>
    </>
  );
}

/** One picture, or several without a class: the network's answer, and an option to add them to the set. */
export function LoosePictures({ files, close }: { readonly files: readonly Chosen[]; readonly close: () => void }) {
  const info = run.value;
  const set = state.value.data === "own" ? pictureSetOf(own.value) : undefined;
  const [channels, height, width] = info?.data.inputShape ?? [];
  const [pixels, setPixels] = useState<Uint8Array | undefined>(undefined);
  const [inverted, setInverted] = useState(false);
  const [problem, setProblem] = useState("");
  const [name, setName] = useState("");
  const fits = (channels === 1 || channels === 3) && height !== undefined && width !== undefined;
  useEffect(() => {
    if (fits)
      readAll(files, [height, width], channels, () => {}).then(setPixels, (error: unknown) =>
        setProblem(textOf(error)),
      );
  }, [files]);
  const size = (channels ?? 1) * (height ?? 1) * (width ?? 1);
  const seen = inverted ? pixels?.map((value) => 255 - value) : pixels;
  useEffect(() => {
    if (seen !== undefined) void ask({ inputs: Array.from(seen.subarray(0, size), (value) => value / 255) });
  }, [pixels, inverted]);
  if (info === undefined) return null;
  if (!fits)
    return (
      <>
        <p>{say.theNetworkOnThisPageTakes(info.data.inputs.length === 1 ? say.oneNumber : say.numbers)}</p>
        <div class="row end">
          <button type="button" class="accent" onClick={close}>
            {say.close}
          </button>
        </div>
      </>
    );
  return (
    <>
      {problem !== "" && (
        <p class="notice bad" role="alert">
          {problem}
        </p>
      )}
      {seen !== undefined && (
        <div class="one-picture">
          <div>
            <Picture
              label={say.thePictureAsTheNetworkSees}
              shape={info.data.inputShape}
              values={seen.subarray(0, size)}
            />
            <p class="hint">{say.asTheNetworkSeesIt(width, height)}</p>
            <label class="swap">
              <input
                type="checkbox"
                checked={inverted}
                onChange={({ currentTarget }) => setInverted(currentTarget.checked)}
              />
              {say.swapLightAndDark}
            </label>
          </div>
          <Answer info={info} />
        </div>
      )}
      {set !== undefined && seen !== undefined && (
        <form
          class="row"
          onSubmit={(event) => {
            event.preventDefault();
            const label = name.trim();
            if (label === "") return;
            if (!set.classes.includes(label) && set.classes.length >= mostClasses) {
              setProblem(say.theSetHasClassesAsMany(mostClasses));
              return;
            }
            useOwn(ownPictures(withPictures(set, seen, label)), {});
            close();
          }}
        >
          <label class="field">
            <span>{files.length === 1 ? say.itIsOfTheClass : say.allAreOfTheClass(files.length)}</span>
            <input
              list="picture-classes"
              value={name}
              onInput={({ currentTarget }) => setName(currentTarget.value)}
              maxLength={60}
            />
          </label>
          <datalist id="picture-classes">
            {set.classes.map((one) => (
              <option key={one} value={one} />
            ))}
          </datalist>
          <button type="submit" class="small" disabled={name.trim() === ""}>
            {say.addToTheSetAndRetrain}
          </button>
        </form>
      )}
      <div class="row end">
        <button type="button" class="accent" onClick={close}>
          {say.close}
        </button>
      </div>
    </>
  );
}
