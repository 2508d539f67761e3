/* The index is text, a line an event, fields parted by tabs, and is only ever appended to:
 *
 *   issued   SERIAL  ORG  TWIN  FROM  UNTIL  FINGERPRINT      (times in seconds since 1970)
 *   revoked  SERIAL  AT  REASON
 *   list     NUMBER  AT  UNTIL                                (crl.pem was written)
 *
 * A line counts when its end of line is there; each is synced before what it tells of is given
 * away.  A last line that is cut was never answered for, and is cut off.  crl.pem follows from the
 * index: should it be older than that (a crash between the two), opening with the key writes it
 * anew.  The index itself is what is locked. */
#include "crypto/ca.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/map.h"
#include "crypto/key_ring.h"
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { INDEX_MAX = 256 << 20, PEM_MAX = 1 << 20, FIELDS = 7, COMMON_NAME_MAX = 64 };

struct ca {
    char *dir;
    int fd; /* the index, locked; -1: to look only */
    struct authority *authority;
    struct ca_entry **entries;
    size_t n, cap;
    struct map by_serial;
    uint64_t list_number;
    bool list_is_old; /* something was revoked since */
};

static int say(struct buf *why, int err, const char *path, const char *text)
{
    buf_addf(why, "%s: %s", path, text);
    return err;
}

static char *path_of(const char *dir, const char *name)
{
    struct buf b = {0};
    buf_addf(&b, "%s/%s", dir, name);
    return buf_take(&b);
}

/* ---- the index ---- */

static bool copy(char *to, size_t size, struct slice text)
{
    if (text.n >= size || memchr(text.p, 0, text.n))
        return false;
    memcpy(to, text.p, text.n);
    to[text.n] = 0;
    return true;
}

static bool is_hex(struct slice s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'f')))
            return false;
    return s.n > 0;
}

static bool read_time(struct slice text, int64_t *ret_us)
{
    int64_t s;
    if (slice_to_i64(text, &s) != 0 || s < 0 || s > INT64_C(253402300799)) /* the year 9999 */
        return false;
    *ret_us = s * 1000000;
    return true;
}

static int add_entry(struct ca *c, const struct ca_entry *e)
{
    if (c->n == c->cap) {
        size_t cap = c->cap ? c->cap * 2 : 64;
        struct ca_entry **entries = realloc(c->entries, cap * sizeof(struct ca_entry *));
        if (!entries)
            return ERR_NOMEM;
        c->entries = entries;
        c->cap = cap;
    }
    struct ca_entry *kept = malloc(sizeof *kept);
    if (!kept)
        return ERR_NOMEM;
    *kept = *e;
    if (map_put(&c->by_serial, slice_str(kept->serial), kept, NULL) != 0) {
        free(kept);
        return ERR_NOMEM;
    }
    c->entries[c->n++] = kept;
    return 0;
}

static int read_issued(struct ca *c, const struct slice f[FIELDS])
{
    struct ca_entry e = {0};
    bool ok = is_hex(f[1]) && copy(e.serial, sizeof e.serial, f[1]) && slice_is_id(f[2]) &&
              copy(e.org, sizeof e.org, f[2]) && slice_is_id(f[3]) &&
              copy(e.twin, sizeof e.twin, f[3]) && read_time(f[4], &e.from_us) &&
              read_time(f[5], &e.until_us) && is_hex(f[6]) &&
              copy(e.fingerprint, sizeof e.fingerprint, f[6]) && !map_get(&c->by_serial, f[1]);
    return ok ? add_entry(c, &e) : ERR_CORRUPT;
}

static int read_revoked(struct ca *c, const struct slice f[FIELDS])
{
    struct ca_entry *e = map_get(&c->by_serial, f[1]);
    int64_t at;
    enum cert_reason reason;
    if (!e || e->revoked_us || !read_time(f[2], &at) || !at || cert_reason_parse(f[3], &reason))
        return ERR_CORRUPT;
    e->revoked_us = at;
    e->reason = reason;
    c->list_is_old = true;
    return 0;
}

static int read_list(struct ca *c, const struct slice f[FIELDS])
{
    int64_t at, until;
    uint64_t number;
    if (slice_to_u64(f[1], &number) != 0 || number <= c->list_number || !read_time(f[2], &at) ||
        !read_time(f[3], &until))
        return ERR_CORRUPT;
    c->list_number = number;
    c->list_is_old = false;
    return 0;
}

static const struct {
    const char *word;
    size_t fields;
    int (*read)(struct ca *c, const struct slice f[FIELDS]);
} lines[] = {{"issued", 7, read_issued}, {"revoked", 4, read_revoked}, {"list", 4, read_list}};

static int read_line(struct ca *c, struct slice line)
{
    struct slice f[FIELDS], rest = line;
    size_t n = 0;
    while (n < FIELDS && slice_cut(&rest, '\t', &f[n]))
        n++;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        if (n == lines[i].fields && !rest.p && slice_is(f[0], lines[i].word))
            return lines[i].read(c, f);
    return ERR_CORRUPT;
}

/* *ret_whole: the bytes of whole lines. */
static int read_index(struct ca *c, struct slice text, size_t *ret_whole, struct buf *why)
{
    struct slice rest = text, line;
    size_t number = 0;
    const char *end = text.n ? memrchr(text.p, '\n', text.n) : NULL;
    *ret_whole = end ? (size_t)(end - text.p) + 1 : 0;
    rest = slice_of(text.p, *ret_whole ? *ret_whole - 1 : 0);
    if (!*ret_whole)
        return 0;
    while (slice_cut(&rest, '\n', &line)) {
        number++;
        int err = read_line(c, line);
        if (err) {
            buf_addf(why,
                     "the index is damaged in line %zu; nothing is issued or revoked before "
                     "that is put right, from a backup for example",
                     number);
            return err;
        }
    }
    return 0;
}

int ca_read_index(struct slice text, struct ca **ret, struct buf *why)
{
    struct ca *c = calloc(1, sizeof *c);
    size_t whole;
    if (!c)
        return ERR_NOMEM;
    c->fd = -1;
    int err = read_index(c, text, &whole, why);
    if (err)
        ca_close(c);
    else
        *ret = c;
    return err;
}

/* A line behind the others, on stable storage; when that fails the index is as it was. */
static int append(struct ca *c, const struct buf *line, struct buf *why)
{
    off_t before = lseek(c->fd, 0, SEEK_END);
    ssize_t n = line->failed || before < 0 ? -1 : write(c->fd, line->p, line->n);
    if (n == (ssize_t)line->n && fsync(c->fd) == 0)
        return 0;
    int error = errno;
    if (before >= 0 && ftruncate(c->fd, before) != 0)
        buf_addf(why, "the index has a line too much now; ");
    return say(why, ERR_IO, "the index cannot be written", strerror(error));
}

/* ---- opening ---- */

static int load_index(struct ca *c, bool to_write, struct buf *why)
{
    struct buf text = {0};
    char *path = path_of(c->dir, "index");
    size_t whole = 0;
    int err = path ? 0 : ERR_NOMEM;
    if (!err && to_write) {
        c->fd = open(path, O_RDWR | O_CLOEXEC);
        if (c->fd < 0 || flock(c->fd, LOCK_EX) != 0)
            err = say(why, ERR_IO, path, strerror(errno));
    }
    if (!err && (err = file_read(path, INDEX_MAX, &text)))
        say(why, err, path, file_why(err));
    if (!err)
        err = read_index(c, buf_slice(&text), &whole, why);
    if (!err && to_write && whole < text.n && ftruncate(c->fd, (off_t)whole) != 0)
        err = say(why, ERR_IO, path, strerror(errno));
    free(path);
    buf_release(&text);
    return err;
}

static int load_authority(struct ca *c, struct slice passphrase, struct buf *why)
{
    struct buf cert = {0}, key = {0};
    char *cert_path = path_of(c->dir, "ca.pem"), *key_path = path_of(c->dir, "ca-key.pem");
    const char *what = "out of memory";
    struct stat st;
    int err = cert_path && key_path ? 0 : ERR_NOMEM;
    if (!err && (err = file_read(cert_path, PEM_MAX, &cert)))
        say(why, err, cert_path, file_why(err));
    else if (!err && (err = file_read(key_path, PEM_MAX, &key)))
        say(why, err, key_path, file_why(err));
    else if (!err && stat(key_path, &st) == 0 && st.st_mode & 077)
        err = say(why, ERR_FOREIGN, key_path,
                  "others can read it; chmod 600 it, and think whether "
                  "somebody has");
    else if (!err && (err = authority_read(buf_slice(&cert), buf_slice(&key), passphrase,
                                           &c->authority, &what)))
        say(why, err, key_path, what);
    buf_release(&cert);
    secret_release(&key);
    free(cert_path);
    free(key_path);
    return err;
}

static int open_dir(const char *dir, const struct slice *passphrase, struct ca **ret,
                    struct buf *why)
{
    struct ca *c = calloc(1, sizeof *c);
    char *path = path_of(dir, "ca.pem");
    int err = ERR_NOMEM;
    if (!c || !path || !(c->dir = strdup(dir)))
        goto fail;
    c->fd = -1;
    err = ERR_NOT_FOUND;
    if (access(path, F_OK) != 0) {
        buf_addf(why, "there is no authority in %s; doppel ca init makes one", dir);
        goto fail;
    }
    if ((err = load_index(c, passphrase != NULL, why)) ||
        (passphrase && (err = load_authority(c, *passphrase, why))) ||
        (passphrase && (c->list_is_old || !c->list_number) &&
         (err = ca_list_revoked(c, ca_until_us(c), why))))
        goto fail;
    *ret = c;
    free(path);
    return 0;
fail:
    free(path);
    ca_close(c);
    return err;
}

int ca_open(const char *dir, struct slice passphrase, struct ca **ret, struct buf *why)
{
    return open_dir(dir, &passphrase, ret, why);
}

int ca_look(const char *dir, struct ca **ret, struct buf *why)
{
    return open_dir(dir, NULL, ret, why);
}

void ca_close(struct ca *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->n; i++)
        free(c->entries[i]);
    free(c->entries);
    map_release(&c->by_serial);
    authority_free(c->authority);
    if (c->fd >= 0)
        close(c->fd);
    free(c->dir);
    free(c);
}

/* The certificate comes last: with it the authority is there. */
static int write_new(const char *dir, const struct authority *a, struct slice passphrase,
                     struct buf *why)
{
    struct buf parts[3] = {0};
    static const struct {
        const char *name;
        unsigned mode;
    } files[] = {{"index", 0600}, {"ca-key.pem", 0600}, {"ca.pem", 0644}};
    int err = authority_key(a, passphrase, &parts[1]);
    if (!err)
        err = authority_cert(a, &parts[2]);
    for (size_t i = 0; i < 3 && !err; i++) {
        char *path = path_of(dir, files[i].name);
        err = path ? file_write(path, buf_slice(&parts[i]), files[i].mode) : ERR_NOMEM;
        if (!err)
            err = file_give(path);
        if (err)
            say(why, err, path ? path : dir, file_why(err));
        free(path);
    }
    secret_release(&parts[1]);
    buf_release(&parts[2]);
    return err;
}

int ca_make(const char *dir, const struct authority_opts *opts, struct slice passphrase,
            struct buf *why)
{
    struct authority *a = NULL;
    struct ca *c = NULL;
    char *path = path_of(dir, "ca.pem");
    int err = path ? 0 : ERR_NOMEM;
    if (!err && access(path, F_OK) == 0)
        err = say(why, ERR_EXISTS, path, "there is an authority already; it is not overwritten");
    else if (!err && ((mkdir(dir, 0700) != 0 && errno != EEXIST) || file_give(dir) != 0))
        err = say(why, ERR_IO, dir, strerror(errno));
    if (!err)
        err = authority_new(opts, &a);
    if (!err)
        err = write_new(dir, a, passphrase, why);
    if (!err)
        err = ca_open(dir, passphrase, &c, why); /* which writes the list of the revoked */
    if (err == ERR_NOMEM && !why->n)
        buf_add_str(why, "out of memory");
    ca_close(c);
    authority_free(a);
    free(path);
    return err;
}

/* ---- what it does ---- */

size_t ca_count(const struct ca *c)
{
    return c->n;
}

const struct ca_entry *ca_at(const struct ca *c, size_t i)
{
    return c->entries[i];
}

int64_t ca_until_us(const struct ca *c)
{
    return authority_until_us(c->authority);
}

static int note_issued(struct ca *c, const struct ca_order *o, const struct cert_issued *i,
                       struct buf *why)
{
    struct ca_entry e = {.from_us = i->from_us, .until_us = i->until_us};
    struct buf line = {0};
    buf_addf(&line, "issued\t%s\t%s\t%s\t%" PRId64 "\t%" PRId64 "\t%s\n", i->serial, o->org,
             o->twin, i->from_us / 1000000, i->until_us / 1000000, i->fingerprint);
    snprintf(e.serial, sizeof e.serial, "%s", i->serial);
    snprintf(e.fingerprint, sizeof e.fingerprint, "%s", i->fingerprint);
    snprintf(e.org, sizeof e.org, "%s", o->org);
    snprintf(e.twin, sizeof e.twin, "%s", o->twin);
    int err = append(c, &line, why);
    if (!err && (err = add_entry(c, &e)))
        buf_add_str(why, "out of memory");
    buf_release(&line);
    return err;
}

static bool is_org(const char *org)
{
    struct slice s = slice_str(org);
    return slice_is_id(s) && s.n < CA_ORG_TEXT && slice_find(s, ':') < 0;
}

int ca_issue(struct ca *c, const struct ca_order *o, struct cert_issued *ret, struct buf *why)
{
    struct cert_issued made = {0};
    char urn[sizeof "urn:doppel:twin::" + CA_ORG_TEXT + CA_TWIN_TEXT];
    const char *what = "";
    if (!is_org(o->org) || !slice_is_id(slice_str(o->twin))) {
        buf_addf(why, "\"%s\" of \"%s\" cannot be a twin: ids have letters, digits, . _ - and :",
                 o->twin, o->org);
        return ERR_INVALID;
    }
    if (o->until_us <= clock_now_us()) {
        buf_add_str(why, "the certificate would have expired already");
        return ERR_INVALID;
    }
    snprintf(urn, sizeof urn, "urn:doppel:twin:%s:%s", o->org, o->twin);
    const struct cert_order order = {.use = CERT_CLIENT,
                                     .common_name =
                                         strlen(o->twin) <= COMMON_NAME_MAX ? o->twin : NULL,
                                     .organization = o->org,
                                     .names = &(struct cert_name){CERT_URI, urn},
                                     .names_n = 1,
                                     .until_us = o->until_us,
                                     .request = o->request};
    int err = authority_issue(c->authority, &order, &made, &what);
    if (err)
        buf_addf(why, "%s%s", o->request.n ? "the request: " : "", what);
    else if (!(err = note_issued(c, o, &made, why)))
        *ret = made;
    if (err)
        cert_issued_release(&made);
    return err;
}

int ca_revoke(struct ca *c, struct slice serial, enum cert_reason reason, struct buf *why)
{
    struct ca_entry *e = map_get(&c->by_serial, serial);
    struct buf line = {0};
    int64_t now = clock_now_us() / 1000000;
    if (!e) {
        buf_addf(why, "no certificate was issued here under the serial number %.*s",
                 SLICE_ARG(serial));
        return ERR_NOT_FOUND;
    }
    if (e->revoked_us) {
        buf_addf(why, "the certificate %s is revoked already", e->serial);
        return ERR_EXISTS;
    }
    buf_addf(&line, "revoked\t%s\t%" PRId64 "\t%s\n", e->serial, now, cert_reason_text(reason));
    int err = append(c, &line, why);
    buf_release(&line);
    if (err)
        return err;
    e->revoked_us = now * 1000000;
    e->reason = reason;
    return ca_list_revoked(c, ca_until_us(c), why);
}

static int write_list(struct ca *c, int64_t until_us, struct buf *out)
{
    struct cert_revoked *list = calloc(c->n + 1, sizeof *list);
    size_t n = 0;
    if (!list)
        return ERR_NOMEM;
    for (size_t i = 0; i < c->n; i++) {
        const struct ca_entry *e = c->entries[i];
        if (e->revoked_us)
            list[n++] = (struct cert_revoked){e->serial, e->revoked_us, e->reason};
    }
    int err = authority_crl(c->authority, list, n, c->list_number + 1, until_us, out);
    free(list);
    return err;
}

int ca_list_revoked(struct ca *c, int64_t until_us, struct buf *why)
{
    struct buf pem = {0}, line = {0};
    char *path = path_of(c->dir, "crl.pem");
    int err = path ? write_list(c, until_us, &pem) : ERR_NOMEM;
    if (!err && ((err = file_write(path, buf_slice(&pem), 0644)) || (err = file_give(path))))
        say(why, err, path, file_why(err));
    else if (err)
        buf_add_str(why, "the list of the revoked cannot be made: out of memory");
    if (!err) {
        buf_addf(&line, "list\t%" PRIu64 "\t%" PRId64 "\t%" PRId64 "\n", c->list_number + 1,
                 clock_now_us() / 1000000, until_us / 1000000);
        err = append(c, &line, why);
    }
    if (!err) {
        c->list_number++;
        c->list_is_old = false;
    }
    free(path);
    buf_release(&pem);
    buf_release(&line);
    return err;
}
