// Storage in this browser between visits, in IndexedDB: the state, the run, the visitor's own data.
import type { Beginning, OwnData, Saved } from "../shared/protocol.ts";
import type { StudioState } from "../shared/state.ts";

/** An experiment that a lesson or a preset has replaced. */
export interface Aside {
  readonly state: StudioState;
  readonly own: OwnData | undefined;
  /** What has replaced it, such as "lesson 3". */
  readonly by: string;
}

/** The visitor's own text. */
export interface OwnText {
  readonly name: string;
  readonly text: string;
}

export interface Kept {
  readonly state: StudioState;
  readonly saved: Saved | undefined;
  readonly own: OwnData | undefined;
  readonly beginning: Beginning | undefined;
  readonly playing: boolean;
  readonly aside?: Aside | undefined;
  readonly text?: OwnText | undefined;
}

const store = "studio";
const key = "latest";

function withStore<T>(mode: IDBTransactionMode, act: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open("hebb-studio", 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(store);
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => {
      const database = opening.result;
      const request = act(database.transaction(store, mode).objectStore(store));
      request.onsuccess = () => {
        resolve(request.result);
        database.close();
      };
      request.onerror = () => {
        reject(request.error);
        database.close();
      };
    };
  });
}

/** Notes for the page's frame, which cannot wait for a database, that there is a run to continue. */
const note = "hebb-studio-kept";

export async function keep(kept: Kept): Promise<void> {
  await withStore("readwrite", (all) => all.put(kept, key));
  localStorage.setItem(note, "1");
}

export const recall = (): Promise<Kept | undefined> => withStore<Kept | undefined>("readonly", (all) => all.get(key));

export async function forget(): Promise<void> {
  await withStore<undefined>("readwrite", (all) => all.delete(key));
  localStorage.removeItem(note);
}
