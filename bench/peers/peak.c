// The machine's peak of multiply-adds: chains in registers, on THREADS threads. Prints GFLOP/s.
// cc -O2 -march=native -ffp-contract=fast -pthread peak.c -o peak; ./peak THREADS
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#if defined(__AVX512F__)
#define LANES 16
#elif defined(__AVX__)
#define LANES 8
#else
#define LANES 4
#endif
#define CHAINS 12
#define ROUNDS 1500000L
typedef float vector __attribute__((vector_size(4 * LANES)));

static pthread_barrier_t ready;
static volatile float sink;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + 1e-9 * t.tv_nsec;
}

static void *chains(void *unused) {
  vector factor = {0}, addend = {0}, sum[CHAINS];
  factor += 0.999f;
  addend += 0.001f;
  // Different starts, because equal chains would be computed once.
  for (int chain = 0; chain < CHAINS; chain++) sum[chain] = factor + (float)chain;
  pthread_barrier_wait(&ready);
  for (long round = 0; round < ROUNDS; round++) {
#pragma GCC unroll 12
    for (int chain = 0; chain < CHAINS; chain++) sum[chain] = sum[chain] * factor + addend;
  }
  for (int chain = 1; chain < CHAINS; chain++) sum[0] += sum[chain];
  sink = sum[0][0];
  return unused;
}

int main(int count, char **arguments) {
  int threads = count > 1 ? atoi(arguments[1]) : 1;
  double best = 0;
  for (int repetition = 0; repetition < 3; repetition++) {
    pthread_t others[64];
    pthread_barrier_init(&ready, NULL, threads);
    double start = now();
    for (int i = 1; i < threads && i < 64; i++) pthread_create(&others[i], NULL, chains, NULL);
    chains(NULL);
    for (int i = 1; i < threads && i < 64; i++) pthread_join(others[i], NULL);
    double rate = 2.0 * LANES * CHAINS * ROUNDS * threads / (now() - start) / 1e9;
    if (rate > best) best = rate;
  }
  printf("%.1f\n", best);
  return 0;
}
