#include "server/import_state.h"

#include "base/arena.h"
#include "base/crc32c.h"
#include "base/err.h"
#include "codec/json.h"
#include "os/file.h"

#include <sys/stat.h>
#include <unistd.h>

enum { HEAD_BYTES = 65536, STATE_MAX = 65536 };

int import_state_identify(int fd, struct slice mapping, const char *server,
                          struct import_state *ret)
{
    char head[HEAD_BYTES];
    struct stat st;
    ssize_t n = pread(fd, head, sizeof head, 0);
    if (n < 0 || fstat(fd, &st) != 0)
        return ERR_IO;
    *ret = (struct import_state){
        .size = (uint64_t)st.st_size,
        .changed_us = (uint64_t)st.st_mtim.tv_sec * 1000000 + (uint64_t)st.st_mtim.tv_nsec / 1000,
        .head = crc32c(0, head, (size_t)n),
        .mapping = crc32c(0, mapping.p, mapping.n),
        .server = server,
    };
    return 0;
}

static uint64_t number(const struct jval *root, const char *key)
{
    const struct jval *v = jval_get(root, key);
    uint64_t n = 0;
    return v && v->type == J_NUMBER && slice_to_u64(v->text, &n) == 0 ? n : 0;
}

static const char *difference(const struct jval *root, const struct import_state *s)
{
    const struct jval *server = jval_get(root, "server");
    if (number(root, "size") != s->size || number(root, "changed") != s->changed_us ||
        number(root, "head") != s->head)
        return "the table was changed since";
    if (number(root, "mapping") != s->mapping)
        return "the mapping was changed since";
    if (!server || !slice_is(jval_string(server), s->server))
        return "it went to another server";
    return NULL;
}

int import_state_read(const char *path, struct import_state *state, const char **ret_why)
{
    struct buf text = {0};
    struct jval *root = NULL;
    struct arena *a = arena_new();
    int found = 0;
    *ret_why = NULL;
    if (a && file_read(path, STATE_MAX, &text) == 0) {
        *ret_why = "it cannot be read";
        if (jdoc_parse(a, buf_slice(&text), &root, NULL) == 0 && root->type == J_OBJECT)
            *ret_why = difference(root, state);
        found = *ret_why == NULL;
    }
    if (found) {
        state->rows = number(root, "rows");
        state->accepted = number(root, "accepted");
        state->refused = number(root, "refused");
        state->errors = number(root, "errors");
    }
    arena_free(a);
    buf_release(&text);
    return found;
}

int import_state_write(const char *path, const struct import_state *s)
{
    struct buf b = {0};
    struct json_writer w;
    const struct {
        const char *key;
        uint64_t n;
    } numbers[] = {{"size", s->size},       {"changed", s->changed_us}, {"head", s->head},
                   {"mapping", s->mapping}, {"rows", s->rows},          {"accepted", s->accepted},
                   {"refused", s->refused}, {"errors", s->errors}};
    json_writer_init(&w, &b, 2);
    json_open(&w, '{');
    json_key(&w, "server");
    json_put_cstr(&w, s->server);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        json_key(&w, numbers[i].key);
        json_put_uint(&w, numbers[i].n);
    }
    json_close(&w, '}');
    buf_add_byte(&b, '\n');
    int err = b.failed ? ERR_NOMEM : file_write(path, buf_slice(&b), 0644);
    buf_release(&b);
    return err;
}
