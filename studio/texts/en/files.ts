// Own files: the dialogs for tables, pictures, texts and models, in English.
import { type Child, rich } from "../rich.ts";
import type { Value } from "../value.ts";

// page/DropDialog.tsx
export const holds = (name: Value, what: Value) => `${name} holds ${what}.`;
export const thisFile = "This file";
export const imagesDropTheFileWithTheir = "images; drop the file with their labels together with it";
export const labelsDropTheFileWithThe = "labels; drop the file with the images together with it";
export const thereIsNoFileInIt = "There is no file in it.";
export const thisFolderHoldsFilesAndNo = (files: Value) =>
  `This folder holds ${files} files and no picture among them. To learn from pictures, choose a folder with a sub-folder of PNG, JPEG or WebP files for each class; drop a table by itself.`;
export const hasMBThisPageTakesUp = (name: Value, size: Value) => `${name} has ${size} MB; this page takes up to 100.`;
export const theFileIsNotUTF8 =
  "The file is not UTF-8, so it was read as Windows-1252. If its letters look wrong, save it as UTF-8.";
export const rowsColumnsTheFileStaysIn = (rows: Child, columns: Child) =>
  rich`${rows} rows, ${columns} columns. The file stays in this browser.`;
export const whatIsToBePredicted = "What is to be predicted?";
export const wasGuessed = (target: Value, why: Value) => `“${target}” was guessed ${why}. `;
export const itIsReadAs = (task: Value) => `It is read as ${task}.`;
export const whatToKnowBeforeTraining = "What to know before training";
export const theFirstLineIsDataName = "The first line is data: name the columns";
export const theFirstRows = "The first rows";
export const missing = (missing: Value) => `, ${missing} missing`;
export const predicted = "predicted";
export const use = (name: Value) => `use ${name}`;
export const use2 = "use";
export const cancel = "Cancel";
export const learnFromIt = "Learn from it";
export const reading = "Reading …";
export const close = "Close";
export const thisIsATextNotA =
  "This is a text, not a table. A small language model can learn to write like it. It stays in this browser.";
export const imagesWithTheirLabelsTheyStay = "Images with their labels. They stay in this browser.";
export const learnFromThem = "Learn from them";

// page/PictureDialog.tsx
export const picturesOfThisSizeAreMore = (count: Value) =>
  `${count} pictures of this size are more than this page takes; choose a smaller one.`;
export const foldersAreMoreClassesThanThe = (classes: Child, mostClasses: Child) =>
  rich`${classes} folders are more classes than the ${mostClasses} that this page takes; drop fewer.`;
export const picturesInFoldersOneForEach = (count: Child, classes: Child, others: Child) =>
  rich`${count} pictures in ${classes} folders, one for each class. They stay in this browser.${others}`;
export const filesThatAreNotPicturesAre = (others: Value) => ` ${others} files that are not pictures are left out.`;
export const madeSmallTo = "made small to";
export const pixels = (width: Child, height: Child) => rich`${width} × ${height} pixels`;
export const colours = "colours";
export const redGreenBlue = "red, green, blue";
export const grey = "grey";
export const andMoreClasses = (classes: Child) => rich`and ${classes} more classes`;
export const ofRead = (read: Child, count: Child) => rich`${read} of ${count} read`;
export const theNetworkOnThisPageTakes = (what: Child) =>
  rich`The network on this page takes ${what}, not a picture. To learn from pictures, drop or choose a folder that holds a sub-folder of them for each class.`;
export const oneNumber = "one number";
export const numbers = "numbers";
export const thePictureAsTheNetworkSees = "The picture as the network sees it";
export const asTheNetworkSeesIt = (width: Child, height: Child) => rich`as the network sees it, ${width} × ${height}`;
export const swapLightAndDark = "swap light and dark";
export const theSetHasClassesAsMany = (mostClasses: Value) =>
  `The set has ${mostClasses} classes, as many as this page takes; choose one of them.`;
export const itIsOfTheClass = "it is of the class";
export const allAreOfTheClass = (files: Value) => `all ${files} are of the class`;
export const addToTheSetAndRetrain = "Add to the set and retrain";

// page/onnxFile.ts
export const wasNotReadWhatReadsONNX = (name: Value) =>
  `${name} was not read: what reads ONNX files could not be loaded`;

// shared/project.ts
export const thisFileIsNotJSONSo = "This file is not JSON, so it is not a Studio project; it may have been cut off.";
export const thisFileIsNotAStudioProject = "This file is not a Studio project: it does not say format hebb-studio.";
export const thisProjectIsOfVersionThis = (value: Value) =>
  `This project is version ${value}; this Studio reads version 1.`;
export const theWeightsInThisProjectAre = "The weights in this project are damaged.";
