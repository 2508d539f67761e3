/* Fuzz target: any bytes as a JSON text, through the reader and the document. */
#include "base/err.h"
#include "base/utf8.h"
#include "codec/json.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the C library says of a number, which must be what we say. */
static void check_number(struct slice text)
{
    struct value v;
    if (text.n > 400 || json_number(text, &v))
        return;
    char copy[401];
    memcpy(copy, text.p, text.n);
    copy[text.n] = 0;
    assert(value_as_double(v) == strtod(copy, NULL));
}

static int read_all(struct json_reader *r, struct slice text)
{
    enum json_event event;
    size_t before = 0;
    json_reader_init(r, text);
    for (;;) {
        int rc = json_next(r, &event);
        if (rc || event == JSON_END)
            return rc;
        assert(r->at > before && r->at <= text.n && r->depth <= JSON_DEPTH);
        before = r->at;
        if (event == JSON_NUMBER)
            check_number(r->text);
    }
}

/* Skipping the whole must find the same faults as reading it. */
static void check_skip(struct slice text, int rc, size_t at)
{
    struct json_reader r;
    enum json_event event;
    json_reader_init(&r, text);
    int skipped = json_next(&r, &event);
    if (!skipped)
        skipped = json_skip(&r, event);
    if (!skipped)
        skipped = json_next(&r, &event);
    assert(skipped == rc && r.at == at);
}

static void write_out(struct buf *out, const struct jval *v, uint8_t indent)
{
    struct json_writer w;
    json_writer_init(&w, out, indent);
    jval_write(&w, v);
    assert(!out->failed);
}

static void check_written(struct arena *a, const struct jval *v, uint8_t indent)
{
    struct buf once = {0}, twice = {0};
    struct jval *again = NULL;
    write_out(&once, v, indent);
    assert(!jdoc_parse(a, buf_slice(&once), &again, NULL));
    assert(jval_equal(v, again) && jval_equal(again, v));
    write_out(&twice, again, indent);
    assert(slice_eq(buf_slice(&once), buf_slice(&twice)));
    buf_release(&once);
    buf_release(&twice);
}

/* The path of each value leads to it; its offset is where it begins. */
static void check_paths(struct jval *root, const struct jval *v, struct slice text, int *budget)
{
    static const char begins[] = {
        [J_NULL] = 'n', [J_STRING] = '"', [J_ARRAY] = '[', [J_OBJECT] = '{'};
    struct buf path = {0};
    jval_path(&path, v);
    bool whole = !path.n || !memchr(path.p, 0, path.n); /* a pointer is a C string here */
    buf_add_byte(&path, 0);
    assert(!whole || jval_pointer(root, path.p) == v);
    buf_release(&path);
    assert(v->type == J_BOOL || v->type == J_NUMBER || text.p[v->offset] == begins[v->type]);
    size_t count = 0;
    const struct jval *prev = NULL;
    for (const struct jval *child = v->first; child; prev = child, child = child->next, count++) {
        assert(child->parent == v && child->prev == prev);
        assert(v->type == J_ARRAY || text.p[child->key_offset] == '"');
        if (--*budget > 0)
            check_paths(root, child, text, budget);
    }
    assert(count == v->count && v->last == prev);
}

/* A patch over itself changes nothing more, and over nothing leaves no nulls. */
static void check_patch(struct arena *a, struct jval *v)
{
    struct jval *old = v->type == J_OBJECT && v->first ? jval_copy(a, v->first) : NULL;
    struct jval *once = jval_merge_patch(a, old, v);
    assert(once);
    struct jval *copy = jval_copy(a, once), *twice = jval_merge_patch(a, copy, v);
    assert(twice && jval_equal(once, twice));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_of((const char *)data, size);
    struct arena *a = arena_new();
    struct json_reader r;
    struct json_error e = {0};
    struct jval *v = NULL;
    int read = read_all(&r, text), parsed = jdoc_parse(a, text, &v, &e);
    check_skip(text, read, r.at);
    assert(!read || (read == ERR_MALFORMED && r.error && r.at <= size));
    if (parsed && strstr(e.message, "a second time")) {
        assert(parsed == ERR_MALFORMED && e.offset < r.at && text.p[e.offset] == '"' && !v);
    } else if (read || parsed) {
        assert(parsed == read && e.offset == r.at && e.message == r.error && !v);
    } else {
        int budget = 300;
        assert(utf8_valid(text));
        check_written(a, v, 0);
        check_written(a, v, 2);
        check_paths(v, v, text, &budget);
        struct jval *copy = jval_copy(a, v);
        assert(copy && jval_equal(v, copy));
        check_patch(a, v);
        assert(jval_equal(v, copy)); /* the patch itself was left alone */
    }
    if (parsed)
        assert(e.line >= 1 && e.column >= 1 && memchr(e.pointer, 0, sizeof e.pointer));
    arena_free(a);
    return 0;
}
