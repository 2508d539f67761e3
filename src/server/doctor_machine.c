/* doctor_machine.c - the process and the machine around it, as far as they show it to anybody. */
#include "server/doctor.h"

#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/timex.h>
#include <unistd.h>

/* ---- the process ---- */

static void as_root(struct doctor *d)
{
    char uid[64];
    if (!d->server || !doctor_status(d->server, "Uid", uid, sizeof uid) || strtol(uid, NULL, 10))
        return;
    doctor_say(d, DOCTOR_WARNING, "the server runs as root");
    doctor_do(d, "give it a user of its own; packaging/doppel.service does");
}

static void sandbox(struct doctor *d)
{
    char seccomp[16] = "", privileges[16] = "";
    if (!d->server)
        return;
    if (!doctor_status(d->server, "Seccomp", seccomp, sizeof seccomp) ||
        !doctor_status(d->server, "NoNewPrivs", privileges, sizeof privileges)) {
        doctor_say(d, DOCTOR_UNKNOWN, "/proc/%ld/status does not tell", (long)d->server);
        return;
    }
    if (strcmp(privileges, "1") != 0) {
        doctor_say(d, DOCTOR_WARNING, "the process could gain privileges (NoNewPrivs is 0)");
        doctor_do(d, "start it with this program, which gives that up");
    }
    if (strcmp(seccomp, "0") == 0) {
        doctor_say(d, DOCTOR_NOTE, "no filter of system calls is around the server");
        doctor_do(d, "run it under packaging/doppel.service, or in a container");
    }
}

/* The soft limit of a process, in /proc/PID/limits. */
static bool core_limit(pid_t pid, char *out, size_t size)
{
    char path[64], line[256];
    bool got = false;
    snprintf(path, sizeof path, "/proc/%ld/limits", (long)pid);
    FILE *f = fopen(path, "re");
    while (f && !got && fgets(line, sizeof line, f)) {
        got = strncmp(line, "Max core file size", 18) == 0;
        if (got)
            snprintf(out, size, "%.*s", (int)strcspn(line + 18 + strspn(line + 18, " "), " "),
                     line + 18 + strspn(line + 18, " "));
    }
    if (f)
        fclose(f);
    return got;
}

static void core_dumps(struct doctor *d)
{
    char limit[32], pattern[128] = "";
    if (d->config->core_dumps) {
        doctor_say(d, DOCTOR_WARNING,
                   "--core-dumps: the memory of a crashed server goes to the disk");
        doctor_do(d, "leave it away when you have found what you look for");
    }
    if (!d->server || d->config->core_dumps)
        return;
    if (!core_limit(d->server, limit, sizeof limit)) {
        doctor_say(d, DOCTOR_UNKNOWN, "/proc/%ld/limits is not to be read", (long)d->server);
    } else if (strcmp(limit, "0") != 0) {
        doctor_read("/proc/sys/kernel/core_pattern", pattern, sizeof pattern);
        doctor_say(d, DOCTOR_WARNING, "the server may write core dumps (up to %s bytes, to %s)",
                   limit, pattern);
        doctor_do(d, "LimitCORE=0 in its unit, or ulimit -c 0");
    }
}

/* ---- disks ---- */

/* "253:1" */
static bool read_device(const char *path, unsigned *ret_big, unsigned *ret_small)
{
    char text[32], *end;
    if (!doctor_read(path, text, sizeof text))
        return false;
    *ret_big = (unsigned)strtoul(text, &end, 10);
    if (*end != ':')
        return false;
    *ret_small = (unsigned)strtoul(end + 1, &end, 10);
    return !*end;
}

/* Is the block device, or each one below it, of dm-crypt?  -1: that cannot be seen. */
static int is_crypt(unsigned big, unsigned small, int depth)
{
    char path[PATH_MAX], uuid[128];
    snprintf(path, sizeof path, "/sys/dev/block/%u:%u", big, small);
    if (access(path, F_OK) != 0 || depth == 0)
        return -1;
    snprintf(path, sizeof path, "/sys/dev/block/%u:%u/dm/uuid", big, small);
    if (doctor_read(path, uuid, sizeof uuid) && strncmp(uuid, "CRYPT-", 6) == 0)
        return 1;
    snprintf(path, sizeof path, "/sys/dev/block/%u:%u/slaves", big, small);
    DIR *list = opendir(path);
    struct dirent *e;
    int found = 0, crypt = 1;
    while (list && (e = readdir(list))) {
        unsigned a, b;
        char name[PATH_MAX];
        int n = snprintf(name, sizeof name, "%s/%s/dev", path, e->d_name);
        if (e->d_name[0] == '.' || n >= (int)sizeof name || !read_device(name, &a, &b))
            continue;
        found++;
        int below = is_crypt(a, b, depth - 1);
        crypt = below < crypt ? below : crypt;
    }
    if (list)
        closedir(list);
    return found ? crypt : 0;
}

static void disk_encryption(struct doctor *d)
{
    struct stat st;
    if (stat(d->data, &st) != 0)
        return;
    int crypt = is_crypt(major(st.st_dev), minor(st.st_dev), 8);
    if (crypt > 0)
        return;
    if (crypt < 0)
        doctor_say(d, DOCTOR_UNKNOWN,
                   "whether the disk is encrypted is not to be seen here (a container, or a file "
                   "system of several disks)");
    else
        doctor_say(
            d, DOCTOR_NOTE,
            "the disk shows no encryption (dm-crypt); hardware or a provider may do it below");
    doctor_do(d, "cryptsetup luksFormat for a disk of its own, or the provider's encryption");
}

static void swap(struct doctor *d)
{
    char line[512];
    FILE *f = fopen("/proc/swaps", "re");
    if (!f) {
        doctor_say(d, DOCTOR_UNKNOWN, "/proc/swaps is not to be read");
        return;
    }
    while (fgets(line, sizeof line, f)) {
        struct stat st;
        line[strcspn(line, " \t\n")] = 0;
        if (line[0] != '/' || strncmp(line, "/dev/zram", 9) == 0 || stat(line, &st) != 0)
            continue;
        dev_t dev = S_ISBLK(st.st_mode) ? st.st_rdev : st.st_dev;
        if (is_crypt(major(dev), minor(dev), 8) > 0)
            continue;
        doctor_say(d, DOCTOR_NOTE, "%s shows no encryption, and memory may be written to it", line);
        doctor_do(d,
                  "swapoff, zram, or a random key for it in /etc/crypttab; the keys of secrets are "
                  "kept out of it in any case");
    }
    fclose(f);
}

/* ---- time ---- */

static void clock_state(struct doctor *d)
{
    struct timex t = {0};
    int state = adjtimex(&t);
    if (state < 0) {
        doctor_say(d, DOCTOR_UNKNOWN, "the kernel does not tell whether its clock is synchronised");
        return;
    }
    if (!(t.status & STA_UNSYNC) && state != TIME_ERROR)
        return;
    doctor_say(d, DOCTOR_WARNING, "the clock is not synchronised");
    doctor_do(d, "systemd-timesyncd or chrony; in a virtual machine perhaps on its host");
}

/* clang-format off: a check a line */
const struct doctor_check doctor_machine[] = {
    {"root", "whether the server runs as root", "A fault in it is one in all of the machine then",
     as_root},
    {"sandbox", "what the process could do beyond its work",
     "The less it may, the less an intruder can", sandbox},
    {"core-dumps", "whether memory goes to the disk in a crash", "Keys and passwords are in it",
     core_dumps},
    {"disk-encryption", "whether the disk is encrypted",
     "Who takes the disk, or finds it in the rubbish, reads it", disk_encryption},
    {"swap", "whether memory that was swapped out can be read",
     "Readings and passwords that pass through memory may stay on the disk for years", swap},
    {"clock", "whether the clock is right",
     "Readings without a time get the server's; tokens, codes and certificates go by it",
     clock_state},
    {0},
};
/* clang-format on */
