/* backup.h - a copy of a data directory that can be put back, made while a server runs in it.
 *
 * Blocks, any thread; needs no server.  What is copied, in which order, and why the copy is whole,
 * is told at the top of backup.c. */
#ifndef STORE_BACKUP_H
#define STORE_BACKUP_H

#include "base/buf.h"

#include <stdint.h>

#define BACKUP_MANIFEST "backup.json"
#define BACKUP_MARK "restoring" /* in a directory into which a backup is being put back */

/* Told as a file is under way; total 0: not known yet. */
struct backup_watch {
    void (*progress)(void *arg, const char *file, uint64_t done, uint64_t total);
    void *arg;
};

struct backup_report {
    size_t files;
    uint64_t bytes;
    int64_t made_us;
    char why[512]; /* a sentence when it failed */
    size_t left_out;
    char left[256]; /* which private keys, "secret.key, tls/key.pem" */
};

struct backup_opts {
    const struct backup_watch *watch; /* may be NULL */
    bool with_keys;                   /* private keys, too */
};

/* Copy the data directory into a new directory: ERR_EXISTS when there is something at that path,
 * ERR_INVALID when it is no place for a backup, or a backup is in the way.
 * It appears under its name only when it is whole and on stable storage. */
int backup_make(const char *data, const char *to, const struct backup_opts *opts,
                struct backup_report *ret);

/* Hold every file against the manifest: size and SHA-256.  ERR_CORRUPT: something differs;
 * ERR_NOT_FOUND: it is no backup; ERR_UNSUPPORTED: of a newer program. */
int backup_verify(const char *from, const struct backup_watch *w, struct backup_report *ret);

/* Verify a backup, then copy it to a directory that is not there yet or empty (ERR_EXISTS).
 * When that fails, what was copied is removed; when it is cut short, BACKUP_MARK stays. */
int backup_restore(const char *from, const char *data, const struct backup_watch *w,
                   struct backup_report *ret);

#endif
