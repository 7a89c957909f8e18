// Files into the page, chosen, dropped or pasted, or a folder with relative paths; and out of it.

export interface Chosen {
  /** With its folders, if it comes from one. */
  readonly path: string;
  readonly file: File;
}

export const chosenFrom = (files: Iterable<File>): Chosen[] =>
  [...files].map((file) => ({ path: file.webkitRelativePath || file.name, file }));

const fileOf = (entry: FileSystemFileEntry): Promise<File> =>
  new Promise((resolve, reject) => entry.file(resolve, reject));

const partOf = (reader: FileSystemDirectoryReader): Promise<FileSystemEntry[]> =>
  new Promise((resolve, reject) => reader.readEntries(resolve, reject));

async function collect(entry: FileSystemEntry, into: Chosen[]): Promise<void> {
  if (entry instanceof FileSystemFileEntry) {
    into.push({ path: entry.fullPath.replace(/^\//, ""), file: await fileOf(entry) });
    return;
  }
  if (!(entry instanceof FileSystemDirectoryEntry)) return;
  const reader = entry.createReader();
  // A reader returns its entries in parts, and an empty one at the end.
  for (let part = await partOf(reader); part.length > 0; part = await partOf(reader))
    for (const inner of part) await collect(inner, into);
}

/** All dropped files. Their entries must be read synchronously, before the event is over. */
export async function droppedFiles(transfer: DataTransfer): Promise<Chosen[]> {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry());
  const plain = chosenFrom(transfer.files);
  if (!entries.some((entry) => entry?.isDirectory)) return plain;
  const found: Chosen[] = [];
  for (const entry of entries) if (entry !== null) await collect(entry, found);
  return found;
}

const hidden = ({ path }: Chosen): boolean => path.split("/").some((part) => part.startsWith("."));
export const isPicture = ({ file }: Chosen): boolean => file.type.startsWith("image/");

export interface PictureClass {
  readonly name: string;
  readonly files: readonly Chosen[];
}

export interface Sorted {
  readonly classes: readonly PictureClass[];
  /** Pictures outside any folder. */
  readonly loose: readonly Chosen[];
  /** Files that are not pictures. */
  readonly others: number;
}

/** Pictures by their folder. A folder that contains all of them is ignored. */
export function sortPictures(files: readonly Chosen[]): Sorted {
  const seen = files.filter((one) => !hidden(one));
  const pictures = seen.filter(isPicture);
  const byFolder = new Map<string, Chosen[]>();
  for (const one of pictures) {
    const folder = one.path.split("/").at(-2) ?? "";
    byFolder.set(folder, [...(byFolder.get(folder) ?? []), one]);
  }
  const others = seen.length - pictures.length;
  if (byFolder.size < 2) return { classes: [], loose: pictures, others };
  const classes = [...byFolder].map(([name, own]) => ({
    name,
    files: own.sort((a, b) => (a.path < b.path ? -1 : 1)),
  }));
  return { classes: classes.sort((a, b) => (a.name < b.name ? -1 : 1)), loose: [], others };
}

/** Saves a file as a browser download. */
export function saveFile(name: string, contents: Blob): void {
  const address = URL.createObjectURL(contents);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}
