// Working without a connection: the service worker that keeps the page, and what is to be said of it.
import { signal } from "@preact/signals";

/** A sentence for whoever asks whether the page works offline; empty until that is known. */
export const offline = signal("");

const ready = "Works offline from now on: the page is stored in this browser.";

/** Asks the browser to keep the page, once it has nothing more urgent to do. */
export async function keepForOffline(): Promise<void> {
  if (!("serviceWorker" in navigator)) {
    offline.value = isSecureContext
      ? "Needs a connection: this browser stores no pages."
      : "Needs a connection: browsers store pages only from https or from this computer.";
    return;
  }
  try {
    const registration = await navigator.serviceWorker.register(new URL("offline.js", document.baseURI));
    const installing = registration.installing ?? registration.waiting;
    if (registration.active === null && installing !== null)
      await new Promise<void>((resolve, reject) => {
        installing.addEventListener("statechange", () => {
          if (installing.state === "activated") resolve();
          if (installing.state === "redundant") reject(new Error("not every file could be stored"));
        });
      });
    offline.value = ready;
  } catch (error) {
    offline.value = `Needs a connection: the page could not be stored (${error instanceof Error ? error.message : String(error)}).`;
  }
}
