// The threads of the C backend, in C: a small library loaded once, and what programs see of it.

/** Looks at a counter before giving the processor away, and before going to sleep between jobs. */
const waitSpins = 4000;
const jobSpins = 20000;

/**
 * What a program needs to share its phases. Units of a phase are claimed, a few at a time, by whichever thread is running: one
 * that the machine has put aside keeps nobody waiting, but for the units it has claimed. Which thread computes a unit changes no bit.
 */
export const poolInterface = `struct pool {
  void (*run)(struct pool *, void (*job)(struct pool *, int, char *, const unsigned long long *, unsigned), char *, const unsigned long long *, unsigned phases);
  int threads;
  /* The number of the open phase, and in the low half the next unit of it. */
  __attribute__((aligned(64))) unsigned long long open;
  /* Units of the open phase that are done. */
  __attribute__((aligned(64))) int done;
  __attribute__((aligned(64))) int jobs;
  void (*job)(struct pool *, int, char *, const unsigned long long *, unsigned);
  char *base;
  const unsigned long long *table;
  unsigned first;
  unsigned next;
  __attribute__((aligned(64))) int asleep;
  int inside;
  int stopped;
};
extern int sched_yield(void);
static inline void pool_pause(int spins) {
  if (spins >= ${waitSpins}) {
    sched_yield();
    return;
  }
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#endif
}
/* Takes some units of a phase; the first thread has opened it. */
static int pool_claim(struct pool *p, unsigned phase, int units, int share, int *low, int *high) {
  unsigned long long state = __atomic_load_n(&p->open, __ATOMIC_ACQUIRE);
  for (int spins = 0; (int)((unsigned)(state >> 32) - phase) < 0; spins++) {
    pool_pause(spins);
    state = __atomic_load_n(&p->open, __ATOMIC_ACQUIRE);
  }
  for (;;) {
    const unsigned next = (unsigned)state;
    if ((unsigned)(state >> 32) != phase || next >= (unsigned)units) return 0;
    const unsigned take = units - next < (unsigned)share ? units - next : (unsigned)share;
    if (__atomic_compare_exchange_n(&p->open, &state, state + take, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
      *low = next;
      *high = next + take;
      return 1;
    }
  }
}
static inline void pool_open(struct pool *p, unsigned phase) {
  __atomic_store_n(&p->done, 0, __ATOMIC_RELAXED);
  __atomic_store_n(&p->open, (unsigned long long)phase << 32, __ATOMIC_RELEASE);
}
static inline void pool_did(struct pool *p, int units) { __atomic_add_fetch(&p->done, units, __ATOMIC_ACQ_REL); }
static void pool_wait(struct pool *p, int units) {
  for (int spins = 0; __atomic_load_n(&p->done, __ATOMIC_ACQUIRE) < units; spins++) pool_pause(spins);
}
`;

/**
 * The library: `hebb_pool` starts threads - 1 workers beside the caller, `hebb_pool_close` ends them; `hebb_pool_leave` returns when
 * no worker is inside a program any more, so that one may be unloaded.
 */
export const poolSource = `#include <pthread.h>
#include <stdlib.h>
${poolInterface}
struct workers {
  struct pool pool;
  pthread_mutex_t mutex;
  pthread_cond_t wake;
  pthread_t *handles;
};
struct seat {
  struct workers *workers;
  int thread;
};

static void announce(struct workers *w) {
  __atomic_add_fetch(&w->pool.jobs, 1, __ATOMIC_SEQ_CST);
  if (__atomic_load_n(&w->pool.asleep, __ATOMIC_SEQ_CST) > 0) {
    pthread_mutex_lock(&w->mutex);
    pthread_cond_broadcast(&w->wake);
    pthread_mutex_unlock(&w->mutex);
  }
}

/* The description changes between two counts of jobs, so that a worker that read it meanwhile reads it again. */
static void describe(struct pool *p, void (*job)(struct pool *, int, char *, const unsigned long long *, unsigned), char *base, const unsigned long long *table, unsigned phases) {
  __atomic_add_fetch(&p->jobs, 1, __ATOMIC_SEQ_CST);
  __atomic_store_n(&p->job, job, __ATOMIC_RELAXED);
  __atomic_store_n(&p->base, base, __ATOMIC_RELAXED);
  __atomic_store_n(&p->table, table, __ATOMIC_RELAXED);
  __atomic_store_n(&p->first, p->next, __ATOMIC_RELAXED);
  p->next += phases;
  announce((struct workers *)p);
}

static void run(struct pool *p, void (*job)(struct pool *, int, char *, const unsigned long long *, unsigned), char *base, const unsigned long long *table, unsigned phases) {
  describe(p, job, base, table, phases);
  job(p, 0, base, table, p->first);
}

static void nothing(struct pool *p, int thread, char *base, const unsigned long long *table, unsigned first) {}

static void *work(void *argument) {
  struct seat seat = *(struct seat *)argument;
  free(argument);
  struct pool *p = &seat.workers->pool;
  int seen = 0;
  for (;;) {
    for (int spins = 0; spins < ${jobSpins} && __atomic_load_n(&p->jobs, __ATOMIC_ACQUIRE) == seen; spins++) pool_pause(0);
    if (__atomic_load_n(&p->jobs, __ATOMIC_ACQUIRE) == seen) {
      pthread_mutex_lock(&seat.workers->mutex);
      __atomic_add_fetch(&p->asleep, 1, __ATOMIC_SEQ_CST);
      while (__atomic_load_n(&p->jobs, __ATOMIC_SEQ_CST) == seen)
        pthread_cond_wait(&seat.workers->wake, &seat.workers->mutex);
      __atomic_sub_fetch(&p->asleep, 1, __ATOMIC_SEQ_CST);
      pthread_mutex_unlock(&seat.workers->mutex);
    }
    __atomic_add_fetch(&p->inside, 1, __ATOMIC_SEQ_CST);
    void (*job)(struct pool *, int, char *, const unsigned long long *, unsigned);
    char *base;
    const unsigned long long *table;
    unsigned first;
    /* An even count: nobody is changing the description. */
    for (int spins = 0;; spins++) {
      seen = __atomic_load_n(&p->jobs, __ATOMIC_SEQ_CST);
      job = __atomic_load_n(&p->job, __ATOMIC_RELAXED);
      base = __atomic_load_n(&p->base, __ATOMIC_RELAXED);
      table = __atomic_load_n(&p->table, __ATOMIC_RELAXED);
      first = __atomic_load_n(&p->first, __ATOMIC_RELAXED);
      __atomic_thread_fence(__ATOMIC_SEQ_CST);
      if (seen % 2 == 0 && __atomic_load_n(&p->jobs, __ATOMIC_SEQ_CST) == seen) break;
      pool_pause(spins);
    }
    if (!__atomic_load_n(&p->stopped, __ATOMIC_SEQ_CST)) job(p, seat.thread, base, table, first);
    __atomic_sub_fetch(&p->inside, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&p->stopped, __ATOMIC_SEQ_CST)) return 0;
  }
}

void *hebb_pool(int threads) {
  struct workers *w = aligned_alloc(64, (sizeof(struct workers) + 63) / 64 * 64);
  if (!w) return 0;
  __builtin_memset(w, 0, sizeof(*w));
  w->pool.run = run;
  w->pool.job = nothing;
  w->pool.threads = threads;
  w->pool.next = 1;
  w->handles = calloc(threads, sizeof(pthread_t));
  pthread_mutex_init(&w->mutex, 0);
  pthread_cond_init(&w->wake, 0);
  for (int thread = 1; thread < threads; thread++) {
    struct seat *seat = malloc(sizeof(struct seat));
    seat->workers = w;
    seat->thread = thread;
    if (pthread_create(&w->handles[thread], 0, work, seat) != 0) {
      /* Fewer threads than asked for: those that started are enough. */
      free(seat);
      w->pool.threads = thread;
      break;
    }
  }
  return w;
}

int hebb_pool_threads(void *pool) { return ((struct workers *)pool)->pool.threads; }

void hebb_pool_leave(void *pool) {
  struct pool *p = pool;
  describe(p, nothing, 0, 0, 0);
  for (int spins = 0; __atomic_load_n(&p->inside, __ATOMIC_SEQ_CST) > 0; spins++) pool_pause(spins);
}

void hebb_pool_close(void *pool) {
  struct workers *w = pool;
  __atomic_store_n(&w->pool.stopped, 1, __ATOMIC_SEQ_CST);
  describe(&w->pool, nothing, 0, 0, 0);
  for (int thread = 1; thread < w->pool.threads; thread++) pthread_join(w->handles[thread], 0);
  free(w->handles);
  free(w);
}
`;
