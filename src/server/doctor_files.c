/* doctor_files.c - who can get at what lies on the disk, and whether there is room. */
#include "server/doctor.h"
#include "store/backup.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { FILES_TOLD = 5 };

static void data_mode(struct doctor *d)
{
    struct stat st;
    if (stat(d->data, &st) != 0) {
        doctor_say(d, DOCTOR_UNKNOWN, "%s cannot be looked at: %s", d->data, strerror(errno));
        return;
    }
    if (st.st_mode & 077) {
        doctor_say(d, DOCTOR_ERROR, "others can get into %s (mode %03o)", d->data,
                   (unsigned)st.st_mode & 0777U);
        doctor_do(d, "chmod 700 %s", d->data);
    }
    if (st.st_uid != geteuid() && geteuid() != 0) {
        doctor_say(d, DOCTOR_WARNING, "%s belongs to another user (%u) than you", d->data,
                   (unsigned)st.st_uid);
        doctor_do(d, "run the doctor as the server's user, to see what it sees");
    }
}

/* Whoever can write in a folder above can put another in its place. */
static void data_parents(struct doctor *d)
{
    char path[PATH_MAX];
    struct stat st;
    snprintf(path, sizeof path, "%s", d->data);
    for (char *slash; (slash = strrchr(path, '/'));) {
        slash[slash == path] = 0;
        if (stat(path, &st) == 0 && (st.st_mode & 022) && !(st.st_mode & S_ISVTX)) {
            doctor_say(d, st.st_mode & 02 ? DOCTOR_ERROR : DOCTOR_WARNING,
                       "others can write in %s (mode %03o), above the data directory", path,
                       (unsigned)st.st_mode & 0777U);
            doctor_do(d, "chmod go-w %s", path);
        }
        if (slash == path)
            break;
    }
}

static bool is_private(const char *name)
{
    struct slice s = slice_str(name);
    return slice_starts(s, "secret.key") || slice_is(s, "key.pem") || slice_ends(s, "-key.pem") ||
           slice_ends(s, ".key") || slice_starts(s, "catalog.db") || slice_starts(s, "history.db");
}

/* Files with secrets that others may read, when the directory lets them in; keys in any case. */
static size_t look_into(struct doctor *d, const char *dir, int depth)
{
    DIR *list = opendir(dir);
    struct dirent *e;
    size_t n = 0;
    while (list && (e = readdir(list))) {
        char path[PATH_MAX];
        struct stat st;
        int length = snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        if (e->d_name[0] == '.' || length >= (int)sizeof path || lstat(path, &st) != 0)
            continue;
        if (S_ISDIR(st.st_mode) && depth > 0)
            n += look_into(d, path, depth - 1);
        if (!S_ISREG(st.st_mode) || !(st.st_mode & 077) || !is_private(e->d_name) ||
            n++ >= FILES_TOLD)
            continue;
        doctor_say(d, DOCTOR_ERROR, "others may read %s (mode %03o)", path,
                   (unsigned)st.st_mode & 0777U);
        doctor_do(d, "chmod 600 %s", path);
    }
    if (list)
        closedir(list);
    return n;
}

static void data_files(struct doctor *d)
{
    size_t n = look_into(d, d->data, 4);
    if (n > FILES_TOLD)
        doctor_say(d, DOCTOR_ERROR, "and %zu more such files", n - FILES_TOLD);
}

static void key_files(struct doctor *d)
{
    const char *const files[] = {d->config->tls_key, d->config->secret_key_file};
    struct stat st;
    for (size_t i = 0; i < 2; i++) {
        if (!files[i])
            continue;
        if (stat(files[i], &st) != 0) {
            doctor_say(d, errno == ENOENT ? DOCTOR_ERROR : DOCTOR_UNKNOWN,
                       "%s cannot be looked at: %s", files[i], strerror(errno));
        } else if (st.st_mode & (i ? 037 : 007)) {
            doctor_say(d, DOCTOR_ERROR, "others may read the key %s (mode %03o)", files[i],
                       (unsigned)st.st_mode & 0777U);
            doctor_do(d, "chmod 600 %s", files[i]);
        }
    }
}

/* What says how the server runs: itself, and its settings. */
static void program_files(struct doctor *d)
{
    char exe[64], path[PATH_MAX];
    struct stat st;
    snprintf(exe, sizeof exe, d->server ? "/proc/%ld/exe" : "/proc/self/exe", (long)d->server);
    ssize_t n = readlink(exe, path, sizeof path - 1);
    path[n > 0 ? n : 0] = 0;
    const char *const files[] = {path, d->config->file};
    for (size_t i = 0; i < 2; i++) {
        if (!files[i] || !*files[i] || stat(files[i], &st) != 0 || !(st.st_mode & 022))
            continue;
        doctor_say(d, st.st_mode & 02 ? DOCTOR_ERROR : DOCTOR_WARNING,
                   "others can write into %s (mode %03o)", files[i], (unsigned)st.st_mode & 0777U);
        doctor_do(d, "chmod go-w %s", files[i]);
    }
}

static void disk_space(struct doctor *d)
{
    struct statvfs v;
    if (statvfs(d->data, &v) != 0) {
        doctor_say(d, DOCTOR_UNKNOWN, "how full the disk is cannot be told: %s", strerror(errno));
        return;
    }
    double free_mb = (double)v.f_bavail * (double)v.f_frsize / 1e6;
    double part = v.f_blocks ? 100.0 * (double)v.f_bavail / (double)v.f_blocks : 100;
    if (free_mb >= 1000 && part >= 5)
        return;
    doctor_say(d, free_mb < 100 ? DOCTOR_ERROR : DOCTOR_WARNING,
               "%.0f MB are free on the disk of %s, %.1f %% of it", free_mb, d->data, part);
    doctor_do(d, "make room, shorten the retention of profiles, or run: doppel compact");
}

static const struct {
    unsigned long type;
    enum doctor_level level;
    const char *name, *todo;
} file_systems[] = {
    {0x01021994, DOCTOR_ERROR, "memory (tmpfs): all is gone after a restart",
     "choose a directory on a disk with --data"},
    {0x858458f6, DOCTOR_ERROR, "memory (ramfs): all is gone after a restart",
     "choose a directory on a disk with --data"},
    {0x794c7630, DOCTOR_WARNING, "a container's own layer (overlayfs): it goes with the container",
     "give the container a volume for --data"},
    {0x6969, DOCTOR_WARNING,
     "the network (NFS): locks and syncs are what the other side makes of them",
     "keep the data on a disk of this machine, and copy it with doppel backup"},
    {0xff534d42, DOCTOR_WARNING,
     "the network (CIFS): locks and syncs are what the other side makes of them",
     "keep the data on a disk of this machine, and copy it with doppel backup"},
    {0x65735546, DOCTOR_NOTE,
     "a file system outside of the kernel (FUSE), of which nothing is known",
     "see that it syncs when it is asked to"},
};

static void file_system(struct doctor *d)
{
    struct statfs s;
    if (statfs(d->data, &s) != 0)
        return;
    for (size_t i = 0; i < sizeof file_systems / sizeof file_systems[0]; i++) {
        if ((unsigned long)s.f_type != file_systems[i].type)
            continue;
        doctor_say(d, file_systems[i].level, "%s lies in %s", d->data, file_systems[i].name);
        doctor_do(d, "%s", file_systems[i].todo);
    }
}

static void half_restored(struct doctor *d)
{
    char path[PATH_MAX];
    struct stat st;
    snprintf(path, sizeof path, "%s/" BACKUP_MARK, d->data);
    if (stat(path, &st) != 0)
        return;
    doctor_say(d, DOCTOR_ERROR, "%s is half of a backup: putting it back was cut short", d->data);
    doctor_do(d, "remove the directory and restore again");
}

/* clang-format off: a check a line */
const struct doctor_check doctor_files[] = {
    {"data-mode", "who can get into the data directory",
     "It has every reading, and all that is known of people and devices", data_mode},
    {"data-parents", "who can exchange the data directory",
     "Whoever can write in a folder above can put another directory in its place", data_parents},
    {"data-files", "who can read keys and databases in it",
     "What is open becomes readable the moment that the directory around it is", data_files},
    {"key-files", "who can read the keys that the settings name",
     "Who has the key of a certificate can be the server; who has a secret key can read secrets",
     key_files},
    {"program-files", "who can change the program and its settings",
     "Who can write into them can make the server do anything", program_files},
    {"disk-space", "whether the disk has room",
     "On a full disk the server refuses readings, and nothing can be compacted", disk_space},
    {"file-system", "what the data directory lies on",
     "What was acknowledged must be there after the power fails", file_system},
    {"half-restored", "whether a restore was cut short", "No server starts on half of a backup",
     half_restored},
    {0},
};
/* clang-format on */
