// The Node-only exports of the data room: files, folders, downloads, tables larger than memory.
export {
  type CanonicalName,
  type CanonicalOptions,
  canonicalNames,
  type Labelled,
  loadCanonical,
} from "./canonical.ts";
export { cacheFolder, type DownloadOptions, download } from "./download.ts";
export { type FileKind, readBytes, readCsvFile, readIdxFile, readTableFile, readTextFile, sniffFile } from "./files.ts";
export { type ImageFolder, type ImageFolderOptions, readImageFile, readImageFolder } from "./imageFolder.ts";
export { type ParquetOptions, readParquetFile } from "./parquet.ts";
export type { PartRows } from "./partRows.ts";
export { type FetchOptions, fetchFile } from "./remoteFile.ts";
export type { TablePart } from "./tableFile.ts";
export { type StreamTableOptions, streamTable, type TableStream } from "./tableStream.ts";
