/* journal_io.h - every call by which the journal touches the disk, so that tests can make any of
 * them fail.  Private to the store.
 *
 * All behave like the call of their name: -1 and errno on failure.  They are called from the
 * opening thread and then from the journal's only. */
#ifndef STORE_JOURNAL_IO_H
#define STORE_JOURNAL_IO_H

#include "store/journal.h"

#include <sys/types.h>

struct journal_io {
    void *arg;
    int (*open)(void *arg, const char *path, int flags);
    ssize_t (*pread)(void *arg, int fd, void *p, size_t n, off_t at);
    ssize_t (*pwrite)(void *arg, int fd, const void *p, size_t n, off_t at);
    int (*fdatasync)(void *arg, int fd);
    int (*sync_dir)(void *arg, int fd);
    int (*allocate)(void *arg, int fd, off_t n); /* blocks for the first n bytes; sets the size */
    int (*truncate)(void *arg, int fd, off_t n);
    int (*rename)(void *arg, const char *from, const char *to);
    int (*unlink)(void *arg, const char *path);
    uint64_t (*room)(void *arg, int fd); /* free bytes of the file system; may be NULL: plenty */
    int retry_ms;                        /* how often a failing disk is tried */
};

extern const struct journal_io journal_io_system;

/* journal_open() with other calls than the system's; *io is copied. */
int journal_open_with(const char *dir, const struct journal_opts *opts, const struct journal_io *io,
                      struct journal **ret);

#endif
