/* doctor_keys.c - the keys that secrets are sealed under, and the copies of everything. */
#include "server/doctor.h"

#include "base/clock.h"
#include "base/err.h"
#include "codec/json.h"
#include "os/file.h"
#include "server/last_backup.h"
#include "store/backup.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define DAY_US (86400 * INT64_C(1000000))

/* The keys that can be seen: not the one of the environment of a server that was started elsewhere.
 */
struct seen {
    struct key_ring *ring;
    bool all; /* no other can be */
};

static void load(struct doctor *d, struct seen *s, const char *path)
{
    struct buf why = {0};
    int err = key_ring_load(s->ring, path, &why);
    if (err && err != ERR_NOT_FOUND) {
        doctor_say(d, DOCTOR_ERROR, "%.*s", SLICE_ARG(buf_slice(&why)));
        s->all = false;
    }
    buf_release(&why);
}

static struct seen see_keys(struct doctor *d)
{
    struct seen s = {.ring = key_ring_new(), .all = true};
    char path[PATH_MAX];
    struct stat st;
    if (!s.ring)
        return s;
    snprintf(path, sizeof path, "%s/" SECRETS_FILE, d->data);
    load(d, &s, path);
    if (d->config->secret_key_file)
        load(d, &s, d->config->secret_key_file);
    const char *text = getenv(SECRETS_VARIABLE);
    struct buf why = {0};
    if (text && *text)
        key_ring_read(s.ring, slice_str(text), &why);
    buf_release(&why);
    /* a server with a key of its own in its environment made no file */
    if (!key_ring_count(s.ring) || (d->server && stat(path, &st) != 0))
        s.all = false;
    return s;
}

static void key_age(struct doctor *d)
{
    struct seen s = see_keys(d);
    struct key_about a;
    size_t n = s.ring ? key_ring_count(s.ring) : 0;
    if (n && key_ring_at(s.ring, n - 1, &a) && d->now_us - a.made_us > 365 * DAY_US) {
        doctor_say(d, DOCTOR_WARNING, "the key %s that seals is %lld days old", a.id,
                   (long long)((d->now_us - a.made_us) / DAY_US));
        doctor_do(d, "doppel key rotate --data %s, and start the server again", d->data);
    }
    key_ring_free(s.ring);
}

static void key_place(struct doctor *d)
{
    char path[PATH_MAX];
    struct stat st;
    snprintf(path, sizeof path, "%s/" SECRETS_FILE, d->data);
    if (stat(path, &st) != 0)
        return;
    doctor_say(d, DOCTOR_NOTE, "the key of secrets lies beside them, in %s", path);
    doctor_do(d, "to keep it elsewhere: --secret-key-file or " SECRETS_VARIABLE
                 "; in any case keep a copy where your passwords are");
}

static void sealed_use(struct doctor *d)
{
    struct seen s = see_keys(d);
    struct secrets_use *uses = NULL;
    struct key_about newest = {0};
    size_t n = 0, keys = s.ring ? key_ring_count(s.ring) : 0;
    int err = secrets_survey(d->data, &uses, &n);
    if (err && err != ERR_NOT_FOUND)
        doctor_say(d, DOCTOR_UNKNOWN, "the catalog cannot be looked at: %s", err_info(err)->text);
    if (keys)
        key_ring_at(s.ring, keys - 1, &newest);
    for (size_t i = 0; i < n; i++) {
        bool have = s.ring && key_ring_has(s.ring, slice_str(uses[i].id));
        if (!have) {
            doctor_say(d, s.all ? DOCTOR_ERROR : DOCTOR_UNKNOWN,
                       "%zu secrets (%s) are sealed under the key %s, which is not to be seen here",
                       uses[i].n, uses[i].some, uses[i].id);
            doctor_do(d, "put it back: doppel key add FILE --data %s", d->data);
        } else if (strcmp(uses[i].id, newest.id) != 0) {
            doctor_say(d, DOCTOR_WARNING, "%zu secrets are still under the older key %s", uses[i].n,
                       uses[i].id);
            doctor_do(d, "start the server again: it seals them anew");
        }
    }
    free(uses);
    key_ring_free(s.ring);
}

/* ---- backups ---- */

static void backup_age(struct doctor *d)
{
    struct last_backup last;
    if (last_backup_read(d->data, &last)) {
        doctor_say(d, DOCTOR_WARNING, "no backup was made of %s, as far as it knows", d->data);
        doctor_do(d, "doppel backup /elsewhere/NAME --data %s -r RECIPIENT", d->data);
        return;
    }
    int64_t days = (d->now_us - last.made_us) / DAY_US;
    if (days > 7) {
        doctor_say(d, DOCTOR_WARNING, "the last backup, %s, is %lld days old", last.path,
                   (long long)days);
        doctor_do(d, "doppel backup /elsewhere/NAME --data %s -r RECIPIENT", d->data);
    }
}

static void backup_clear(struct doctor *d)
{
    struct last_backup last;
    if (last_backup_read(d->data, &last) || last.encrypted)
        return;
    doctor_say(d, DOCTOR_NOTE, "the last backup, %s, is not encrypted", last.path);
    doctor_do(d, "doppel key pair backup.identity, on another machine; then doppel backup -r");
}

static void backup_place(struct doctor *d)
{
    struct last_backup last;
    struct stat here, there;
    if (last_backup_read(d->data, &last) || stat(d->data, &here) != 0)
        return;
    if (stat(last.path, &there) != 0) {
        doctor_say(d, DOCTOR_UNKNOWN, "the last backup is not at %s (any more): %s", last.path,
                   strerror(errno));
        doctor_do(d, "if it was moved, all is well: doppel check tells whether it is whole");
    } else if (here.st_dev == there.st_dev) {
        doctor_say(d, DOCTOR_WARNING, "the last backup, %s, lies on the same disk as the data",
                   last.path);
        doctor_do(d, "copy it to another machine; it may be encrypted for that");
    }
}

static void backup_stage(struct doctor *d)
{
    DIR *list = opendir(d->data);
    struct dirent *e;
    while (list && (e = readdir(list))) {
        char path[64], *end;
        if (strncmp(e->d_name, ".backup-", 8) != 0)
            continue;
        long pid = strtol(e->d_name + 8, &end, 10);
        snprintf(path, sizeof path, "/proc/%ld", pid);
        if (pid > 0 && access(path, F_OK) == 0)
            continue; /* under way */
        doctor_say(d, DOCTOR_WARNING, "a backup that was cut short left %s/%s", d->data, e->d_name);
        doctor_do(d, "rm %s/%s; the next encrypted backup does so, too", d->data, e->d_name);
    }
    if (list)
        closedir(list);
}

/* clang-format off: a check a line */
const struct doctor_check doctor_keys[] = {
    {"key-age", "how old the key is that seals",
     "The longer a key is in use, the more there is under it that one leak opens", key_age},
    {"key-place", "where the key of secrets lies",
     "Who takes the whole directory takes the key with it; who loses it alone reads no secret any "
     "more",
     key_place},
    {"key-use", "whether each secret's key is there, and the newest",
     "What is sealed under a key that is gone cannot be read", sealed_use},
    {"backup-age", "when the last backup was made", "A disk dies without asking", backup_age},
    {"backup-clear", "whether it is encrypted",
     "A copy in clear is as readable as the data, wherever it comes to lie", backup_clear},
    {"backup-place", "where it lies", "A copy on the same disk dies with it", backup_place},
    {"backup-stage", "what backups left behind",
     "It is a copy of a database in clear, and takes room", backup_stage},
    {0},
};
/* clang-format on */
