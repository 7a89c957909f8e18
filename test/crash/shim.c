// Makes the n-th system call on files of one folder fail, like a full, broken or read-only disk.
// Preloaded: LD_PRELOAD=shim.so. A program controls it by opening paths that are commands:
//   /fault/FOLDER-IS<path>           the folder, once
//   /fault/<kind>/<once|on>/<n>      starts counting calls; fails call n (from 0), or all from n on
//   /fault/off                       stops failing; returns the number of calls so far as the size of a file
// Kinds: ENOSPC and EROFS fail writes, EIO fails everything, SHORT halves reads and writes.
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind { NONE, NO_SPACE, READ_ONLY, BROKEN, SHORT_COUNT };
static char folder[4096];
static enum kind kind = NONE;
static int always = 0;
static long at = -1, calls = 0;
static unsigned char ours[4096];

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int inside(const char *path) {
  size_t length = strlen(folder);
  return length > 0 && path != NULL && strncmp(path, folder, length) == 0;
}
static int known(int file) { return file >= 0 && file < (int)sizeof ours && ours[file]; }

// Counts a call and returns whether it must fail. Only calls that the kind affects are counted.
static int fails(int writes, int moves) {
  if (kind == NONE) return 0;
  if ((kind == NO_SPACE || kind == READ_ONLY) && !writes) return 0;
  if (kind == SHORT_COUNT && !moves) return 0;
  long call = calls++;
  return call == at || (always && call > at && at >= 0);
}
static int code(void) { return kind == NO_SPACE ? ENOSPC : kind == READ_ONLY ? EROFS : EIO; }
#define FAIL_IF(condition, writes, moves, value)  \
  if ((condition) && kind != SHORT_COUNT && fails(writes, moves)) { \
    errno = code();                               \
    return value;                                 \
  }

static int command(const char *text) {
  if (strncmp(text, "FOLDER-IS/", 10) == 0) {
    snprintf(folder, sizeof folder, "%s", text + 9);
  } else if (strcmp(text, "off") == 0) {
    int counted = memfd_create("calls", 0);
    if (counted >= 0) (void)!ftruncate(counted, calls);
    kind = NONE;
    return counted;
  } else {
    char name[16] = "", how[16] = "";
    long n = -1;
    if (sscanf(text, "%15[^/]/%15[^/]/%ld", name, how, &n) != 3) return -1;
    kind = !strcmp(name, "ENOSPC") ? NO_SPACE : !strcmp(name, "EROFS") ? READ_ONLY : !strcmp(name, "EIO") ? BROKEN : SHORT_COUNT;
    always = !strcmp(how, "on");
    at = n;
    calls = 0;
  }
  errno = ENOENT;
  return -1;
}

static int open_as(int (*real)(int, const char *, int, ...), int base, const char *path, int flags, mode_t mode) {
  if (path != NULL && strncmp(path, "/fault/", 7) == 0) return command(path + 7);
  int writes = (flags & (O_WRONLY | O_RDWR | O_CREAT)) != 0;
  FAIL_IF(inside(path), writes, 0, -1)
  int file = real(base, path, flags, mode);
  if (file >= 0 && file < (int)sizeof ours) ours[file] = inside(path);
  return file;
}
static mode_t mode_of(int flags, va_list rest) { return flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; }
#define OPEN(name)                                                             \
  int name(const char *path, int flags, ...) {                                 \
    va_list rest;                                                              \
    va_start(rest, flags);                                                     \
    mode_t mode = mode_of(flags, rest);                                        \
    va_end(rest);                                                              \
    return open_as(REAL(openat), AT_FDCWD, path, flags, mode);                 \
  }
OPEN(open)
OPEN(open64)

#define TRANSFER(name, result, signature, given, size, shorter, writes)        \
  result name signature {                                                      \
    if (known(file) && kind != NONE) {                                         \
      int now = fails(writes, 1);                                              \
      if (now && kind != SHORT_COUNT) {                                        \
        errno = code();                                                        \
        return -1;                                                             \
      }                                                                        \
      if (now && (size) > 1) return REAL(name) shorter;                        \
    }                                                                          \
    return REAL(name) given;                                                   \
  }
TRANSFER(write, ssize_t, (int file, const void *data, size_t n), (file, data, n), n, (file, data, n / 2), 1)
TRANSFER(pwrite, ssize_t, (int file, const void *data, size_t n, off_t place), (file, data, n, place), n, (file, data, n / 2, place), 1)
TRANSFER(pwrite64, ssize_t, (int file, const void *data, size_t n, off64_t place), (file, data, n, place), n, (file, data, n / 2, place), 1)
TRANSFER(read, ssize_t, (int file, void *data, size_t n), (file, data, n), n, (file, data, n / 2), 0)
TRANSFER(pread, ssize_t, (int file, void *data, size_t n, off_t place), (file, data, n, place), n, (file, data, n / 2, place), 0)
TRANSFER(pread64, ssize_t, (int file, void *data, size_t n, off64_t place), (file, data, n, place), n, (file, data, n / 2, place), 0)

#define ON_FILE(name, result, signature, given, writes)                        \
  result name signature {                                                      \
    FAIL_IF(known(file), writes, 0, -1)                                        \
    return REAL(name) given;                                                   \
  }
ON_FILE(fsync, int, (int file), (file), 1)
ON_FILE(fdatasync, int, (int file), (file), 1)
ON_FILE(ftruncate, int, (int file, off_t length), (file, length), 1)
ON_FILE(ftruncate64, int, (int file, off64_t length), (file, length), 1)

int close(int file) {
  int failing = known(file) && kind != SHORT_COUNT && kind != READ_ONLY && fails(1, 0);
  if (file >= 0 && file < (int)sizeof ours) ours[file] = 0;
  // The file is closed anyway.
  int result = REAL(close)(file);
  if (!failing) return result;
  errno = code();
  return -1;
}

#define ON_PATH(name, result, failed, signature, given, path, writes)          \
  result name signature {                                                      \
    FAIL_IF(inside(path), writes, 0, failed)                                   \
    return REAL(name) given;                                                   \
  }
ON_PATH(rename, int, -1, (const char *from, const char *to), (from, to), from, 1)
ON_PATH(link, int, -1, (const char *from, const char *to), (from, to), from, 1)
ON_PATH(unlink, int, -1, (const char *path), (path), path, 1)
ON_PATH(mkdir, int, -1, (const char *path, mode_t mode), (path, mode), path, 1)
ON_PATH(realpath, char *, NULL, (const char *path, char *out), (path, out), path, 0)
typedef int (*pick)(const struct dirent *);
typedef int (*order)(const struct dirent **, const struct dirent **);
typedef int (*pick64)(const struct dirent64 *);
typedef int (*order64)(const struct dirent64 **, const struct dirent64 **);
ON_PATH(scandir, int, -1, (const char *path, struct dirent ***out, pick a, order b), (path, out, a, b), path, 0)
ON_PATH(scandir64, int, -1, (const char *path, struct dirent64 ***out, pick64 a, order64 b), (path, out, a, b), path, 0)
