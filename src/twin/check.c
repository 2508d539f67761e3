/* profile_check(): the walk along the structure, then what members mean for each other. */
#include "twin/check.h"

#include "base/clock.h"
#include "base/err.h"
#include "twin/type.h"

static int say_no_json(struct arena *a, const struct json_error *e, struct findings *ret)
{
    struct finding *f = arena_zalloc(a, sizeof *f);
    if (!f)
        return ERR_NOMEM;
    f->rule = "json";
    f->severity = SEVERITY_ERROR;
    f->core = true;
    f->line = e->line;
    f->column = e->column;
    f->pointer = arena_strndup(a, e->pointer, strlen(e->pointer));
    f->message = arena_printf(a, "This is not JSON: %s. Correct the text in line %d, column %d.",
                              e->message, e->line, e->column);
    if (!f->pointer || !f->message)
        return ERR_NOMEM;
    *ret = (struct findings){f, 1, 1, 1, 0};
    return 0;
}

int profile_check(struct arena *a, struct slice text, struct jval **ret_root, struct findings *ret)
{
    struct json_error e;
    struct jval *root = NULL;
    int err = jdoc_parse(a, text, &root, &e);
    if (err == ERR_NOMEM)
        return err;
    err = err ? say_no_json(a, &e, ret) : profile_check_doc(a, root, text, ret);
    if (!err)
        *ret_root = root;
    return err;
}

int profile_check_doc(struct arena *a, struct jval *root, struct slice text, struct findings *ret)
{
    return profile_check_as(a, root, text, &(struct type_eyes){0}, ret);
}

int profile_check_as(struct arena *a, struct jval *root, struct slice text,
                     const struct type_eyes *eyes, struct findings *ret)
{
    struct check c = {.arena = a, .root = root, .now_us = clock_now_us()};
    if (root->type != J_OBJECT) {
        check_error(&c, "json", root, "The text is %s: a profile is a JSON object, { … }.",
                    check_show(&c, root));
    } else {
        check_members(&c, root, profile_fields);
        check_relations(&c);
        check_types(&c, eyes);
    }
    int err = check_finish(&c, text, ret);
    map_release(&c.sensor_ids);
    map_release(&c.sensor_types);
    return err;
}
