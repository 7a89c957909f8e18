// The threads of the C backend, in C: a small library loaded once, and what programs see of it.

/** Looks at a counter before giving the processor away in a barrier, and before going to sleep between jobs. */
const barrierSpins = 4000;
const jobSpins = 20000;

/** What a program needs to share its phases: the pool, and a barrier that all threads of a job pass together. */
export const poolInterface = `struct pool {
  void (*run)(struct pool *, void (*job)(struct pool *, int thread, int threads), char *base, const unsigned *table);
  int threads;
  __attribute__((aligned(64))) int arrived;
  __attribute__((aligned(64))) int opened;
  __attribute__((aligned(64))) int jobs;
  void (*job)(struct pool *, int thread, int threads);
  char *base;
  const unsigned *table;
  __attribute__((aligned(64))) int asleep;
  int stopped;
};
extern int sched_yield(void);
static inline void pool_pause(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#endif
}
/* The last to arrive opens it. The others look for a while, then let other work of the machine go first. */
static void pool_barrier(struct pool *p) {
  int round = __atomic_load_n(&p->opened, __ATOMIC_ACQUIRE);
  if (__atomic_add_fetch(&p->arrived, 1, __ATOMIC_ACQ_REL) == p->threads) {
    __atomic_store_n(&p->arrived, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&p->opened, round + 1, __ATOMIC_RELEASE);
    return;
  }
  for (int spins = 0; __atomic_load_n(&p->opened, __ATOMIC_ACQUIRE) == round; spins++) {
    if (spins < ${barrierSpins}) pool_pause();
    else sched_yield();
  }
}
`;

/** The library: `hebb_pool` starts threads - 1 workers beside the caller, `hebb_pool_close` ends them. */
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

static void run(struct pool *p, void (*job)(struct pool *, int, int), char *base, const unsigned *table) {
  struct workers *w = (struct workers *)p;
  p->job = job;
  p->base = base;
  p->table = table;
  __atomic_add_fetch(&p->jobs, 1, __ATOMIC_SEQ_CST);
  if (__atomic_load_n(&p->asleep, __ATOMIC_SEQ_CST) > 0) {
    pthread_mutex_lock(&w->mutex);
    pthread_cond_broadcast(&w->wake);
    pthread_mutex_unlock(&w->mutex);
  }
  if (job) {
    job(p, 0, p->threads);
    pool_barrier(p);
  }
}

static void *work(void *argument) {
  struct seat seat = *(struct seat *)argument;
  free(argument);
  struct pool *p = &seat.workers->pool;
  int seen = 0;
  for (;;) {
    for (int spins = 0; spins < ${jobSpins} && __atomic_load_n(&p->jobs, __ATOMIC_ACQUIRE) == seen; spins++) pool_pause();
    if (__atomic_load_n(&p->jobs, __ATOMIC_ACQUIRE) == seen) {
      pthread_mutex_lock(&seat.workers->mutex);
      __atomic_add_fetch(&p->asleep, 1, __ATOMIC_SEQ_CST);
      while (__atomic_load_n(&p->jobs, __ATOMIC_SEQ_CST) == seen)
        pthread_cond_wait(&seat.workers->wake, &seat.workers->mutex);
      __atomic_sub_fetch(&p->asleep, 1, __ATOMIC_SEQ_CST);
      pthread_mutex_unlock(&seat.workers->mutex);
    }
    seen++;
    if (p->stopped) return 0;
    p->job(p, seat.thread, p->threads);
    pool_barrier(p);
  }
}

void *hebb_pool(int threads) {
  struct workers *w = aligned_alloc(64, (sizeof(struct workers) + 63) / 64 * 64);
  if (!w) return 0;
  __builtin_memset(w, 0, sizeof(*w));
  w->pool.run = run;
  w->pool.threads = threads;
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

void hebb_pool_close(void *pool) {
  struct workers *w = pool;
  w->pool.stopped = 1;
  run(&w->pool, 0, 0, 0);
  for (int thread = 1; thread < w->pool.threads; thread++) pthread_join(w->handles[thread], 0);
  free(w->handles);
  free(w);
}
`;
