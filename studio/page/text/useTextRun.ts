// While a page shows a text run, the bar and the keys control it.
import { effect, untracked } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { play as playLab, said, testing } from "../store.ts";
import { labTransport, transport } from "../transport.ts";
import * as textStore from "./textStore.ts";

export function useTextRun(autoplay: boolean): void {
  useEffect(() => {
    playLab(false);
    transport.value = textStore.textTransport;
    if (testing) Object.assign(globalThis, { texts: textStore });
    textStore.open(autoplay);
    let first = true;
    const stop = effect(() => {
      textStore.text.value;
      if (!first) untracked(textStore.follow);
      first = false;
    });
    return () => {
      stop();
      textStore.play(false);
      textStore.writing.value = false;
      said.value = undefined;
      transport.value = labTransport;
    };
  }, []);
}
