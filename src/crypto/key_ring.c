#include "crypto/key_ring.h"

#include "base/clock.h"
#include "base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define WORD "doppel-key-v1:"
enum { FILE_LIMIT = 64 * 1024, KEY_TEXT = 43 }; /* base64url of 32 bytes */

struct key {
    unsigned char bytes[KEY_BYTES];
    unsigned char sealing[KEY_BYTES];
    struct key_about about;
};

struct key_ring {
    size_t n;
    struct key keys[KEY_RING_MAX]; /* the newest last */
};

struct key_ring *key_ring_new(void)
{
    struct key_ring *r = sodium_init() < 0 ? NULL : sodium_malloc(sizeof *r);
    if (r)
        sodium_memzero(r, sizeof *r);
    return r;
}

void key_ring_free(struct key_ring *r)
{
    sodium_free(r); /* clears it */
}

void secret_release(struct buf *b)
{
    if (b->p)
        sodium_memzero(b->p, b->cap);
    buf_release(b);
}

/* ---- keys ---- */

static void derive(unsigned char out[static KEY_BYTES], const unsigned char *key, const char *use)
{
    crypto_generichash(out, KEY_BYTES, (const unsigned char *)use, strlen(use), key, KEY_BYTES);
}

/* The bytes of k are set: what follows from them. */
static void complete(struct key *k, int64_t made_us)
{
    unsigned char id[KEY_BYTES];
    derive(id, k->bytes, "doppel: id of a key");
    sodium_bin2hex(k->about.id, sizeof k->about.id, id, KEY_ID_TEXT / 2);
    derive(k->sealing, k->bytes, "doppel: sealing");
    k->about.made_us = made_us;
}

static struct key *find(const struct key_ring *r, struct slice id)
{
    for (size_t i = 0; i < r->n; i++) {
        if (slice_is(id, r->keys[i].about.id))
            return (struct key *)(uintptr_t)&r->keys[i];
    }
    return NULL;
}

static void take_out(struct key_ring *r, struct key *k)
{
    struct key *end = r->keys + r->n;
    memmove(k, k + 1, (size_t)((char *)end - (char *)(k + 1)));
    sodium_memzero(&r->keys[--r->n], sizeof *k);
}

int key_ring_make(struct key_ring *r, int64_t now_us)
{
    if (r->n == KEY_RING_MAX)
        return ERR_TOO_LARGE;
    struct key *k = &r->keys[r->n++];
    randombytes_buf(k->bytes, KEY_BYTES);
    complete(k, now_us - now_us % 1000000);
    return 0;
}

bool key_ring_remove(struct key_ring *r, const char *id)
{
    struct key *k = find(r, slice_str(id));
    if (k)
        take_out(r, k);
    return k;
}

size_t key_ring_count(const struct key_ring *r)
{
    return r->n;
}

bool key_ring_at(const struct key_ring *r, size_t i, struct key_about *ret)
{
    if (i >= r->n)
        return false;
    *ret = r->keys[i].about;
    return true;
}

bool key_ring_has(const struct key_ring *r, struct slice id)
{
    return find(r, id);
}

const unsigned char *key_ring_sealing(const struct key_ring *r, struct slice id)
{
    const struct key *k = id.p ? find(r, id) : r->n ? &r->keys[r->n - 1] : NULL;
    return k ? k->sealing : NULL;
}

/* ---- text ---- */

/* One word into k.  The bytes go nowhere but into the ring. */
static int read_word(struct slice word, struct key *k)
{
    int64_t made_us;
    size_t n = 0;
    const char *end = NULL;
    if (!slice_starts(word, WORD) || word.n < strlen(WORD) + KEY_TEXT + 1)
        return ERR_MALFORMED;
    struct slice date = slice_skip(word, strlen(WORD));
    date.n -= KEY_TEXT + 1;
    const char *text = date.p + date.n + 1;
    if (text[-1] != ':' || clock_parse(date, &made_us) ||
        sodium_base642bin(k->bytes, KEY_BYTES, text, KEY_TEXT, NULL, &n, &end,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
        n != KEY_BYTES || end != text + KEY_TEXT)
        return ERR_MALFORMED;
    complete(k, made_us);
    return 0;
}

static int add_word(struct key_ring *r, struct slice word, size_t line, struct buf *why)
{
    if (r->n == KEY_RING_MAX) {
        buf_addf(why, "line %zu has more than the %d keys that there may be", line, KEY_RING_MAX);
        return ERR_TOO_LARGE;
    }
    struct key *k = &r->keys[r->n];
    if (read_word(word, k)) {
        sodium_memzero(k, sizeof *k);
        buf_addf(why,
                 "line %zu has something that is no key; one looks like " WORD
                 "2026-11-28T03:00:00Z:... with %d characters at the end",
                 line, KEY_TEXT);
        return ERR_MALFORMED;
    }
    struct key *before = find(r, slice_str(k->about.id));
    r->n++;
    if (before)
        take_out(r, before);
    return 0;
}

static bool parts(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == ',' || c == ';';
}

int key_ring_read(struct key_ring *r, struct slice text, struct buf *why)
{
    struct slice line;
    size_t number = 0;
    while (slice_cut(&text, '\n', &line)) {
        struct slice rest = line;
        number++;
        slice_cut(&rest, '#', &line);
        while (line.n) {
            size_t n = 0;
            while (n < line.n && !parts(line.p[n]))
                n++;
            int err = n ? add_word(r, slice_of(line.p, n), number, why) : 0;
            if (err)
                return err;
            line = slice_skip(line, n ? n : 1);
        }
    }
    return 0;
}

void key_ring_write(const struct key_ring *r, struct buf *out)
{
    char text[KEY_TEXT + 1];
    /* at once: what grows leaves copies behind */
    if (!buf_reserve(out, 1 + r->n * (strlen(WORD) + 40 + KEY_TEXT)))
        return;
    for (size_t i = 0; i < r->n; i++) {
        buf_add_str(out, WORD);
        clock_format(out, r->keys[i].about.made_us);
        sodium_bin2base64(text, sizeof text, r->keys[i].bytes, KEY_BYTES,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING);
        buf_addf(out, ":%s\n", text);
    }
    sodium_memzero(text, sizeof text);
}

/* ---- files ---- */

/* A service manager that hands a secret over may name our group as its reader. */
static bool is_credential(const char *path)
{
    const char *dir = getenv("CREDENTIALS_DIRECTORY");
    return dir && *dir && slice_starts(slice_str(path), dir) && path[strlen(dir)] == '/';
}

static int look_at(int fd, const char *path, struct buf *why)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        buf_addf(why, "%s is no file", path);
        return ERR_IO;
    }
    if (st.st_mode & (is_credential(path) ? 037 : 077)) {
        buf_addf(
            why,
            "%s can be read by others (mode %03o), so its keys are no secret any more.  Make it "
            "yours alone with: chmod 600 %s, and think of a new key: doppel key rotate",
            path, (unsigned)st.st_mode & 0777U, path);
        return ERR_FOREIGN;
    }
    if (st.st_size > FILE_LIMIT) {
        buf_addf(why, "%s is no file of keys: it is too large", path);
        return ERR_MALFORMED;
    }
    return 0;
}

static int read_keys(int fd, const char *path, struct key_ring *r, struct buf *why)
{
    char *text = sodium_malloc(FILE_LIMIT);
    struct buf what = {0};
    size_t n = 0;
    ssize_t got = text ? 1 : 0;
    while (got > 0 && n < FILE_LIMIT) {
        got = read(fd, text + n, FILE_LIMIT - n);
        if (got < 0 && errno == EINTR)
            got = 1;
        else
            n += got > 0 ? (size_t)got : 0;
    }
    int err = !text ? ERR_NOMEM : got < 0 ? ERR_IO : 0;
    if (err)
        buf_addf(why, "%s cannot be read: %s", path, text ? strerror(errno) : "out of memory");
    else if ((err = key_ring_read(r, slice_of(text, n), &what)))
        buf_addf(why, "%s: %.*s", path, SLICE_ARG(buf_slice(&what)));
    buf_release(&what);
    sodium_free(text);
    return err;
}

int key_ring_load(struct key_ring *r, const char *path, struct buf *why)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), err;
    if (fd < 0) {
        if (errno == ENOENT)
            return ERR_NOT_FOUND;
        buf_addf(why, "%s cannot be read: %s", path, strerror(errno));
        return ERR_IO;
    }
    if (!(err = look_at(fd, path, why)))
        err = read_keys(fd, path, r, why);
    close(fd);
    return err;
}

/* Behind what is there up to *at, which moves along. */
static int write_part(int fd, struct slice text, off_t *at)
{
    while (text.n > 0) {
        ssize_t n = pwrite(fd, text.p, text.n, *at);
        if (n < 0 && errno != EINTR)
            return -1;
        text = slice_skip(text, n > 0 ? (size_t)n : 0);
        *at += n > 0 ? n : 0;
    }
    return 0;
}

/* Whoever owned the file, or owns the directory, goes on doing so when it is root who writes. */
static int keep_owner(int fd, const char *path, const char *dir)
{
    struct stat st;
    if (geteuid() != 0 || (stat(path, &st) != 0 && stat(dir, &st) != 0))
        return 0;
    return fchown(fd, st.st_uid, st.st_gid);
}

static int sync_folder(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int failed = fd < 0 || fsync(fd) != 0;
    if (fd >= 0)
        close(fd);
    return failed ? -1 : 0;
}

int key_ring_save(const struct key_ring *r, const char *path, struct buf *why)
{
    static const char head[] = "# Doppel's keys, the newest last: who has them can open what is "
                               "sealed, and without them\n# nobody can.  Keep a copy elsewhere.\n";
    struct buf text = {0}, name = {0};
    const char *slash = strrchr(path, '/');
    char *dir = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
    buf_addf(&name, "%s.%ld", path, (long)getpid());
    char *fresh = buf_take(&name);
    int fd = -1, err = ERR_NOMEM;
    bool made = false;
    off_t at = 0;
    key_ring_write(r, &text);
    if (!dir || !fresh || text.failed)
        goto done;
    err = ERR_IO;
    fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        goto done;
    made = true;
    if (fchmod(fd, 0600) != 0 || keep_owner(fd, path, dir) != 0 ||
        write_part(fd, slice_str(head), &at) != 0 || write_part(fd, buf_slice(&text), &at) != 0 ||
        fsync(fd) != 0 || rename(fresh, path) != 0)
        goto done;
    made = false;
    err = sync_folder(dir) != 0 ? ERR_IO : 0;
done:
    if (err == ERR_IO && (errno == ENOSPC || errno == EDQUOT))
        err = ERR_STORAGE;
    if (err)
        buf_addf(why, "%s cannot be written: %s", path,
                 err == ERR_NOMEM ? "out of memory" : strerror(errno));
    if (made)
        unlink(fresh);
    if (fd >= 0)
        close(fd);
    secret_release(&text);
    free(fresh);
    free(dir);
    return err;
}
