#include "core/zones.h"

#include "base/buf.h"
#include "base/err.h"

#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { NAME_MAX_BYTES = 64 };
#define FOLDER "/usr/share/zoneinfo"

struct known {
    struct known *next;
    struct zone *zone;
    char name[NAME_MAX_BYTES + 1];
};

/* Never more than there are files in the folder and offsets of an hour and a minute. */
static struct known *known;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* "Area/Some_Place-2": nothing in it leads out of the folder. */
static bool is_name(struct slice name)
{
    if (!name.n || name.n > NAME_MAX_BYTES)
        return false;
    for (size_t i = 0; i < name.n; i++) {
        unsigned char c = (unsigned char)name.p[i];
        bool part_begins = i == 0 || name.p[i - 1] == '/';
        if (part_begins ? !isalpha(c) : !isalnum(c) && !strchr("_+-/", c))
            return false;
    }
    return name.p[name.n - 1] != '/';
}

/* "+02:00", "-0330". */
static bool parse_offset(struct slice text, int32_t *ret)
{
    char digits[5] = {0};
    size_t n = 0;
    if (text.n < 5 || text.n > 6 || (text.p[0] != '+' && text.p[0] != '-'))
        return false;
    for (size_t i = 1; i < text.n; i++) {
        if (text.n == 6 && i == 3 && text.p[i] == ':')
            continue;
        if (!isdigit((unsigned char)text.p[i]) || n == 4)
            return false;
        digits[n++] = text.p[i];
    }
    int hours = (digits[0] - '0') * 10 + digits[1] - '0';
    int minutes = (digits[2] - '0') * 10 + digits[3] - '0';
    if (n != 4 || hours > 18 || minutes > 59)
        return false;
    *ret = (hours * 3600 + minutes * 60) * (text.p[0] == '-' ? -1 : 1);
    return true;
}

static int read_file(const char *name, struct zone **ret)
{
    char path[sizeof FOLDER + 1 + NAME_MAX_BYTES + 1];
    struct buf b = {0};
    snprintf(path, sizeof path, FOLDER "/%s", name);
    FILE *f = fopen(path, "re");
    if (!f)
        return ERR_NOT_FOUND;
    char *at = buf_reserve(&b, ZONE_BYTES_MAX + 1);
    if (at)
        b.n = fread(at, 1, ZONE_BYTES_MAX + 1, f);
    bool failed = ferror(f); /* also of a folder */
    fclose(f);
    int err = !at ? ERR_NOMEM : failed ? ERR_NOT_FOUND : zone_parse(buf_slice(&b), ret);
    buf_release(&b);
    return err;
}

static int make(const char *name, struct zone **ret)
{
    int32_t offset;
    return parse_offset(slice_str(name), &offset) ? zone_fixed(offset, ret) : read_file(name, ret);
}

static int find(const char *name, const struct zone **ret)
{
    for (struct known *k = known; k; k = k->next)
        if (strcmp(k->name, name) == 0) {
            *ret = k->zone;
            return 0;
        }
    struct known *k = calloc(1, sizeof *k);
    int err = k ? make(name, &k->zone) : ERR_NOMEM;
    if (err) {
        free(k);
        return err;
    }
    snprintf(k->name, sizeof k->name, "%s", name);
    k->next = known;
    known = k;
    *ret = k->zone;
    return 0;
}

int zones_find(struct slice name, const struct zone **ret)
{
    char text[NAME_MAX_BYTES + 1];
    int32_t offset;
    if (slice_is(name, "UTC") || slice_is(name, "Z")) {
        *ret = NULL;
        return 0;
    }
    if (!parse_offset(name, &offset) && !is_name(name))
        return ERR_NOT_FOUND;
    memcpy(text, name.p, name.n);
    text[name.n] = 0;
    pthread_mutex_lock(&lock);
    int err = find(text, ret);
    pthread_mutex_unlock(&lock);
    return err;
}
