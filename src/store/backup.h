/* backup.h - a copy of a data directory that can be put back, made while a server runs in it.
 *
 * Blocks, any thread; needs no server.  What is copied, in which order, and why the copy is whole,
 * is told at the top of backup.c. */
#ifndef STORE_BACKUP_H
#define STORE_BACKUP_H

#include "base/buf.h"
#include "crypto/envelope.h"

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
    bool encrypted; /* the backup is */
    bool opened;    /* and it was looked at what is in it */
};

struct backup_opts {
    const struct backup_watch *watch;   /* may be NULL */
    bool with_keys;                     /* private keys, too; an encrypted one always has them */
    const struct envelope_locks *locks; /* who can open it; NULL: it is not encrypted */
};

/* Copy the data directory into a new directory: ERR_EXISTS when there is something at that path,
 * ERR_INVALID when it is no place for a backup, or a backup is in the way.
 * It appears under its name only when it is whole and on stable storage. */
int backup_make(const char *data, const char *to, const struct backup_opts *opts,
                struct backup_report *ret);

/* Hold every file against the manifest: size and SHA-256.  An encrypted one that there are no means
 * for (NULL, or empty) is held against what is told in clear: it is as it was written then, and
 * report->opened is false.  ERR_CORRUPT: something differs; ERR_FOREIGN: these means do not open
 * it; ERR_NOT_FOUND: it is no backup; ERR_UNSUPPORTED: of a newer program. */
int backup_verify(const char *from, const struct envelope_means *means,
                  const struct backup_watch *w, struct backup_report *ret);

/* Verify a backup, then copy it to a directory that is not there yet or empty (ERR_EXISTS).
 * When that fails, what was copied is removed; when it is cut short, BACKUP_MARK stays. */
int backup_restore(const char *from, const char *data, const struct envelope_means *means,
                   const struct backup_watch *w, struct backup_report *ret);

/* Lock an encrypted backup anew: who could open it before and is not named any more no longer can,
 * unless they kept its key.  Its files stay as they are.  ERR_INVALID: it is not encrypted. */
int backup_rekey(const char *from, const struct envelope_means *means,
                 const struct envelope_locks *locks, struct backup_report *ret);

/* What the manifest says in clear: when it was made, whether it is encrypted. */
int backup_about(const char *from, struct backup_report *ret);

#endif
