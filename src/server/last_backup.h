/* last_backup.h - DATA/.last-backup: when the newest backup was made, and to where.
 *
 * For the doctor, so that it can tell without being told; nothing else rests on it.  Blocks. */
#ifndef SERVER_LAST_BACKUP_H
#define SERVER_LAST_BACKUP_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

struct last_backup {
    int64_t made_us;
    bool encrypted;
    char path[PATH_MAX];
};

/* ERR_NOT_FOUND, or ERR_MALFORMED: it says nothing. */
int last_backup_read(const char *data, struct last_backup *ret);

/* Whole paths last longer; a failure is nobody's business. */
void last_backup_write(const char *data, const char *to, int64_t made_us, bool encrypted);

#endif
