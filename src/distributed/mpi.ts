// MPI through koffi: Open MPI, MPICH and compatible libraries, distinguished by their symbols.
import { koffi, type Library, type NativeFunction } from "../backends/c/native.ts";
import { HebbError } from "../graph/errors.ts";
import type { Launch } from "./launch.ts";
import { announceEnd, announceLeave, type Lost } from "./neighbours.ts";
import type { Lane, Request, Transport } from "./transport.ts";

/** The representation of handles in an implementation, and the two handles that are needed. */
interface Interface {
  readonly name: "Open MPI" | "MPICH";
  /** The C type of a handle: an address, or a number. */
  readonly handle: "uint64_t" | "int";
  readonly world: number;
  readonly byte: number;
}

/** Handles of MPICH's ABI, which Intel MPI, Cray MPICH and MVAPICH share (the MPICH ABI initiative). */
const mpich: Interface = { name: "MPICH", handle: "int", world: 0x44000000, byte: 0x4c00010d };

/** Names of the library, with versions first: names without a version need the development package. */
const openMpiNames = ["libmpi.so.40", "libmpi.so.80", "libmpi.so.20", "libmpi.so", "libmpi.40.dylib", "libmpi.dylib"];
const mpichNames = ["libmpich.so.12", "libmpi.so.12", "libmpi_cray.so.12", "libmpich.so", "libmpi.12.dylib"];

/** The sizes of buffers that MPI fills: a version string, an MPI_Status. */
const versionBytes = 8192;
const statusBytes = 128;

function interfaceOf(library: Library): Interface {
  try {
    const at = (name: string): number => Number(koffi().address(library.symbol(name)));
    return {
      name: "Open MPI",
      handle: "uint64_t",
      world: at("ompi_mpi_comm_world"),
      byte: at("ompi_mpi_byte"),
    };
  } catch {
    return mpich;
  }
}

/**
 * UCX, the transport of many MPI libraries, hooks mmap and brk of the process and handles segmentation faults. With the hooks, one rank in sixty
 * crashed in its first garbage collection (Debian's MPICH 4.0.2, Node 20). V8 needs those faults for bounds checks of WebAssembly memory. Variables
 * set by the user take precedence.
 */
const tamed: Readonly<Record<string, string>> = {
  UCX_MEM_EVENTS: "n",
  UCX_ERROR_SIGNALS: "SIGILL,SIGBUS,SIGFPE",
};

/** Loads the library of the MPI that started this process, or the one named by HEBB_MPI. */
function load({ kind, startedBy }: Launch): Library {
  for (const [name, value] of Object.entries(tamed)) process.env[name] ??= value;
  const named = process.env["HEBB_MPI"];
  const names =
    named !== undefined
      ? [named]
      : kind === "Open MPI"
        ? openMpiNames
        : kind === "MPICH"
          ? mpichNames
          : [...openMpiNames, ...mpichNames];
  for (const name of names) {
    try {
      // Global, because Open MPI later loads parts of itself that need its symbols.
      return koffi().load(name, { global: true });
    } catch {
      // Try the next name.
    }
  }
  throw new HebbError(
    named === undefined
      ? `this process was started by ${startedBy}, but no library of MPI can be loaded (${names.join(", ")}); install that of the same MPI, such as ${kind === "MPICH" ? "libmpich12" : "libopenmpi3"} of Debian, or name its file with HEBB_MPI`
      : `HEBB_MPI names ${named}, which cannot be loaded; name the libmpi of the MPI whose mpirun started this process`,
  );
}

/** The lane for signing off: the other lanes may have messages in flight. */
const leaving: Lane = 2;
/** Waits of one millisecond between two checks of the other ranks. */
const looksEvery = 50;

const addressOf = (bytes: Uint8Array): number => Number(koffi().address(bytes));

export class Mpi implements Transport {
  readonly rank: number;
  readonly size: number;
  readonly description: string;
  readonly #interface: Interface;
  /** The communicator of each lane. */
  readonly #lanes: readonly [number, number, number];
  readonly #status = new Uint8Array(statusBytes);
  readonly #flag = new Int32Array(32);
  readonly #flagBytes = new Uint8Array(this.#flag.buffer);
  readonly #statusAddress = addressOf(this.#status);
  readonly #flagAddress = addressOf(this.#flagBytes);
  readonly #test: NativeFunction;
  readonly #allToAll: NativeFunction;
  readonly #allGather: NativeFunction;
  readonly #broadcast: NativeFunction;
  readonly #barrier: NativeFunction;
  readonly #abort: NativeFunction;
  readonly #finalize: NativeFunction;
  #ended = false;
  /** Whether waiting is pointless. */
  lost: ((waited: number) => Lost) | undefined;

  constructor(launch: Launch) {
    const library = load(launch);
    const own = interfaceOf(library);
    this.#interface = own;
    const { handle } = own;
    const all = `uint64_t send, int count, ${handle} type, uint64_t receive, int each, ${handle} same, ${handle} comm, uint64_t request`;
    const init = library.func("int MPI_Init(uint64_t argc, uint64_t argv)");
    const query = library.func("int MPI_Initialized(uint64_t flag)");
    const version = library.func("int MPI_Get_library_version(uint64_t text, uint64_t length)");
    const rank = library.func(`int MPI_Comm_rank(${handle} comm, uint64_t rank)`);
    const size = library.func(`int MPI_Comm_size(${handle} comm, uint64_t size)`);
    this.#test = library.func("int MPI_Test(uint64_t request, uint64_t flag, uint64_t status)");
    this.#allToAll = library.func(`int MPI_Ialltoall(${all})`);
    this.#allGather = library.func(`int MPI_Iallgather(${all})`);
    this.#broadcast = library.func(
      `int MPI_Ibcast(uint64_t data, int count, ${handle} type, int root, ${handle} comm, uint64_t request)`,
    );
    this.#barrier = library.func(`int MPI_Ibarrier(${handle} comm, uint64_t request)`);
    this.#abort = library.func(`int MPI_Abort(${handle} comm, int code)`);
    this.#finalize = library.func("int MPI_Finalize()");
    const number = (ask: (address: number) => unknown): number => {
      check("asking", ask(this.#flagAddress));
      return this.#flag[0] as number;
    };
    if (number((to) => query(to)) === 0) check("MPI_Init", init(0, 0));
    const duplicate = library.func(`int MPI_Comm_dup(${handle} comm, uint64_t made)`);
    const another = (): number => {
      const made = new BigInt64Array(1);
      check("MPI_Comm_dup", duplicate(own.world, addressOf(new Uint8Array(made.buffer))));
      return handle === "int" ? (new Int32Array(made.buffer)[0] as number) : Number(made[0]);
    };
    this.#lanes = [own.world, another(), another()];
    this.rank = number((to) => rank(own.world, to));
    this.size = number((to) => size(own.world, to));
    const text = new Uint8Array(versionBytes);
    const length = number((to) => version(addressOf(text), to));
    const full = new TextDecoder().decode(text.subarray(0, length)).replace(/\0/g, "");
    const [line = own.name] = full.split(/[,\n]/);
    this.description = line
      .replace(/Version:?/, "")
      .replace(/\s+/g, " ")
      .trim();
  }

  allToAll(send: Uint8Array, receive: Uint8Array): Request {
    const { world, byte } = this.#interface;
    const each = receive.length / this.size;
    return this.#begin("MPI_Ialltoall", [send, receive], (request) =>
      this.#allToAll(addressOf(send), each, byte, addressOf(receive), each, byte, world, request),
    );
  }

  allGather(send: Uint8Array, receive: Uint8Array, lane: Lane = 0): Request {
    const { byte } = this.#interface;
    const among = this.#lanes[lane];
    return this.#begin("MPI_Iallgather", [send, receive], (request) =>
      this.#allGather(addressOf(send), send.length, byte, addressOf(receive), send.length, byte, among, request),
    );
  }

  broadcast(data: Uint8Array, root: number): Request {
    const { world, byte } = this.#interface;
    return this.#begin("MPI_Ibcast", [data], (request) =>
      this.#broadcast(addressOf(data), data.length, byte, root, world, request),
    );
  }

  barrier(lane: Lane = 0): Request {
    return this.#begin("MPI_Ibarrier", [], (request) => this.#barrier(this.#lanes[lane], request));
  }

  /** The request keeps the buffers alive until it is complete. */
  #begin(name: string, buffers: readonly Uint8Array[], start: (request: number) => unknown): Request {
    const request = new BigInt64Array(16);
    const address = addressOf(new Uint8Array(request.buffer));
    check(name, start(address));
    let held: readonly unknown[] | undefined = [request, ...buffers];
    return {
      test: () => {
        if (held === undefined) return true;
        check("MPI_Test", this.#test(address, this.#flagAddress, this.#statusAddress));
        if (this.#flag[0] === 0) return false;
        held = undefined;
        return true;
      },
    };
  }

  checkRanks(waited: number): void {
    const found = this.lost?.(waited);
    if (found === undefined) return;
    if (found !== "told") throw new HebbError(found.why);
    this.#ended = true;
    process.exit(1);
  }

  abort(exitCode: number): never {
    this.#ended = true;
    announceEnd();
    this.#abort(this.#interface.world, exitCode);
    return process.exit(exitCode);
  }

  /** Whether this rank has signed off. */
  get ended(): boolean {
    return this.#ended;
  }

  /**
   * Signs off when all ranks are done. It does so collectively: if Open MPI's mpirun ends a job while ranks wait in MPI_Finalize, mpirun itself
   * crashes or hangs, once in twenty times (4.1.4 with PMIx 4.2.2). False: a rank ended without signing off, and the launcher ends all.
   */
  finalize(): boolean {
    if (this.#ended) return true;
    this.#ended = true;
    announceLeave();
    const met = this.#meets();
    if (met) this.#finalize();
    return met;
  }

  /** Waits until all ranks are here. */
  #meets(): boolean {
    const met = this.barrier(leaving);
    const bell = new Int32Array(new SharedArrayBuffer(4));
    for (let waits = 0; !met.test(); waits++) {
      if (waits % looksEvery === looksEvery - 1 && this.lost?.(0) !== undefined) return false;
      Atomics.wait(bell, 0, 0, 1);
    }
    return true;
  }
}

function check(name: string, result: unknown): void {
  if (result !== 0)
    throw new HebbError(`${name} failed with code ${String(result)}; the output of mpirun says more of its network`);
}
