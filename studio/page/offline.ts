// Working offline: the service worker that stores the page, and its status.

import { signal } from "@preact/signals";
import * as say from "../texts/en/frame.ts";

/** A sentence on whether the page works offline; empty until that is known. */
export const offline = signal("");

const ready = say.worksOfflineFromNowOnThe;

/** Asks the browser to store the page, once nothing more urgent is left. */
export async function keepForOffline(): Promise<void> {
  if (!("serviceWorker" in navigator)) {
    offline.value = isSecureContext ? say.needsAConnectionThisBrowserStores : say.needsAConnectionBrowsersStorePages;
    return;
  }
  try {
    const registration = await navigator.serviceWorker.register(new URL("offline.js", document.baseURI));
    const installing = registration.installing ?? registration.waiting;
    if (registration.active === null && installing !== null)
      await new Promise<void>((resolve, reject) => {
        installing.addEventListener("statechange", () => {
          if (installing.state === "activated") resolve();
          if (installing.state === "redundant") reject(new Error(say.notEveryFileCouldBeStored));
        });
      });
    offline.value = ready;
  } catch (error) {
    offline.value = say.needsAConnectionThePageCould(error instanceof Error ? error.message : String(error));
  }
}
