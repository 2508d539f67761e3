/* backup_manifest.c - backup.json, which names every file of a backup; the form is told at the top
 * of backup.c. */
#include "store/backup_internal.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "codec/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FORMAT = 1, FORMAT_SEALED = 2, MANIFEST_MAX = 64 << 20 };

static void write_files(struct json_writer *w, const struct backup_job *j, bool stored)
{
    json_key(w, "files");
    json_open(w, '[');
    for (size_t i = 0; i < j->n; i++) {
        const struct backup_file *f = &j->files[i];
        json_open(w, '{');
        json_key(w, "path");
        json_put_cstr(w, f->path);
        json_key(w, "bytes");
        json_put_uint(w, stored ? f->stored_bytes : f->bytes);
        json_key(w, "sha256");
        json_put_cstr(w, stored ? f->stored_sha256 : f->sha256);
        json_close(w, '}');
    }
    json_close(w, ']');
}

/* What the files are, or, in clear for who cannot open them, what lies there. */
static void write_manifest(const struct backup_job *j, bool stored, struct buf *out)
{
    struct json_writer w;
    json_writer_init(&w, out, 2);
    json_open(&w, '{');
    json_key(&w, "format");
    json_put_int(&w, stored ? FORMAT_SEALED : FORMAT);
    json_key(&w, "program");
    json_put_cstr(&w, DOPPEL_VERSION);
    json_key(&w, "made");
    json_put_time(&w, j->report->made_us);
    if (stored) {
        json_key(&w, "encryption");
        json_open(&w, '{');
        json_key(&w, "locks");
        json_put_raw(&w, buf_slice(&j->locks));
        json_close(&w, '}');
    }
    write_files(&w, j, stored);
    json_close(&w, '}');
    buf_add_byte(out, '\n');
}

static int save(struct backup_job *j, const char *name, const struct buf *text, int flags)
{
    struct backup_path p;
    int err = 0,
        fd = open(backup_path_in(j->to, name, &p), O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600);
    if (text->failed)
        err = backup_fail(j, ERR_NOMEM, "out of memory");
    else if (fd < 0 || backup_write(fd, (const unsigned char *)text->p, text->n, 0) != 0 ||
             fsync(fd) != 0)
        err = backup_fail_errno(j, "written", p.text);
    if (fd >= 0)
        close(fd);
    return err;
}

static int add_bytes(void *arg, const void *p, size_t n)
{
    struct buf *b = arg;
    buf_add(b, p, n);
    return b->failed ? ERR_NOMEM : b->n > MANIFEST_MAX ? ERR_CORRUPT : 0;
}

/* The manifest of what the files are, as a file of the backup like the others. */
static int save_sealed(struct backup_job *j)
{
    struct backup_path p;
    struct buf text = {0}, sealed = {0};
    write_manifest(j, false, &text);
    struct cipher *s = cipher_writer_new(j->key, SLICE_LIT(BACKUP_MANIFEST), add_bytes, &sealed);
    int err = !s || text.failed ? ERR_NOMEM : cipher_feed(s, text.p, text.n);
    if (!err)
        err = cipher_end(s);
    cipher_free(s);
    err = err ? backup_fail(j, err, "out of memory") : save(j, BACKUP_SEALED, &sealed, O_EXCL);
    buf_release(&text);
    buf_release(&sealed);
    struct backup_file *c = err ? NULL : backup_add_file(j, BACKUP_SEALED);
    if (err || !c)
        return err ? err : backup_fail(j, ERR_NOMEM, "out of memory");
    return backup_pass(j, BACKUP_PLAIN, backup_path_in(j->to, BACKUP_SEALED, &p), NULL,
                       BACKUP_SEALED, c);
}

int backup_save_manifest(struct backup_job *j)
{
    struct buf text = {0};
    int err = j->encrypted ? save_sealed(j) : 0;
    write_manifest(j, j->encrypted, &text);
    if (!err)
        err = save(j, BACKUP_MANIFEST, &text, O_EXCL);
    if (!err && j->encrypted)
        j->n--; /* what was copied is counted */
    buf_release(&text);
    return err;
}

int backup_save_locks(struct backup_job *j)
{
    static const char fresh[] = BACKUP_MANIFEST ".new";
    struct backup_path from, to;
    struct buf text = {0};
    write_manifest(j, true, &text);
    int err = save(j, fresh, &text, O_TRUNC);
    if (!err && rename(backup_path_in(j->to, fresh, &from),
                       backup_path_in(j->to, BACKUP_MANIFEST, &to)) != 0)
        err = backup_fail_errno(j, "renamed", from.text);
    if (err)
        unlink(backup_path_in(j->to, fresh, &from));
    buf_release(&text);
    return err ? err : backup_sync(j, j->to);
}

/* A name of ours: no way out of the directory. */
static bool is_plain(struct slice path)
{
    size_t slashes = 0;
    for (size_t i = 0; i < path.n; i++) {
        if (path.p[i] == 0)
            return false;
        slashes += path.p[i] == '/';
    }
    return path.n && path.n < BACKUP_PATH_PART && slashes <= BACKUP_DEPTH && path.p[0] != '/' &&
           path.p[0] != '.' && !memmem(path.p, path.n, "/.", 2) &&
           !memmem(path.p, path.n, "//", 2) && path.p[path.n - 1] != '/';
}

static int take_entry(struct backup_job *j, struct jval *entry)
{
    char path[BACKUP_PATH_PART] = "";
    struct slice name = jval_string(jval_get(entry, "path"));
    struct slice sum = jval_string(jval_get(entry, "sha256"));
    double bytes = -1;
    if (!is_plain(name) || sum.n != 64 || !jval_number(jval_get(entry, "bytes"), &bytes) ||
        bytes < 0 || bytes > 9e15)
        return backup_fail(j, ERR_CORRUPT,
                           "%s/" BACKUP_MANIFEST " is damaged: an entry of it means nothing",
                           j->from);
    memcpy(path, name.p, name.n);
    struct backup_file *c = backup_add_file(j, path);
    if (!c)
        return backup_fail(j, ERR_NOMEM, "out of memory");
    c->bytes = c->stored_bytes = (uint64_t)bytes;
    memcpy(c->sha256, sum.p, sum.n);
    memcpy(c->stored_sha256, sum.p, sum.n);
    return 0;
}

static int read_text(struct backup_job *j, const char *path, struct buf *out)
{
    struct stat st;
    size_t got = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC), err = 0;
    if (fd < 0 || fstat(fd, &st) != 0)
        err = errno == ENOENT ? backup_fail(j, ERR_NOT_FOUND,
                                            "%s is no backup: it has no " BACKUP_MANIFEST, j->from)
                              : backup_fail_errno(j, "read", path);
    else if (st.st_size > MANIFEST_MAX)
        err = backup_fail(j, ERR_CORRUPT, "%s is damaged: it is too large", path);
    else if (!buf_reserve(out, (size_t)st.st_size + 1))
        err = backup_fail(j, ERR_NOMEM, "out of memory");
    else if (backup_read(fd, (unsigned char *)out->p, (size_t)st.st_size, 0, &got) != 0)
        err = backup_fail_errno(j, "read", path);
    out->n = got;
    if (fd >= 0)
        close(fd);
    return err;
}

/* The files that a manifest lists, instead of those that there were. */
static int take_manifest(struct backup_job *j, struct arena *a, struct slice text, const char *name,
                         struct jval **ret_root)
{
    struct jval *root = NULL;
    double format = 0;
    if (jdoc_parse(a, text, &root, NULL) || !root ||
        !jval_number(jval_get(root, "format"), &format))
        return backup_fail(j, ERR_CORRUPT, "%s is damaged: it is no manifest", name);
    if (format > FORMAT_SEALED)
        return backup_fail(j, ERR_UNSUPPORTED, "%s was written by a newer Doppel (format %.0f)",
                           name, format);
    struct jval *files = jval_get(root, "files");
    if (!files || files->type != J_ARRAY)
        return backup_fail(j, ERR_CORRUPT, "%s is damaged: it lists no files", name);
    j->n = 0;
    int err = 0;
    for (struct jval *f = files->first; f && !err; f = f->next)
        err = take_entry(j, f);
    if (!err)
        clock_parse(jval_string(jval_get(root, "made")), &j->report->made_us);
    *ret_root = root;
    return err;
}

/* The key is here: what the files are. */
static int load_sealed(struct backup_job *j, struct arena *a)
{
    struct backup_path p;
    struct buf sealed = {0}, text = {0};
    struct jval *root = NULL;
    int err = read_text(j, backup_path_in(j->from, BACKUP_SEALED, &p), &sealed);
    struct cipher *s =
        err ? NULL : cipher_reader_new(j->key, SLICE_LIT(BACKUP_MANIFEST), add_bytes, &text);
    if (!err)
        err = s ? cipher_feed(s, sealed.p, sealed.n) : ERR_NOMEM;
    if (!err)
        err = cipher_end(s);
    cipher_free(s);
    if (err == ERR_CORRUPT && !j->report->why[0])
        backup_fail(j, err, "%s is damaged, or belongs to another backup", p.text);
    else if (err == ERR_NOMEM)
        backup_fail(j, err, "out of memory");
    if (!err)
        err = take_manifest(j, a, buf_slice(&text), p.text, &root);
    j->opened = !err;
    buf_release(&sealed);
    buf_release(&text);
    return err;
}

static int open_locks(struct backup_job *j, struct arena *a, const struct jval *root,
                      const struct envelope_means *means)
{
    static const struct envelope_means none = {0};
    struct buf why = {0};
    struct json_writer w;
    const struct jval *locks = jval_get(jval_get(root, "encryption"), "locks");
    buf_clear(&j->locks);
    json_writer_init(&w, &j->locks, 0);
    if (locks)
        jval_write(&w, locks);
    bool any = means && (means->identities.n || means->passphrase.n);
    int err = envelope_open(locks, any ? means : &none, j->key, &why);
    if (err == ERR_FOREIGN) /* kept, for who cannot do without */
        backup_fail(j, err, "%s: %.*s", j->from, SLICE_ARG(buf_slice(&why)));
    else if (err)
        backup_fail(j, err, "%s/" BACKUP_MANIFEST ": its locks %s", j->from,
                    err == ERR_UNSUPPORTED ? "want more than may be spent on a passphrase"
                    : err == ERR_NOMEM     ? "want more memory than there is"
                                           : "are damaged");
    buf_release(&why);
    if (err == ERR_FOREIGN && !any)
        return 0;
    if (err == ERR_MALFORMED)
        err = ERR_CORRUPT;
    return err ? err : load_sealed(j, a);
}

int backup_load_manifest(struct backup_job *j, const struct envelope_means *means)
{
    struct backup_path p;
    struct buf text = {0};
    struct arena *a = arena_new();
    struct jval *root = NULL;
    int err = a ? read_text(j, backup_path_in(j->from, BACKUP_MANIFEST, &p), &text)
                : backup_fail(j, ERR_NOMEM, "out of memory");
    if (!err)
        err = take_manifest(j, a, buf_slice(&text), p.text, &root);
    j->encrypted = !err && jval_get(root, "encryption");
    if (j->encrypted)
        err = open_locks(j, a, root, means);
    j->report->encrypted = j->encrypted;
    j->report->opened = j->opened || !j->encrypted;
    arena_free(a);
    buf_release(&text);
    return err;
}

int backup_refuse_closed(struct backup_job *j)
{
    return j->encrypted && !j->opened ? ERR_FOREIGN : 0; /* why was said when it was not opened */
}
