// Python's pickle, protocols 0 to 5 (docs.python.org, pickletools), read as data. Nothing is imported or called: an unknown name is an
// error that names it.
import { HebbError } from "../../graph/errors.ts";
import type { Dict, Global, List, Value } from "./values.ts";

/** The names that a pickle may refer to. */
export interface Known {
  /** Whether a name, such as collections.OrderedDict, is known. */
  has(name: string): boolean;
  /** The result of calling a known name; undefined for unsupported arguments. */
  call(name: string, args: readonly Value[]): Value | undefined;
  /** The object of a persistent id. */
  persistent(id: Value): Value | undefined;
}

/** Marks the start of an object on the stack. */
const mark = Symbol("mark");
type Slot = Value | typeof mark;

const isDict = (value: Slot | undefined): value is Dict =>
  typeof value === "object" && value !== null && "kind" in value && value.kind === "dict";
const isList = (value: Slot | undefined): value is List =>
  typeof value === "object" && value !== null && "kind" in value && "items" in value;
const isGlobal = (value: Slot | undefined): value is Global =>
  typeof value === "object" && value !== null && "kind" in value && value.kind === "global";

/** Limit of values to create, and of memo entries: about 15,000 tensors. One byte of a file can create a value. */
const mostValues = 2 ** 18;

/** Reads one pickle at an offset. */
export class Unpickler {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #name: string;
  readonly #known: Known;
  readonly #stack: Slot[] = [];
  readonly #memo = new Map<number, Value>();
  #at: number;
  #made = 0;

  constructor(bytes: Uint8Array, at: number, known: Known, name: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = at;
    this.#known = known;
    this.#name = name;
  }

  /** The end of the pickle, after `read`. */
  get end(): number {
    return this.#at;
  }

  #damaged(what: string): HebbError {
    return new HebbError(`${this.#name}: the pickle ${what} at byte ${this.#at}; the file is truncated or damaged`);
  }

  #refused(name: string, does = "would call"): HebbError {
    return new HebbError(
      `${this.#name} ${does} ${JSON.stringify(name.slice(0, 200))}, which is not run here; save the state dict alone: torch.save(model.state_dict(), path)`,
    );
  }

  #take(length: number): number {
    const from = this.#at;
    if (!(length >= 0 && from + length <= this.#bytes.length)) throw this.#damaged("ends within a value");
    this.#at += length;
    return from;
  }

  #u8 = (): number => this.#view.getUint8(this.#take(1));
  #u16 = (): number => this.#view.getUint16(this.#take(2), true);
  #u32 = (): number => this.#view.getUint32(this.#take(4), true);
  #u64 = (): number => Number(this.#view.getBigUint64(this.#take(8), true));

  #raw(length: number): Uint8Array {
    const from = this.#take(length);
    return this.#bytes.subarray(from, from + length);
  }

  #text(length: number): string {
    return new TextDecoder().decode(this.#raw(length));
  }

  #line(): string {
    const end = this.#bytes.indexOf(10, this.#at);
    if (end < 0) throw this.#damaged("ends within a line");
    const text = new TextDecoder("latin1").decode(this.#bytes.subarray(this.#at, end));
    this.#at = end + 1;
    return text;
  }

  /** A whole number in two's complement, lowest byte first. */
  #long(length: number): Value {
    if (length > 64) throw this.#damaged(`has a number of ${length} bytes`);
    const bytes = this.#raw(length);
    let value = 0n;
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i] as number);
    if (length > 0 && (bytes[length - 1] as number) >= 128) value -= 1n << BigInt(8 * length);
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }

  #decimal(text: string): Value {
    if (!/^[+-]?\d{1,400}L?$/.test(text)) throw this.#damaged("has a number without digits");
    const value = BigInt(text.replace("L", "").replace("+", ""));
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }

  #pop(): Value {
    const value = this.#stack.pop();
    if (value === undefined || value === mark) throw this.#damaged("takes a value that is not there");
    return value;
  }

  #top(): Slot | undefined {
    return this.#stack.at(-1);
  }

  /** Pops all values above the last mark, and the mark. */
  #sinceMark(): Value[] {
    const from = this.#stack.lastIndexOf(mark);
    if (from < 0) throw this.#damaged("takes a mark that is not there");
    const values = this.#stack.splice(from);
    return values.flatMap((value) => (value === mark ? [] : [value]));
  }

  #popMany(count: number): Value[] {
    const missing = (): HebbError => this.#damaged("takes a value that is not there");
    if (this.#stack.length < count) throw missing();
    // map allocates each list at its exact size; a growing list would take several times as much.
    return this.#stack.splice(-count).map((value) => {
      if (value === mark) throw missing();
      return value;
    });
  }

  #pairs(values: readonly Value[]): [Value, Value][] {
    if (values.length % 2 === 1) throw this.#damaged("has a key without a value");
    const pairs: [Value, Value][] = [];
    for (let i = 0; i < values.length; i += 2) pairs.push([values[i] as Value, values[i + 1] as Value]);
    return pairs;
  }

  #append(values: readonly Value[]): void {
    const list = this.#top();
    if (!isList(list) || list.kind === "tuple") throw this.#damaged("appends to what is not a list");
    for (const value of values) list.items.push(value);
  }

  #set(values: readonly Value[]): void {
    const dict = this.#top();
    if (!isDict(dict)) throw this.#damaged("sets an item of what is not a dict");
    for (const pair of this.#pairs(values)) dict.entries.push(pair);
  }

  #global(module: string, name: string): Global {
    const full = `${module}.${name}`;
    if (!this.#known.has(full)) throw this.#refused(full);
    return { kind: "global", name: full };
  }

  #call(): Value {
    const args = this.#pop();
    const callee = this.#pop();
    if (!isGlobal(callee) || !isList(args)) throw this.#damaged("calls what is not a function");
    const result = this.#known.call(callee.name, args.items);
    if (result === undefined) throw this.#refused(callee.name, "has arguments that are not known for");
    return result;
  }

  /** Ignores an attribute of an OrderedDict (the versions of modules). Other objects have none. */
  #build(): void {
    this.#pop();
    const target = this.#top();
    if (!isDict(target)) throw this.#refused("__setstate__");
  }

  #get(place: number): Value {
    const value = this.#memo.get(place);
    if (value === undefined) throw this.#damaged(`asks for the value ${place}, which it has not kept,`);
    return value;
  }

  #put(place: number): void {
    const value = this.#top();
    if (value === undefined || value === mark) throw this.#damaged("keeps a value that is not there");
    this.#memo.set(place, value);
    if (this.#memo.size > mostValues) throw this.#tooMany();
  }

  #persistent(id: Value): Value {
    const value = this.#known.persistent(id);
    if (value === undefined) throw this.#damaged("names a storage in an unknown way");
    return value;
  }

  /** Reads the pickle to its end. Throws HebbError for damage, and names anything that Python would call. */
  read(): Value {
    for (;;) {
      const op = this.#u8();
      if (op === 0x2e) {
        const value = this.#pop();
        if (this.#stack.length > 0) throw this.#damaged("leaves values behind");
        return value;
      }
      if (!this.#structure(op)) this.#push(this.#value(op));
    }
  }

  #push(value: Slot): void {
    if (++this.#made > mostValues) throw this.#tooMany();
    this.#stack.push(value);
  }

  #tooMany(): HebbError {
    return new HebbError(
      `${this.#name}: the pickle has more than ${mostValues} values; save long lists of numbers as tensors, and many tensors in several files`,
    );
  }

  /** Handles opcodes that change the stack or the memo in other ways than pushing a value. Returns whether this was one. */
  #structure(op: number): boolean {
    switch (op) {
      case 0x80: {
        const protocol = this.#u8();
        if (protocol > 5) throw new HebbError(`${this.#name} is a pickle of protocol ${protocol}; up to 5 can be read`);
        return true;
      }
      case 0x95: // FRAME
        this.#take(8);
        return true;
      case 0x28: // MARK
        this.#push(mark);
        return true;
      case 0x30: // POP
        this.#stack.pop();
        return true;
      case 0x31: // POP_MARK
        this.#sinceMark();
        return true;
      case 0x61: // APPEND
        this.#append([this.#pop()]);
        return true;
      case 0x65: // APPENDS
      case 0x90: // ADDITEMS
        this.#append(this.#sinceMark());
        return true;
      case 0x73: // SETITEM
        this.#set(this.#popMany(2));
        return true;
      case 0x75: // SETITEMS
        this.#set(this.#sinceMark());
        return true;
      case 0x62: // BUILD
        this.#build();
        return true;
      case 0x70: // PUT
        this.#put(Number(this.#decimal(this.#line())));
        return true;
      case 0x71: // BINPUT
        this.#put(this.#u8());
        return true;
      case 0x72: // LONG_BINPUT
        this.#put(this.#u32());
        return true;
      case 0x94: // MEMOIZE
        this.#put(this.#memo.size);
        return true;
      default:
        return false;
    }
  }

  /** Opcodes that push one value. */
  #value(op: number): Value {
    switch (op) {
      case 0x4e: // NONE
        return null;
      case 0x88: // NEWTRUE
        return true;
      case 0x89: // NEWFALSE
        return false;
      case 0x4b: // BININT1
        return this.#u8();
      case 0x4d: // BININT2
        return this.#u16();
      case 0x4a: // BININT
        return this.#view.getInt32(this.#take(4), true);
      case 0x47: // BINFLOAT
        return this.#view.getFloat64(this.#take(8), false);
      case 0x8a: // LONG1
        return this.#long(this.#u8());
      case 0x8b: // LONG4
        return this.#long(this.#u32());
      case 0x49: {
        // INT, which also stores booleans.
        const text = this.#line();
        return text === "00" || text === "01" ? text === "01" : this.#decimal(text);
      }
      case 0x4c: // LONG
        return this.#decimal(this.#line());
      case 0x46: // FLOAT
        return Number(this.#line());
      case 0x58: // BINUNICODE
        return this.#text(this.#u32());
      case 0x8c: // SHORT_BINUNICODE
        return this.#text(this.#u8());
      case 0x8d: // BINUNICODE8
        return this.#text(this.#u64());
      case 0x54: // BINSTRING
        return this.#text(this.#u32());
      case 0x55: // SHORT_BINSTRING
        return this.#text(this.#u8());
      case 0x53: // STRING
        return this.#line().slice(1, -1);
      case 0x56: // UNICODE
        return this.#line();
      case 0x42: // BINBYTES
        return this.#raw(this.#u32());
      case 0x43: // SHORT_BINBYTES
        return this.#raw(this.#u8());
      case 0x8e: // BINBYTES8
      case 0x96: // BYTEARRAY8
        return this.#raw(this.#u64());
      default:
        return this.#object(op);
    }
  }

  /** Opcodes that push an object made of others. */
  #object(op: number): Value {
    switch (op) {
      case 0x5d: // EMPTY_LIST
        return { kind: "list", items: [] };
      case 0x6c: // LIST
        return { kind: "list", items: this.#sinceMark() };
      case 0x29: // EMPTY_TUPLE
        return { kind: "tuple", items: [] };
      case 0x74: // TUPLE
        return { kind: "tuple", items: this.#sinceMark() };
      case 0x85: // TUPLE1, TUPLE2, TUPLE3
      case 0x86:
      case 0x87:
        return { kind: "tuple", items: this.#popMany(op - 0x84) };
      case 0x7d: // EMPTY_DICT
        return { kind: "dict", entries: [] };
      case 0x64: // DICT
        return { kind: "dict", entries: this.#pairs(this.#sinceMark()) };
      case 0x8f: // EMPTY_SET
        return { kind: "set", items: [] };
      case 0x91: // FROZENSET
        return { kind: "set", items: this.#sinceMark() };
      case 0x32: {
        // DUP
        const value = this.#pop();
        this.#push(value);
        return value;
      }
      case 0x67: // GET
        return this.#get(Number(this.#decimal(this.#line())));
      case 0x68: // BINGET
        return this.#get(this.#u8());
      case 0x6a: // LONG_BINGET
        return this.#get(this.#u32());
      case 0x63: // GLOBAL
        return this.#global(this.#line(), this.#line());
      case 0x93: {
        // STACK_GLOBAL
        const [module, name] = this.#popMany(2);
        if (typeof module !== "string" || typeof name !== "string") throw this.#damaged("has a name that is not text");
        return this.#global(module, name);
      }
      case 0x52: // REDUCE
      case 0x81: // NEWOBJ
        return this.#call();
      case 0x51: // BINPERSID
        return this.#persistent(this.#pop());
      case 0x50: // PERSID
        return this.#persistent(this.#line());
      case 0x69: // INST
        throw this.#refused(`${this.#line()}.${this.#line()}`);
      case 0x6f: {
        // OBJ
        const [callee = null] = this.#sinceMark();
        throw this.#refused(isGlobal(callee) ? callee.name : "an object");
      }
      case 0x92: {
        // NEWOBJ_EX
        const [callee = null] = this.#popMany(3);
        throw this.#refused(isGlobal(callee) ? callee.name : "an object");
      }
      case 0x82: // EXT1, EXT2, EXT4
      case 0x83:
      case 0x84:
        throw this.#refused("an entry of copyreg's extension registry");
      default:
        throw this.#damaged(`has the unknown opcode 0x${op.toString(16)}`);
    }
  }
}
