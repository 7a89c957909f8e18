// What stays in this browser between visits, in IndexedDB: the state, the run as it stood, the visitor's own data.
import type { Beginning, OwnData, Saved } from "../shared/protocol.ts";
import type { StudioState } from "../shared/state.ts";

export interface Kept {
  readonly state: StudioState;
  readonly saved: Saved | undefined;
  readonly own: OwnData | undefined;
  readonly beginning: Beginning | undefined;
  readonly playing: boolean;
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

export const keep = (kept: Kept): Promise<IDBValidKey> => withStore("readwrite", (all) => all.put(kept, key));
export const recall = (): Promise<Kept | undefined> => withStore<Kept | undefined>("readonly", (all) => all.get(key));
export const forget = (): Promise<undefined> => withStore<undefined>("readwrite", (all) => all.delete(key));
