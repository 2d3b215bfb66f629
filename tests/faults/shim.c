/* Loaded before libc: counts every call that changes a file below a root, and at the Nth kills the process, or
 * fails, or only records it. The counter is shared with the parent, which reads it when the child is gone. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { COUNT, KILL, FAIL, FAIL_FROM };
enum { ALL, ARTIFACTS, COMMITS };

static char root[PATH_MAX];
static size_t root_length;
static long nth;
static int action, failure, counted, log_fd = -1, is_armed;
static long *counter;
static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

long *shim_counter(void) {
    if (!counter)
        counter = mmap(NULL, sizeof *counter, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return counter;
}

void shim_arm(const char *below, long at, int what, int code, int calls, int log) {
    root_length = strlen(below);
    memcpy(root, below, root_length + 1);
    *shim_counter() = 0;
    nth = at, action = what, failure = code, counted = calls, log_fd = log, is_armed = 1;
}

static int is_below(const char *path) {
    return strncmp(path, root, root_length) == 0 && (path[root_length] == '/' || path[root_length] == 0);
}

static int path_of(int fd, char *out) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, out, PATH_MAX - 1);
    if (n < 0) return 0;
    out[n] = 0;
    return is_below(out);
}

static int path_at(int dir, const char *path, char *out) {
    size_t used = 0;
    out[0] = 0;
    if (path[0] != '/') {
        char link[64];
        if (dir == AT_FDCWD) snprintf(link, sizeof link, "/proc/self/cwd");
        else snprintf(link, sizeof link, "/proc/self/fd/%d", dir);
        ssize_t n = readlink(link, out, PATH_MAX - 2);
        if (n < 0) return 0;
        used = (size_t)n;
        out[used++] = '/';
    }
    snprintf(out + used, PATH_MAX - used, "%s", path);
    return is_below(out);
}

/* A transaction of SQLite is committed when its log is synced. */
static int is_counted(const char *op, const char *path) {
    const char *home = strstr(path + root_length, "/dagster/"), *log = strrchr(path, '-');
    if (counted == COMMITS) return home && !strcmp(op, "fsync") && log && (!strcmp(log, "-wal") || !strcmp(log, "-journal"));
    return counted == ALL || !home;
}

/* Called with the lock held. 0: go on with the call; else it fails with errno set. */
static int hit(const char *op, const char *path) {
    if (!is_counted(op, path)) return 0;
    long now = ++*counter;
    if (action == KILL && now == nth) kill(getpid(), SIGKILL), pause();
    int grows = strcmp(op, "unlink") && strcmp(op, "rmdir") && strcmp(op, "truncate") && strcmp(op, "chmod");
    if ((action == FAIL && now == nth) || (action == FAIL_FROM && now >= nth && grows)) {
        errno = failure;
        return -1;
    }
    return 0;
}

/* What was done, for a replay; of a write as much as was written. */
static void record(const char *op, const char *path, const char *other, long offset, const void *data, long size) {
    if (log_fd < 0 || size < 0 || !is_counted(op, path)) return;
    char line[2 * PATH_MAX + 128];
    int n = snprintf(line, sizeof line, "%s\t%s\t%s\t%ld\t%ld\n", op, path, other, offset, data ? size : 0);
    syscall(SYS_write, log_fd, line, n);
    if (data) syscall(SYS_write, log_fd, data, size);
}

#define GUARDED(is_ours, op, path, other, offset, data, real)      \
    do {                                                           \
        if (!is_armed || !(is_ours)) return real;                  \
        pthread_mutex_lock(&one_at_a_time);                        \
        long place = offset;                                       \
        __typeof__(real) answer = -1;                              \
        if (!hit(op, path)) {                                      \
            answer = real;                                         \
            record(op, path, other, place, data, (long)answer);    \
        }                                                          \
        int kept = errno;                                          \
        pthread_mutex_unlock(&one_at_a_time);                      \
        errno = kept;                                              \
        return answer;                                             \
    } while (0)

static const char *kind_of_open(int flags, const char *path) {
    struct stat found;
    if (flags & O_DIRECTORY || (flags & O_ACCMODE) == O_RDONLY) return NULL;
    int exists = syscall(SYS_newfstatat, AT_FDCWD, path, &found, 0) == 0;
    if (flags & O_CREAT && !exists) return "create";
    return flags & O_TRUNC ? "truncate" : NULL;
}

static int open_at(int dir, const char *path, int flags, mode_t mode) {
    char full[PATH_MAX];
    const char *kind;
    if (!is_armed || !path_at(dir, path, full) || !(kind = kind_of_open(flags, full)))
        return (int)syscall(SYS_openat, dir, path, flags, mode);
    GUARDED(1, kind, full, "", 0, NULL, (int)syscall(SYS_openat, dir, path, flags, mode));
}

#define MODE(flags)                                       \
    mode_t mode = 0;                                      \
    if ((flags) & (O_CREAT | O_TMPFILE)) {                \
        va_list rest;                                     \
        va_start(rest, flags);                            \
        mode = va_arg(rest, mode_t);                      \
        va_end(rest);                                     \
    }

int open(const char *path, int flags, ...) { MODE(flags) return open_at(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE(flags) return open_at(AT_FDCWD, path, flags | O_LARGEFILE, mode); }
int openat(int dir, const char *path, int flags, ...) { MODE(flags) return open_at(dir, path, flags, mode); }
int openat64(int dir, const char *path, int flags, ...) { MODE(flags) return open_at(dir, path, flags | O_LARGEFILE, mode); }
int creat(const char *path, mode_t mode) { return open_at(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }

static long place_of(int fd) {
    if (fcntl(fd, F_GETFL) & O_APPEND) return lseek(fd, 0, SEEK_END);
    return lseek(fd, 0, SEEK_CUR);
}

ssize_t write(int fd, const void *data, size_t size) {
    char path[PATH_MAX];
    GUARDED(path_of(fd, path), "write", path, "", place_of(fd), data, syscall(SYS_write, fd, data, size));
}
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
    char path[PATH_MAX];
    GUARDED(path_of(fd, path), "write", path, "", at, data, syscall(SYS_pwrite64, fd, data, size, at));
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) { return pwrite64(fd, data, size, at); }
ssize_t writev(int fd, const struct iovec *parts, int n) {
    char path[PATH_MAX];
    if (!is_armed || n < 1 || !path_of(fd, path)) return syscall(SYS_writev, fd, parts, n);
    /* A short write is a valid answer; the caller goes on with the rest. */
    return write(fd, parts[0].iov_base, parts[0].iov_len);
}
ssize_t copy_file_range(int from, off64_t *at, int fd, off64_t *to, size_t size, unsigned flags) {
    char path[PATH_MAX];
    if (!is_armed || !path_of(fd, path)) return syscall(SYS_copy_file_range, from, at, fd, to, size, flags);
    errno = ENOSYS;
    return -1;
}
ssize_t sendfile64(int fd, int from, off64_t *at, size_t size) {
    char path[PATH_MAX];
    if (!is_armed || !path_of(fd, path)) return syscall(SYS_sendfile, fd, from, at, size);
    errno = ENOTSOCK;
    return -1;
}
ssize_t sendfile(int fd, int from, off_t *at, size_t size) { return sendfile64(fd, from, at, size); }

int fsync(int fd) {
    char path[PATH_MAX];
    GUARDED(path_of(fd, path), "fsync", path, "", 0, NULL, (int)syscall(SYS_fsync, fd));
}
int fdatasync(int fd) {
    char path[PATH_MAX];
    GUARDED(path_of(fd, path), "fsync", path, "", 0, NULL, (int)syscall(SYS_fdatasync, fd));
}
int ftruncate64(int fd, off64_t size) {
    char path[PATH_MAX];
    GUARDED(path_of(fd, path), "truncate", path, "", size, NULL, (int)syscall(SYS_ftruncate, fd, size));
}
int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }
int fallocate(int fd, int how, off_t at, off_t size) {
    char path[PATH_MAX];
    if (!is_armed || !path_of(fd, path)) return (int)syscall(SYS_fallocate, fd, how, at, size);
    errno = EOPNOTSUPP;
    return -1;
}
int posix_fallocate(int fd, off_t at, off_t size) { return fallocate(fd, 0, at, size) ? errno : 0; }

static int rename_at(int from, const char *old, int to, const char *new, unsigned flags) {
    char one[PATH_MAX], other[PATH_MAX];
    int ours = path_at(from, old, one) | path_at(to, new, other);
    GUARDED(ours, flags & 2 ? "exchange" : "rename", one, other, 0, NULL,
            (int)syscall(SYS_renameat2, from, old, to, new, flags));
}
int rename(const char *old, const char *new) { return rename_at(AT_FDCWD, old, AT_FDCWD, new, 0); }
int renameat(int from, const char *old, int to, const char *new) { return rename_at(from, old, to, new, 0); }
int renameat2(int from, const char *old, int to, const char *new, unsigned flags) {
    return rename_at(from, old, to, new, flags);
}
int linkat(int from, const char *old, int to, const char *new, int flags) {
    char one[PATH_MAX], other[PATH_MAX];
    path_at(from, old, one);
    GUARDED(path_at(to, new, other), "link", one, other, 0, NULL,
            (int)syscall(SYS_linkat, from, old, to, new, flags));
}
int link(const char *old, const char *new) { return linkat(AT_FDCWD, old, AT_FDCWD, new, 0); }
int symlinkat(const char *to, int dir, const char *path) {
    char full[PATH_MAX];
    GUARDED(path_at(dir, path, full), "symlink", full, to, 0, NULL, (int)syscall(SYS_symlinkat, to, dir, path));
}
int symlink(const char *to, const char *path) { return symlinkat(to, AT_FDCWD, path); }
int unlinkat(int dir, const char *path, int flags) {
    char full[PATH_MAX];
    struct stat found;
    int is_there = path_at(dir, path, full) && syscall(SYS_newfstatat, dir, path, &found, AT_SYMLINK_NOFOLLOW) == 0;
    GUARDED(is_there, flags & AT_REMOVEDIR ? "rmdir" : "unlink", full, "", 0, NULL,
            (int)syscall(SYS_unlinkat, dir, path, flags));
}
int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }
int mkdirat(int dir, const char *path, mode_t mode) {
    char full[PATH_MAX];
    struct stat found;
    int is_new = path_at(dir, path, full) && syscall(SYS_newfstatat, dir, path, &found, 0) != 0;
    GUARDED(is_new, "mkdir", full, "", 0, NULL, (int)syscall(SYS_mkdirat, dir, path, mode));
}
int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }
int fchmodat(int dir, const char *path, mode_t mode, int flags) {
    char full[PATH_MAX];
    (void)flags;
    GUARDED(path_at(dir, path, full), "chmod", full, "", mode, NULL,
            (int)syscall(SYS_fchmodat, dir, path, mode));
}
int chmod(const char *path, mode_t mode) { return fchmodat(AT_FDCWD, path, mode, 0); }
int fchmod(int fd, mode_t mode) {
    char path[PATH_MAX];
    GUARDED(path_of(fd, path), "chmod", path, "", mode, NULL, (int)syscall(SYS_fchmod, fd, mode));
}
