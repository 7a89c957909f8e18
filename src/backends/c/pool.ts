// The threads of the C backend, in C: a library that stays loaded, and the interface for programs.

/** Polls of the open phase before a worker yields, and before it sleeps between runs. */
const waitSpins = 4000;
const idleSpins = 20000;

/** The pool's interface for programs: `begin`, then `share` for each phase worth sharing, then `end`. */
export const poolInterface = `typedef void phase_function(char *base, const unsigned long long *table, int low, int high, char *scratch, const unsigned *operands);
struct pool {
  void (*begin)(struct pool *);
  /* Runs the units of a phase, at most \`take\` of them at a time; returns when all are done. \`scratch\` is the slot of the first thread's. */
  void (*share)(struct pool *, phase_function *, char *base, const unsigned long long *table, int scratch, int units, int take, const unsigned *operands);
  void (*end)(struct pool *);
};
`;

/**
 * The library: `hebb_pool` starts threads - 1 workers besides the caller. `hebb_pool_close` ends them, and so does the end of the
 * thread that started them.
 *
 * Each running thread claims units of its own range of a phase, a few at a time, and then what is left of the other ranges. So it finds in its cache what
 * it computed in the phase before, and a descheduled thread delays the others only by the units it has claimed.
 * The bits do not depend on which thread computes a unit. A worker runs a program's code and touches its memory only for units it
 * has claimed, and \`share\` waits for those. So when it returns, the program and its memory may be freed, in whichever
 * order a Node thread releases them.
 */
export const poolSource = `#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
${poolInterface}
enum { idle, running, stopped };

/* A part of the units of a phase: the number of the phase; the low half counts the unclaimed units. */
struct range {
  __attribute__((aligned(64))) unsigned long long open;
};
struct workers {
  struct pool pool;
  /* One for each thread. */
  struct range *ranges;
  /* The number of the open phase. */
  __attribute__((aligned(64))) unsigned phase;
  /* The open phase. It changes only when all units are claimed, so a worker that claims a unit has read a consistent phase. */
  phase_function *run;
  char *base;
  const unsigned long long *table;
  const unsigned *operands;
  int scratch;
  int units;
  int take;
  /* Finished units of the open phase. */
  __attribute__((aligned(64))) int done;
  __attribute__((aligned(64))) int state;
  int asleep;
  pthread_mutex_t mutex;
  pthread_cond_t wake;
  int threads;
  pthread_t *handles;
  /* The next pool of the same thread. */
  struct workers *next;
};
struct seat {
  struct workers *workers;
  int thread;
};

#define get(place) __atomic_load_n(&(place), __ATOMIC_RELAXED)
#define put(place, value) __atomic_store_n(&(place), value, __ATOMIC_RELAXED)

static void rest(int spins) {
  if (spins >= ${waitSpins}) {
    sched_yield();
    return;
  }
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#endif
}

/* Runs units of the open phase until all are claimed, those of the own range first. */
static void help(struct workers *w, int thread) {
  const int threads = get(w->threads);
  for (int other = 0; other < threads; other++) {
    const int place = (thread + other) % threads;
    unsigned long long *open = &w->ranges[place].open, word = __atomic_load_n(open, __ATOMIC_ACQUIRE);
    while ((unsigned)word != 0) {
      phase_function *run = get(w->run);
      char *base = get(w->base);
      const unsigned long long *table = get(w->table);
      const unsigned *operands = get(w->operands);
      const int scratch = get(w->scratch), units = get(w->units);
      const unsigned left = (unsigned)word, most = get(w->take), take = left < most ? left : most;
      if (!__atomic_compare_exchange_n(open, &word, word - take, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) continue;
      const int low = (int)((long long)units * (place + 1) / threads) - (int)left;
      run(base, table, low, low + (int)take, base + table[scratch + thread], operands);
      __atomic_add_fetch(&w->done, take, __ATOMIC_ACQ_REL);
      word = __atomic_load_n(open, __ATOMIC_ACQUIRE);
    }
  }
}

static void change(struct workers *w, int state) {
  __atomic_store_n(&w->state, state, __ATOMIC_SEQ_CST);
  if (__atomic_load_n(&w->asleep, __ATOMIC_SEQ_CST) == 0) return;
  pthread_mutex_lock(&w->mutex);
  pthread_cond_broadcast(&w->wake);
  pthread_mutex_unlock(&w->mutex);
}

static void begin(struct pool *pool) { change((struct workers *)pool, running); }

static void share(struct pool *pool, phase_function *run, char *base, const unsigned long long *table, int scratch, int units, int take, const unsigned *operands) {
  struct workers *w = (struct workers *)pool;
  put(w->run, run);
  put(w->base, base);
  put(w->table, table);
  put(w->operands, operands);
  put(w->scratch, scratch);
  put(w->units, units);
  put(w->take, take);
  put(w->done, 0);
  const unsigned phase = get(w->phase) + 1;
  const int threads = get(w->threads);
  for (int place = 0; place < threads; place++) {
    const long long from = (long long)units * place / threads, to = (long long)units * (place + 1) / threads;
    __atomic_store_n(&w->ranges[place].open, (unsigned long long)phase << 32 | (unsigned)(to - from), __ATOMIC_RELEASE);
  }
  __atomic_store_n(&w->phase, phase, __ATOMIC_RELEASE);
  help(w, 0);
  for (int spins = 0; __atomic_load_n(&w->done, __ATOMIC_ACQUIRE) < units; spins++) rest(spins);
}

static void end(struct pool *pool) { __atomic_store_n(&((struct workers *)pool)->state, idle, __ATOMIC_RELEASE); }

static void sleep_until_called(struct workers *w) {
  pthread_mutex_lock(&w->mutex);
  __atomic_add_fetch(&w->asleep, 1, __ATOMIC_SEQ_CST);
  while (__atomic_load_n(&w->state, __ATOMIC_SEQ_CST) == idle) pthread_cond_wait(&w->wake, &w->mutex);
  __atomic_sub_fetch(&w->asleep, 1, __ATOMIC_SEQ_CST);
  pthread_mutex_unlock(&w->mutex);
}

static void *work(void *argument) {
  const struct seat seat = *(struct seat *)argument;
  free(argument);
  struct workers *w = seat.workers;
  int spins = 0, idle_spins = 0;
  unsigned seen = 0;
  for (;;) {
    const unsigned phase = __atomic_load_n(&w->phase, __ATOMIC_ACQUIRE);
    if (phase != seen) {
      seen = phase;
      spins = 0;
      help(w, seat.thread);
    }
    switch (__atomic_load_n(&w->state, __ATOMIC_ACQUIRE)) {
    case running:
      idle_spins = 0;
      rest(spins++);
      break;
    case idle:
      spins = 0;
      if (idle_spins++ < ${idleSpins}) {
        rest(0);
        break;
      }
      sleep_until_called(w);
      idle_spins = 0;
      break;
    default:
      return 0;
    }
  }
}

static void end_workers(struct workers *w) {
  change(w, stopped);
  for (int thread = 1; thread < w->threads; thread++) pthread_join(w->handles[thread], 0);
  pthread_mutex_destroy(&w->mutex);
  pthread_cond_destroy(&w->wake);
  free(w->handles);
  free(w->ranges);
  free(w);
}

/* The pools of each thread. They end with it: when Node terminates a thread, no JavaScript runs that could close them. */
static pthread_key_t owned;
static int usable;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void end_all(void *first) {
  for (struct workers *w = first, *next; w; w = next) {
    next = w->next;
    end_workers(w);
  }
}

/* The library is never unloaded: its threads still run its code when the code that loaded it has let it go. */
static void stay(void) {
  Dl_info own;
  usable = dladdr(&once, &own) != 0 && dlopen(own.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE) != 0 &&
           pthread_key_create(&owned, end_all) == 0;
}

void *hebb_pool(int threads) {
  pthread_once(&once, stay);
  if (!usable) return 0;
  struct workers *w = aligned_alloc(64, (sizeof(struct workers) + 63) / 64 * 64);
  if (!w) return 0;
  __builtin_memset(w, 0, sizeof(*w));
  w->pool.begin = begin;
  w->pool.share = share;
  w->pool.end = end;
  w->threads = threads;
  w->handles = calloc(threads, sizeof(pthread_t));
  w->ranges = aligned_alloc(64, threads * sizeof(struct range));
  w->next = pthread_getspecific(owned);
  if (!w->handles || !w->ranges || pthread_setspecific(owned, w) != 0) {
    free(w->handles);
    free(w->ranges);
    free(w);
    return 0;
  }
  __builtin_memset(w->ranges, 0, threads * sizeof(struct range));
  pthread_mutex_init(&w->mutex, 0);
  pthread_cond_init(&w->wake, 0);
  for (int thread = 1; thread < threads; thread++) {
    struct seat *seat = malloc(sizeof(struct seat));
    if (seat) *seat = (struct seat){w, thread};
    if (!seat || pthread_create(&w->handles[thread], 0, work, seat) != 0) {
      /* Fewer threads than requested: continue with those that started. */
      free(seat);
      put(w->threads, thread);
      break;
    }
  }
  return w;
}

int hebb_pool_threads(void *pool) { return ((struct workers *)pool)->threads; }

/* By the thread that started it. */
void hebb_pool_close(void *pool) {
  struct workers *first = pthread_getspecific(owned), **link = &first;
  while (*link && *link != pool) link = &(*link)->next;
  if (!*link) return;
  *link = ((struct workers *)pool)->next;
  pthread_setspecific(owned, first);
  end_workers(pool);
}
`;
