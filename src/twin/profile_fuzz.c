/* Fuzz target: any bytes as a profile.  Checked, filled, checked again, read, levels asked for. */
#include "twin/profile.h"
#include "twin/units.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct profile_defaults defaults = {"mqtt://127.0.0.1:1883/twins/"};

static void is_sound(const struct findings *f, struct jval *root, struct slice text)
{
    size_t errors = 0, core = 0;
    int line = 0, column = 0;
    assert(f->n <= 1000);
    for (size_t i = 0; i < f->n; i++) {
        const struct finding *item = &f->items[i];
        errors += item->severity == SEVERITY_ERROR;
        core += item->severity == SEVERITY_ERROR && item->core;
        assert(item->rule && item->pointer && item->message);
        if (!root)
            continue;
        const struct jval *at = jval_pointer(root, item->pointer);
        assert(at);
        if (at->offset > text.n) {
            assert(item->line == 0);
            continue;
        }
        /* in the order of the text */
        assert(item->line > line || (item->line == line && item->column >= column));
        line = item->line;
        column = item->column;
    }
    assert(errors <= f->errors && core <= f->core_errors);
    assert(f->n == 1000 || (errors == f->errors && core == f->core_errors));
}

static struct slice write(struct arena *a, const struct jval *root)
{
    struct buf b = {0};
    struct json_writer w;
    json_writer_init(&w, &b, 0);
    jval_write(&w, root);
    struct slice text = arena_dup(a, buf_slice(&b));
    buf_release(&b);
    return text;
}

static void is_read(struct arena *a, const struct jval *root)
{
    struct profile_view v;
    if (profile_read(a, root, &v))
        return;
    assert(slice_is_id(v.id) && v.interval_us >= 0 && v.retention_us >= 0);
    for (size_t i = 0; i < v.sensors_n; i++) {
        const struct sensor_spec *s = &v.sensors[i];
        double converted;
        assert(slice_is_id(s->id) && s->interval_us >= 0);
        assert(!s->has_normal || s->normal[0] < s->normal[1]);
        for (double d = -1e3; d <= 1e3; d += 250) {
            int level = sensor_level(s, value_double(d));
            assert(level >= -1 && level <= 2);
        }
        units_convert(s->unit, SLICE_LIT("celsius"), 1, &converted);
    }
}

static void is_filled(struct arena *a, struct jval *root, const struct findings *before)
{
    const char *const *pointers = NULL;
    struct findings after, again;
    struct jval *was = jval_copy(a, root);
    if (profile_fill(a, root, &defaults, &pointers))
        return;
    for (const char *const *p = pointers; *p; p++)
        assert(jval_pointer(root, *p) && !jval_pointer(was, *p));
    assert(profile_check_doc(a, root, slice_of(NULL, 0), &after) == 0);
    assert(after.core_errors == before->core_errors); /* the core is not filled in */
    assert(after.errors <= before->errors);

    struct slice text = write(a, root);
    struct jval *back = NULL;
    assert(profile_check(a, text, &back, &again) == 0 && back);
    assert(again.errors == after.errors && again.warnings == after.warnings);
    assert(profile_fill(a, root, &defaults, &pointers) == 0 && !pointers[0]);
    assert(jval_equal(root, back)); /* filling twice is filling once */
    is_sound(&again, back, text);
    is_read(a, back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new();
    struct slice text = slice_of((const char *)data, size);
    struct jval *root = NULL;
    struct findings found;
    if (!a)
        abort();
    assert(profile_check(a, text, &root, &found) == 0);
    is_sound(&found, root, text);
    if (root) {
        is_read(a, root);
        is_filled(a, root, &found);
    } else {
        assert(found.n == 1 && found.core_errors == 1);
    }
    arena_free(a);
    return 0;
}
