/* json_doc.c - the document: built from the events of the pull reader, looked up, written.
 *
 * A duplicate member is looked for when its object closes: among few by comparing, among many by
 * a hash.  So a fault of syntax inside an object is told before a duplicate in it. */
#include "base/err.h"
#include "codec/json_internal.h"

#include <inttypes.h>

struct parser {
    struct arena *arena;
    struct json_reader reader;
    struct jval *root, *open; /* open: the innermost object or array */
    struct slice key;         /* of the member whose value comes next */
    size_t key_offset;
    struct json_error *error; /* may be NULL */
};

/* ---- errors ---- */

void json_position(struct slice text, size_t offset, int *ret_line, int *ret_column)
{
    int line = 1, column = 1;
    if (offset > text.n)
        offset = text.n;
    for (size_t i = 0; i < offset; i++) {
        char c = text.p[i];
        bool pair = c == '\r' && i + 1 < text.n && text.p[i + 1] == '\n';
        if (c == '\n' || (c == '\r' && !pair)) {
            line++;
            column = 1;
        } else if (((unsigned char)c & 0xc0) != 0x80) { /* continuation bytes are no characters */
            column++;
        }
    }
    *ret_line = line;
    *ret_column = column;
}

/* A step of a pointer; RFC 6901 writes ~ as ~0 and / as ~1. */
static void add_step(struct buf *out, struct slice key)
{
    buf_add_byte(out, '/');
    for (size_t i = 0; i < key.n; i++) {
        if (key.p[i] == '~')
            buf_add_str(out, "~0");
        else if (key.p[i] == '/')
            buf_add_str(out, "~1");
        else
            buf_add_byte(out, (unsigned char)key.p[i]);
    }
}

static void add_index(struct buf *out, size_t index)
{
    buf_add_byte(out, '/');
    buf_add_u64(out, index);
}

static void set_error(struct parser *p, size_t offset, const char *message,
                      const struct buf *pointer)
{
    struct json_error *e = p->error;
    e->offset = offset;
    e->message = message;
    json_position(p->reader.input, offset, &e->line, &e->column);
    size_t n = pointer->n;
    if (n >= sizeof e->pointer) { /* cut, but not inside a character */
        n = sizeof e->pointer - 1;
        while (n && ((unsigned char)pointer->p[n] & 0xc0) == 0x80)
            n--;
    }
    if (n)
        memcpy(e->pointer, pointer->p, n);
    e->pointer[n] = 0;
}

/* The reader stopped: the fault belongs to the value that was to come, else to what is open. */
static void syntax_error(struct parser *p)
{
    if (!p->error)
        return;
    const struct json_reader *r = &p->reader;
    unsigned state = r->state & ~(unsigned)JSON_STATE_FAILED;
    bool value = state == JSON_STATE_VALUE || state == JSON_STATE_FIRST_ELEMENT;
    struct buf pointer = {0};
    if (p->open)
        jval_path(&pointer, p->open);
    if (value && p->open && p->open->type == J_OBJECT)
        add_step(&pointer, p->key);
    else if (value && p->open)
        add_index(&pointer, p->open->count);
    set_error(p, r->at, r->error, &pointer);
    buf_release(&pointer);
}

static void duplicate_error(struct parser *p, const struct jval *first, const struct jval *second)
{
    if (!p->error)
        return;
    enum { SHOWN = 64 };
    struct buf name = {0}, pointer = {0};
    struct slice key = second->key;
    const char *more = key.n > SHOWN ? "..." : "";
    if (key.n > SHOWN) {
        key.n = SHOWN;
        while (key.n && ((unsigned char)key.p[key.n] & 0xc0) == 0x80)
            key.n--;
    }
    json_quote(&name, key);
    jval_path(&pointer, second);
    int line, column;
    json_position(p->reader.input, first->key_offset, &line, &column);
    const char *message =
        arena_printf(p->arena, "the member %.*s%s is here a second time; the first is at %d:%d",
                     SLICE_ARG(buf_slice(&name)), more, line, column);
    set_error(p, second->key_offset, message ? message : "this member is here a second time",
              &pointer);
    buf_release(&name);
    buf_release(&pointer);
}

/* ---- parsing ---- */

static int check_few(struct parser *p)
{
    for (const struct jval *m = p->open->first; m; m = m->next) {
        for (const struct jval *before = p->open->first; before != m; before = before->next) {
            if (slice_eq(before->key, m->key)) {
                duplicate_error(p, before, m);
                return ERR_MALFORMED;
            }
        }
    }
    return 0;
}

static int check_many(struct parser *p)
{
    struct map seen = {0};
    int rc = 0;
    for (struct jval *m = p->open->first; m && !rc; m = m->next) {
        void *before = NULL;
        rc = map_put(&seen, m->key, m, &before);
        if (!rc && before) {
            duplicate_error(p, before, m);
            rc = ERR_MALFORMED;
        }
    }
    map_release(&seen);
    return rc;
}

static int close_value(struct parser *p)
{
    int rc = 0;
    if (p->open->type == J_OBJECT)
        rc = p->open->count > JSON_LINEAR ? check_many(p) : check_few(p);
    p->open = p->open->parent;
    return rc;
}

void jval_link(struct jval *parent, struct jval *v)
{
    v->parent = parent;
    v->prev = parent->last;
    v->next = NULL;
    if (parent->last)
        parent->last->next = v;
    else
        parent->first = v;
    parent->last = v;
    parent->count++;
}

static int add_value(struct parser *p, enum json_event event)
{
    static const struct {
        enum jtype type;
        uint8_t n; /* bytes of the token, where it is not r->text */
    } kinds[] = {
        [JSON_OBJECT] = {J_OBJECT, 1}, [JSON_ARRAY] = {J_ARRAY, 1}, [JSON_STRING] = {J_STRING, 0},
        [JSON_NUMBER] = {J_NUMBER, 0}, [JSON_TRUE] = {J_BOOL, 4},   [JSON_FALSE] = {J_BOOL, 5},
        [JSON_NULL] = {J_NULL, 4},
    };
    const struct json_reader *r = &p->reader;
    struct jval *v = arena_zalloc(p->arena, sizeof *v);
    if (!v)
        return ERR_NOMEM;
    v->type = kinds[event].type;
    v->boolean = event == JSON_TRUE;
    v->offset = r->at - kinds[event].n;
    if (v->type == J_STRING || v->type == J_NUMBER) {
        v->text = json_unescape(p->arena, r->text, r->escaped);
        if (!v->text.p)
            return ERR_NOMEM;
        v->offset = (size_t)(r->text.p - r->input.p) - (v->type == J_STRING);
    }
    v->key = p->key;
    v->key_offset = p->key_offset;
    p->key = slice_of(NULL, 0);
    p->key_offset = SIZE_MAX;
    if (p->open)
        jval_link(p->open, v);
    else
        p->root = v;
    if (v->type == J_OBJECT || v->type == J_ARRAY)
        p->open = v;
    return 0;
}

static int take_key(struct parser *p)
{
    const struct json_reader *r = &p->reader;
    p->key = json_unescape(p->arena, r->text, r->escaped);
    p->key_offset = (size_t)(r->text.p - r->input.p) - 1;
    return p->key.p ? 0 : ERR_NOMEM;
}

int jdoc_parse(struct arena *a, struct slice text, struct jval **ret, struct json_error *ret_error)
{
    struct parser p = {.arena = a, .key_offset = SIZE_MAX, .error = ret_error};
    json_reader_init(&p.reader, text);
    for (;;) {
        enum json_event event;
        int rc = json_next(&p.reader, &event);
        if (rc) {
            syntax_error(&p);
            return rc;
        }
        if (event == JSON_END)
            break;
        if (event == JSON_KEY)
            rc = take_key(&p);
        else if (event == JSON_OBJECT_END || event == JSON_ARRAY_END)
            rc = close_value(&p);
        else
            rc = add_value(&p, event);
        if (rc)
            return rc;
    }
    *ret = p.root;
    return 0;
}

/* ---- looking up ---- */

struct jval *jval_get_slice(const struct jval *object, struct slice key)
{
    if (!object || object->type != J_OBJECT)
        return NULL;
    struct jval *m = object->first;
    while (m && !slice_eq(m->key, key))
        m = m->next;
    return m;
}

struct jval *jval_get(const struct jval *object, const char *key)
{
    return jval_get_slice(object, slice_str(key));
}

void jval_index_make(struct jval_index *index, const struct jval *object)
{
    *index = (struct jval_index){.there = true};
    for (struct jval *m = object->first; m && index->there; m = m->next)
        index->there = !map_put(&index->map, m->key, m, NULL);
    if (!index->there)
        map_release(&index->map);
}

struct jval *jval_find(const struct jval *object, const struct jval_index *index, struct slice key)
{
    return index->there ? map_get(&index->map, key) : jval_get_slice(object, key);
}

struct jval *jval_at(const struct jval *array, size_t index)
{
    if (!array || array->type != J_ARRAY || index >= array->count)
        return NULL;
    struct jval *v = array->first;
    while (index--)
        v = v->next;
    return v;
}

/* Does a step of a pointer, with ~0 and ~1 in it, name this key?  A ~ before anything else is
 * no pointer at all and names nothing. */
static bool step_is(struct slice step, struct slice key)
{
    size_t at = 0;
    for (size_t i = 0; i < step.n; i++, at++) {
        char c = step.p[i];
        if (c == '~') {
            char escape = ++i < step.n ? step.p[i] : 0;
            if (escape != '0' && escape != '1')
                return false;
            c = escape == '0' ? '~' : '/';
        }
        if (at >= key.n || key.p[at] != c)
            return false;
    }
    return at == key.n;
}

static struct jval *step_into(const struct jval *v, struct slice step)
{
    if (v->type == J_OBJECT) {
        struct jval *m = v->first;
        while (m && !step_is(step, m->key))
            m = m->next;
        return m;
    }
    uint64_t index;
    if (v->type != J_ARRAY || (step.n > 1 && step.p[0] == '0') || slice_to_u64(step, &index))
        return NULL;
    return jval_at(v, index);
}

struct jval *jval_pointer(struct jval *root, const char *pointer)
{
    struct slice rest = slice_str(pointer), step;
    if (!rest.n)
        return root;
    if (rest.p[0] != '/')
        return NULL;
    rest = slice_skip(rest, 1);
    while (root && slice_cut(&rest, '/', &step))
        root = step_into(root, step);
    return root;
}

struct slice jval_string(const struct jval *v)
{
    return v && v->type == J_STRING ? v->text : slice_of(NULL, 0);
}

bool jval_number(const struct jval *v, double *ret)
{
    struct value number;
    if (!v || v->type != J_NUMBER || json_number(v->text, &number))
        return false;
    *ret = value_as_double(number);
    return true;
}

void jval_path(struct buf *out, const struct jval *v)
{
    if (!v->parent)
        return;
    jval_path(out, v->parent);
    if (v->parent->type == J_OBJECT) {
        add_step(out, v->key);
        return;
    }
    size_t index = 0;
    for (const struct jval *at = v->parent->first; at != v; at = at->next)
        index++;
    add_index(out, index);
}

/* ---- writing ---- */

void jval_write(struct json_writer *w, const struct jval *v)
{
    bool object = v->type == J_OBJECT;
    switch (v->type) {
    case J_NULL:
        json_put_null(w);
        return;
    case J_BOOL:
        json_put_bool(w, v->boolean);
        return;
    case J_NUMBER:
        json_put_raw(w, v->text);
        return;
    case J_STRING:
        json_put_string(w, v->text);
        return;
    case J_ARRAY:
    case J_OBJECT:
        json_open(w, object ? '{' : '[');
        for (const struct jval *child = v->first; child; child = child->next) {
            if (object)
                json_key_slice(w, child->key);
            jval_write(w, child);
        }
        json_close(w, object ? '}' : ']');
    }
}
