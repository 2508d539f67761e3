/* backup_pass.c - the bytes of one file from here to there: as they are, into an encrypted stream,
 * or out of one.
 *
 * The sums are of the text in any case, and beside that of what lies in the backup.  Zeroes become
 * holes where text is written; those at a file's end, of which segments of journals have many, are
 * not encrypted: the manifest has the size, and the reader fills up to it. */
#include "store/backup_internal.h"

#include "base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct sum {
    EVP_MD_CTX *md;
    uint64_t bytes;
};

struct pass {
    struct backup_job *job;
    enum backup_how how;
    const char *label, *from, *to;
    int in, out; /* out -1: nothing is written */
    struct sum text, stored;
    uint64_t zeroes; /* BACKUP_SEAL: read, and perhaps the last */
    struct cipher *stream;
    uint64_t size;
};

/* ---- files ---- */

int backup_read(int fd, unsigned char *p, size_t n, uint64_t at, size_t *ret)
{
    for (*ret = 0; *ret < n;) {
        ssize_t got = pread(fd, p + *ret, n - *ret, (off_t)(at + *ret));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        *ret += (size_t)got;
    }
    return 0;
}

int backup_write(int fd, const unsigned char *p, size_t n, uint64_t at)
{
    for (size_t done = 0; done < n;) {
        ssize_t put = pwrite(fd, p + done, n - done, (off_t)(at + done));
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return -1;
        done += (size_t)put;
    }
    return 0;
}

static bool is_zero(const unsigned char *p, size_t n)
{
    return !n || (p[0] == 0 && memcmp(p, p + 1, n - 1) == 0);
}

/* ---- sums ---- */

static int sum_begin(struct sum *s)
{
    s->md = EVP_MD_CTX_new();
    return s->md && EVP_DigestInit_ex(s->md, EVP_sha256(), NULL) == 1 ? 0 : ERR_NOMEM;
}

static int sum_add(struct sum *s, const void *p, size_t n)
{
    s->bytes += n;
    return EVP_DigestUpdate(s->md, p, n) == 1 ? 0 : ERR_NOMEM;
}

static int sum_end(struct sum *s, char out[static 65])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    if (EVP_DigestFinal_ex(s->md, digest, &n) != 1)
        return ERR_NOMEM;
    for (unsigned i = 0; i < n && i < 32; i++)
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
    return 0;
}

/* ---- the ways of a piece ---- */

/* Text as it is read, or as it comes out of a stream. */
static int put_text(void *arg, const void *p, size_t n)
{
    struct pass *w = arg;
    if (w->text.bytes + n > w->size && w->how == BACKUP_OPEN)
        return ERR_CORRUPT; /* more than the manifest says */
    if (w->out >= 0 && !is_zero(p, n) && backup_write(w->out, p, n, w->text.bytes) != 0)
        return backup_fail_errno(w->job, "written", w->to);
    return sum_add(&w->text, p, n);
}

/* What comes out of a writer of streams. */
static int put_sealed(void *arg, const void *p, size_t n)
{
    struct pass *w = arg;
    if (backup_write(w->out, p, n, w->stored.bytes) != 0)
        return backup_fail_errno(w->job, "written", w->to);
    return sum_add(&w->stored, p, n);
}

static const unsigned char no_bytes[4096];

static int seal_text(struct pass *w, const unsigned char *p, size_t n)
{
    int err = sum_add(&w->text, p, n);
    if (err || is_zero(p, n)) {
        w->zeroes += n;
        return err;
    }
    for (; w->zeroes && !err;
         w->zeroes -= w->zeroes < sizeof no_bytes ? w->zeroes : sizeof no_bytes)
        err = cipher_feed(w->stream, no_bytes,
                          w->zeroes < sizeof no_bytes ? (size_t)w->zeroes : sizeof no_bytes);
    return err ? err : cipher_feed(w->stream, p, n);
}

static int take_piece(struct pass *w, const unsigned char *p, size_t n)
{
    if (w->how == BACKUP_SEAL)
        return seal_text(w, p, n);
    if (w->how == BACKUP_PLAIN)
        return put_text(w, p, n);
    int err = sum_add(&w->stored, p, n);
    return err ? err : cipher_feed(w->stream, p, n);
}

/* ---- a whole file ---- */

static int begin(struct pass *w, uint64_t size)
{
    struct slice name = slice_str(w->label);
    const unsigned char *key = w->job->key;
    int err = sum_begin(&w->text);
    if (!err)
        err = sum_begin(&w->stored);
    w->size = size;
    if (w->how == BACKUP_SEAL)
        w->stream = cipher_writer_new(key, name, put_sealed, w);
    else if (w->how == BACKUP_OPEN)
        w->stream = cipher_reader_new(key, name, put_text, w);
    if (err || (w->how != BACKUP_PLAIN && !w->stream))
        return backup_fail(w->job, ERR_NOMEM, "out of memory");
    return 0;
}

static int read_all(struct pass *w, uint64_t size)
{
    uint64_t at = 0;
    int err = 0;
    while (!err && at < size) {
        size_t got, want = size - at < BACKUP_PIECE ? (size_t)(size - at) : BACKUP_PIECE;
        if (backup_read(w->in, w->job->piece, want, at, &got) != 0)
            return backup_fail_errno(w->job, "read", w->from);
        if (got == 0)
            break;
        err = take_piece(w, w->job->piece, got);
        at += got;
        backup_tell(w->job, w->label, at, size);
    }
    return err ? err : w->stream ? cipher_end(w->stream) : 0;
}

/* The zeroes at the end of a file that were not encrypted. */
static int fill_up(struct pass *w)
{
    int err = 0;
    while (!err && w->text.bytes < w->size) {
        uint64_t left = w->size - w->text.bytes;
        err = sum_add(&w->text, no_bytes, left < sizeof no_bytes ? (size_t)left : sizeof no_bytes);
    }
    return err;
}

static int finish(struct pass *w, struct backup_file *c)
{
    if (w->out >= 0 && ((w->how != BACKUP_SEAL && ftruncate(w->out, (off_t)w->text.bytes) != 0) ||
                        fsync(w->out) != 0))
        return backup_fail_errno(w->job, "written", w->to);
    c->bytes = w->text.bytes;
    c->stored_bytes = w->how == BACKUP_PLAIN ? w->text.bytes : w->stored.bytes;
    int err = sum_end(&w->text, c->sha256);
    if (!err && w->how != BACKUP_PLAIN)
        err = sum_end(&w->stored, c->stored_sha256);
    else if (!err)
        memcpy(c->stored_sha256, c->sha256, sizeof c->sha256);
    return err;
}

static int pass_file(struct pass *w, uint64_t in_bytes, struct backup_file *c)
{
    int err = begin(w, w->how == BACKUP_OPEN ? c->bytes : in_bytes);
    if (!err)
        err = read_all(w, in_bytes);
    if (!err && w->how == BACKUP_OPEN)
        err = fill_up(w);
    if (!err)
        err = finish(w, c);
    if (err == ERR_CORRUPT && w->how == BACKUP_OPEN)
        backup_fail(w->job, err,
                    "%s is damaged, or belongs to another backup or to another place in this one",
                    w->from);
    else if (err == ERR_NOMEM)
        backup_fail(w->job, err, "out of memory");
    EVP_MD_CTX_free(w->text.md);
    EVP_MD_CTX_free(w->stored.md);
    cipher_free(w->stream);
    return err;
}

int backup_pass(struct backup_job *j, enum backup_how how, const char *from, const char *to,
                const char *label, struct backup_file *c)
{
    struct stat st;
    int err = 0;
    struct pass w = {.job = j, .how = how, .label = label, .from = from, .to = to, .out = -1};
    w.in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (w.in < 0 || fstat(w.in, &st) != 0) {
        err = errno == ENOENT ? ERR_NOT_FOUND : backup_fail_errno(j, "read", from);
        goto end;
    }
    if (to) {
        w.out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (w.out < 0) {
            err = backup_fail_errno(j, "written", to);
            goto end;
        }
    }
    err = pass_file(&w, (uint64_t)st.st_size, c);
end:
    if (w.in >= 0)
        close(w.in);
    if (w.out >= 0 && close(w.out) != 0 && !err)
        err = backup_fail_errno(j, "written", to);
    return err;
}

int backup_copy_file(struct backup_job *j, enum backup_how how, const char *name,
                     struct backup_file *c)
{
    struct backup_path from, to;
    backup_path_in(j->from, name, &from);
    if (*j->to)
        backup_path_in(j->to, name, &to);
    return backup_pass(j, how, from.text, *j->to ? to.text : NULL, name, c);
}
