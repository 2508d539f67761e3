/* backup_internal.h - what the files of backups share: one job of copying, its files and how it
 * failed.  Only for src/store/backup*.c. */
#ifndef STORE_BACKUP_INTERNAL_H
#define STORE_BACKUP_INTERNAL_H

#include "store/backup.h"

#include "crypto/cipher.h"

#include <limits.h>

enum { BACKUP_PIECE = 1 << 20, BACKUP_PATH_PART = 256, BACKUP_DEPTH = 8 };

#define BACKUP_SEALED "manifest.sealed" /* of an encrypted backup */

struct backup_file {
    char path[BACKUP_PATH_PART]; /* within the directory */
    uint64_t bytes, stored_bytes;
    char sha256[65], stored_sha256[65]; /* of what it is, and of what lies in the backup */
};

struct backup_job {
    const char *from;
    char to[PATH_MAX]; /* empty: files are only read */
    const struct backup_watch *watch;
    struct backup_report *report;
    bool with_keys;
    bool encrypted; /* the backup is */
    bool opened;    /* and its key is here */
    unsigned char key[CIPHER_KEY];
    struct buf locks;     /* JSON: who can open it */
    char stage[PATH_MAX]; /* an encrypted backup's databases are copied there first; empty: none */
    int stage_fd;
    struct backup_file *files;
    size_t n, cap;
    struct buf folders; /* those that were made, in order; each ends with a zero */
    unsigned char piece[BACKUP_PIECE];
};

struct backup_path {
    char text[PATH_MAX];
};

/* NULL: out of memory, and the report says so. */
struct backup_job *backup_begin(const char *from, const struct backup_watch *w,
                                struct backup_report *report);
/* Count the files when there was no error, free the job; answers err. */
int backup_end(struct backup_job *j, int err);

/* Both keep the sentence in the report and answer the error. */
int backup_fail(struct backup_job *j, int err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int backup_fail_errno(struct backup_job *j, const char *what, const char *path);
void backup_tell(struct backup_job *j, const char *file, uint64_t done, uint64_t total);

const char *backup_path_in(const char *dir, const char *name, struct backup_path *p);
struct backup_file *backup_add_file(struct backup_job *j, const char *path); /* NULL: no memory */

void backup_leave_out(struct backup_job *j, const char *path);    /* noted in the report */
int backup_make_folder(struct backup_job *j, const char *folder); /* in `to`, with those above it */

/* backup_pass.c: 0 or -1 with errno, for whole pieces at an offset; *ret less than n at the end */
int backup_read(int fd, unsigned char *p, size_t n, uint64_t at, size_t *ret);
int backup_write(int fd, const unsigned char *p, size_t n, uint64_t at);

enum backup_how {
    BACKUP_PLAIN,
    BACKUP_SEAL, /* text into a stream */
    BACKUP_OPEN, /* a stream into text; c->bytes says before how much it is to be */
};

/* One file to a path, or nowhere (NULL: it is only read).  The label is the name that a stream is
 * under.  c gets sizes and sums.  ERR_NOT_FOUND: it is not there, and nothing was said. */
int backup_pass(struct backup_job *j, enum backup_how how, const char *from, const char *to,
                const char *label, struct backup_file *c);
/* The same for a name in the job's directories. */
int backup_copy_file(struct backup_job *j, enum backup_how how, const char *name,
                     struct backup_file *c);
int backup_sync(struct backup_job *j, const char *directory);

/* The names of a directory's files or folders, sorted; each ends with a zero. */
int backup_list(struct backup_job *j, const char *dir, bool folders, struct buf *out);

/* What is left of a copy that failed: names of ours only, nothing is followed. */
void backup_remove_copy(struct backup_job *j);

/* backup_manifest.c: of an encrypted backup both, the sealed one too */
int backup_save_manifest(struct backup_job *j);
/* The files of the backup.  An encrypted one is opened when there are means for it; else its files
 * are what lies there (j->opened tells which). */
int backup_load_manifest(struct backup_job *j, const struct envelope_means *means);
/* Why it was not opened: ERR_FOREIGN with who could. */
int backup_refuse_closed(struct backup_job *j);
/* Replace the locks of a backup that was opened. */
int backup_save_locks(struct backup_job *j);

#endif
