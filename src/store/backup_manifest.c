/* backup_manifest.c - backup.json, which names every file of a backup; the form is told at the top
 * of backup.c. */
#include "store/backup_internal.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "codec/json.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FORMAT = 1, MANIFEST_MAX = 64 << 20 };

static void write_manifest(const struct backup_job *j, struct buf *out)
{
    struct json_writer w;
    struct buf made = {0};
    clock_format(&made, j->report->made_us);
    json_writer_init(&w, out, 2);
    json_open(&w, '{');
    json_key(&w, "format");
    json_put_int(&w, FORMAT);
    json_key(&w, "program");
    json_put_cstr(&w, DOPPEL_VERSION);
    json_key(&w, "made");
    json_put_string(&w, buf_slice(&made));
    json_key(&w, "files");
    json_open(&w, '[');
    for (size_t i = 0; i < j->n; i++) {
        json_open(&w, '{');
        json_key(&w, "path");
        json_put_cstr(&w, j->files[i].path);
        json_key(&w, "bytes");
        json_put_int(&w, (int64_t)j->files[i].bytes);
        json_key(&w, "sha256");
        json_put_cstr(&w, j->files[i].sha256);
        json_close(&w, '}');
    }
    json_close(&w, ']');
    json_close(&w, '}');
    buf_add_byte(out, '\n');
    buf_release(&made);
}

int backup_save_manifest(struct backup_job *j)
{
    struct backup_path p;
    struct buf text = {0};
    int err = 0;
    write_manifest(j, &text);
    int fd = open(backup_path_in(j->to, BACKUP_MANIFEST, &p),
                  O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (text.failed)
        err = backup_fail(j, ERR_NOMEM, "out of memory");
    else if (fd < 0 || backup_write(fd, (const unsigned char *)text.p, text.n, 0) != 0 ||
             fsync(fd) != 0)
        err = backup_fail_errno(j, "written", p.text);
    if (fd >= 0)
        close(fd);
    buf_release(&text);
    return err;
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
    c->bytes = (uint64_t)bytes;
    memcpy(c->sha256, sum.p, sum.n);
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

int backup_load_manifest(struct backup_job *j)
{
    struct backup_path p;
    struct buf text = {0};
    struct arena *a = arena_new();
    struct jval *root = NULL;
    double format = 0;
    int err = a ? read_text(j, backup_path_in(j->from, BACKUP_MANIFEST, &p), &text)
                : backup_fail(j, ERR_NOMEM, "out of memory");
    if (!err && (jdoc_parse(a, buf_slice(&text), &root, NULL) || !root ||
                 !jval_number(jval_get(root, "format"), &format)))
        err = backup_fail(j, ERR_CORRUPT, "%s is damaged: it is no manifest", p.text);
    if (!err && format > FORMAT)
        err = backup_fail(j, ERR_UNSUPPORTED, "%s was written by a newer Doppel (format %.0f)",
                          p.text, format);
    struct jval *files = err ? NULL : jval_get(root, "files");
    if (!err && (!files || files->type != J_ARRAY))
        err = backup_fail(j, ERR_CORRUPT, "%s is damaged: it lists no files", p.text);
    for (struct jval *f = files ? files->first : NULL; f && !err; f = f->next)
        err = take_entry(j, f);
    if (!err)
        clock_parse(jval_string(jval_get(root, "made")), &j->report->made_us);
    arena_free(a);
    buf_release(&text);
    return err;
}
