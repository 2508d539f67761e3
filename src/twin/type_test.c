/* Tests of types: what they have from each other, what a profile gets from them, and what is found
 * where a twin is not as its types say. */
#include "twin/type.h"

#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct arena *a;

static int setup(void **state)
{
    (void)state;
    a = arena_new();
    return !a;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(a);
    return 0;
}

/* ' for " */
static struct jval *parse(const char *text)
{
    char *copy = arena_strndup(a, text, strlen(text));
    struct jval *root = NULL;
    struct json_error where;
    for (char *p = copy; *p; p++)
        if (*p == '\'')
            *p = '"';
    if (jdoc_parse(a, slice_str(copy), &root, &where))
        fail_msg("%s: %s", text, where.message);
    return root;
}

static const char *write(const struct jval *v)
{
    struct buf b = {0};
    struct json_writer w;
    json_writer_init(&w, &b, 0);
    jval_write(&w, v);
    char *text = arena_strndup(a, b.p, b.n);
    buf_release(&b);
    return text;
}

static struct type_set *set_of(const char *list)
{
    const struct jval *docs[64];
    size_t n = 0;
    struct type_set *set = NULL;
    for (const struct jval *v = parse(list)->first; v; v = v->next)
        docs[n++] = v;
    assert_int_equal(type_set_new(docs, n, &set), 0);
    return set;
}

static const struct twin_type *get(const struct type_set *set, const char *id)
{
    const struct twin_type *t = type_set_get(set, slice_str(id));
    assert_non_null(t);
    return t;
}

static const char family[] =
    "[{'id':'Pump','extends':['Machine','Asset'],'name':'Pump','sensors':[{'id':'flow','type':"
    "'flow','unit':'l/min'},{'id':'temp','unit':'degF','normalRange':[10,60]}],'commands':[{'name':"
    "'prime'}],'relationships':[{'kind':'feeds','target':'Machine','min':1,'max':2}],'defaults':"
    "{'subjectOf':{'model':'P'}}},"
    "{'id':'Machine','sensors':[{'id':'temp','name':'Temperature','type':'temperature','unit':"
    "'celsius','normalRange':[0,50]}],'commands':[{'name':'stop'}],'settings':[{'name':'interval'}]"
    ","
    "'defaults':{'subjectOf':{'manufacturer':'Acme','model':'M'}}},"
    "{'id':'Asset','extends':'Thing','defaults':{'subjectOf':{'model':'A','owner':'us'}}},"
    "{'id':'Thing','doppel:source':1,'defaults':{'note':'n'}}]";

static void a_type_has_what_it_extends_has(void **state)
{
    (void)state;
    struct type_set *set = set_of(family);
    const struct twin_type *pump = get(set, "Pump");
    assert_null(pump->problem);
    assert_string_equal(
        write(pump->resolved),
        write(parse(
            "{'sensors':[{'id':'temp','name':'Temperature','type':'temperature','unit':'degF',"
            "'normalRange':[10,60]},{'id':'flow','type':'flow','unit':'l/"
            "min'}],'commands':[{'name':"
            "'stop'},{'name':'prime'}],'settings':[{'name':'interval'}],'id':'Pump','extends':["
            "'Machine','Asset'],'name':'Pump','relationships':[{'kind':'feeds','target':'Machine',"
            "'min':1,'max':2}],'defaults':{'subjectOf':{'manufacturer':'Acme','model':'P','owner':"
            "'us'},'note':'n'}}")));
    assert_true(type_is(set, SLICE_LIT("Pump"), SLICE_LIT("Thing")));
    assert_true(type_is(set, SLICE_LIT("Pump"), SLICE_LIT("Pump")));
    assert_true(type_is(set, SLICE_LIT("Nobody"), SLICE_LIT("Nobody")));
    assert_false(type_is(set, SLICE_LIT("Machine"), SLICE_LIT("Pump")));
    assert_false(type_is(set, SLICE_LIT("Nobody"), SLICE_LIT("Pump")));
    struct type_set *held = type_set_ref(set);
    type_set_unref(set);
    assert_string_equal(write(jval_get(get(held, "Thing")->resolved, "doppel:source")), "1");
    type_set_unref(held);
}

static const struct {
    const char *types, *says, *pointer;
} troubles[] = {
    {"[{'id':'A','extends':'B'}]", "B, which is not there", "/extends"},
    {"[{'id':'A','extends':'A'}]", "A extends itself", "/extends"},
    {"[{'id':'A','extends':'B'},{'id':'B','extends':['C']},{'id':'C','extends':'A'}]",
     "A extends itself", "/extends"},
    {"[{'id':'A','extends':'B'},{'id':'B','extends':'B'}]", "leads into a circle", "/extends"},
    {"[{'id':'A','extends':['B','C']},{'id':'B','sensors':[{'id':'s','unit':'m'}]},{'id':'C',"
     "'sensors':[{'id':'s','unit':'kg'}]}]",
     "do not agree about unit of s", "/extends"},
    {"[{'id':'A','extends':['B','C']},{'id':'B','defaults':{'x':{'y':1}}},{'id':'C','defaults':"
     "{'x':{'y':2}}}]",
     "do not agree about y of defaults", "/extends"},
    {"[{'id':'A','extends':'B','sensors':[{'id':'x'},{'id':'s','unit':'kg'}]},{'id':'B','sensors':"
     "[{'id':'s','unit':'m'}]}]",
     "has the unit \"kg\" here, and \"m\"", "/sensors/1/unit"},
    {"[{'id':'A','extends':'B','sensors':[{'id':'s','type':'mass'}]},{'id':'B','sensors':[{'id':"
     "'s','type':'length'}]}]",
     "has the type \"mass\" here", "/sensors/0/type"},
};

static void what_contradicts_is_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof troubles / sizeof troubles[0]; i++) {
        struct type_set *set = set_of(troubles[i].types);
        const struct twin_type *t = get(set, "A");
        assert_null(t->resolved);
        assert_non_null(t->problem);
        if (!strstr(t->problem, troubles[i].says))
            fail_msg("%s: %s", troubles[i].types, t->problem);
        assert_string_equal(t->pointer, troubles[i].pointer);
        type_set_unref(set);
    }
}

static void the_type_itself_settles_what_others_dispute(void **state)
{
    (void)state;
    struct type_set *set =
        set_of("[{'id':'A','extends':['B','C'],'sensors':[{'id':'s','unit':'mm'}]},{'id':'B',"
               "'sensors':[{'id':'s','unit':'m'}]},{'id':'C','sensors':[{'id':'s','unit':'cm'}]}]");
    assert_string_equal(write(jval_get(get(set, "A")->resolved, "sensors")),
                        "[{\"id\":\"s\",\"unit\":\"mm\"}]");
    type_set_unref(set);
}

static void depth_has_a_limit(void **state)
{
    (void)state;
    struct buf b = {0};
    buf_add_str(&b, "[{'id':'T0'}");
    for (int i = 1; i < 40; i++)
        buf_addf(&b, ",{'id':'T%d','extends':'T%d'}", i, i - 1);
    buf_add(&b, "]", 2);
    struct type_set *set = set_of(b.p);
    assert_non_null(get(set, "T16")->resolved);
    assert_non_null(strstr(get(set, "T17")->problem, "16 types above"));
    assert_null(get(set, "T39")->resolved);
    type_set_unref(set);
    buf_clear(&b);
    buf_add_str(&b, "[{'id':'T39','extends':'T38'}"); /* the lowest first */
    for (int i = 38; i > 0; i--)
        buf_addf(&b, ",{'id':'T%d','extends':'T%d'}", i, i - 1);
    buf_add(&b, ",{'id':'T0'}]", 14);
    set = set_of(b.p);
    assert_non_null(get(set, "T16")->resolved);
    assert_null(get(set, "T17")->resolved);
    type_set_unref(set);
    buf_release(&b);
}

/* ---- documents ---- */

static const struct {
    const char *doc, *rule, *pointer, *says;
} wrong[] = {
    {"[]", "type", "", "JSON object"},
    {"{'name':'x'}", "type", "", "Add \"id\" to the type"},
    {"{'id':'a b'}", "type", "/id", "a space"},
    {"{'id':'A','extends':[]}", "type.extends", "/extends", "at most 16"},
    {"{'id':'A','sensors':{}}", "type.list", "/sensors", "a list of objects"},
    {"{'id':'A','sensors':[{'name':'x'}]}", "type.list", "/sensors/0", "Add \"id\""},
    {"{'id':'A','sensors':[{'id':'s'},{'id':'s'}]}", "type.list", "/sensors/1", "twice"},
    {"{'id':'A','commands':[{'name':'s','input':1}]}", "type.list", "/commands/0/input", "object"},
    {"{'id':'A','settings':[{}]}", "type.list", "/settings/0", "Add \"name\""},
    {"{'id':'A','relationships':[{'kind':'f','min':3,'max':2}]}", "type.list", "/relationships/0",
     "at least 3"},
    {"{'id':'A','relationships':[{'kind':'f','target':'B'},{'kind':'f','target':'B'}]}",
     "type.list", "/relationships/1", "twice"},
    {"{'id':'A','defaults':[]}", "type.defaults", "/defaults", "object"},
    {"{'id':'A','defaults':{'identifier':{}}}", "type.defaults", "/defaults/identifier", "Take"},
};

static void a_document_is_checked(void **state)
{
    (void)state;
    struct findings f;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(type_check(a, parse(wrong[i].doc), slice_of(NULL, 0), &f), 0);
        assert_int_equal(f.errors, 1);
        assert_string_equal(f.items[0].rule, wrong[i].rule);
        assert_string_equal(f.items[0].pointer, wrong[i].pointer);
        if (!strstr(f.items[0].message, wrong[i].says))
            fail_msg("%s: %s", wrong[i].doc, f.items[0].message);
    }
    for (const struct jval *v = parse(family)->first; v; v = v->next) {
        assert_int_equal(type_check(a, v, slice_of(NULL, 0), &f), 0);
        assert_int_equal(f.n, 0);
    }
}

/* ---- twins ---- */

static int is_of(void *arg, struct slice twin, struct slice type)
{
    (void)arg;
    return slice_is(twin, "gone") ? -1 : slice_is(twin, "machine") && slice_is(type, "Machine");
}

static struct findings judge(const struct type_set *set, struct jval *root)
{
    struct findings f;
    const struct type_eyes eyes = {.set = set, .is_of = is_of};
    assert_int_equal(profile_check_as(a, root, slice_of(NULL, 0), &eyes, &f), 0);
    return f;
}

static size_t count(const struct findings *f, const char *rule, const char **ret_message)
{
    size_t n = 0;
    for (size_t i = 0; i < f->n; i++)
        if (strncmp(f->items[i].rule, rule, strlen(rule)) == 0) {
            n++;
            *ret_message = f->items[i].message;
        }
    return n;
}

static void an_instance_is_as_its_type_says(void **state)
{
    (void)state;
    const struct profile_defaults defaults = {"mqtt://127.0.0.1/twins/"};
    struct type_set *set = set_of(family);
    const char *const *filled = NULL;
    const char *message;
    struct jval *root = type_instance(a, get(set, "Pump"), SLICE_LIT("p-1"),
                                      parse("{'name':'First','doppel:relationships':[{'kind':"
                                            "'feeds','target':'machine'}]}"));
    assert_int_equal(type_fill(a, set, root, &filled), 0);
    assert_string_equal(filled[0], "/sensors/0");
    assert_int_equal(profile_fill(a, root, &defaults, &filled), 0);
    struct findings f = judge(set, root);
    assert_int_equal(f.core_errors, 0);
    if (count(&f, "type.", &message))
        fail_msg("%s", message);
    assert_string_equal(write(jval_get(root, "name")), "\"First\"");
    assert_string_equal(write(jval_get(jval_get(root, "subjectOf"), "manufacturer")), "\"Acme\"");
    assert_string_equal(write(jval_get(root, "note")), "\"n\"");
    assert_int_equal(jval_get(root, "sensors")->count, 2);
    struct jval *same = jval_copy(a, root);
    assert_int_equal(type_fill(a, set, root, &filled), 0);
    assert_true(jval_equal(same, root)); /* once is enough */
    type_set_unref(set);
}

static const struct {
    const char *patch, *rule, *says;
} misfits[] = {
    {"{'sensors':[{'id':'flow','name':'f','type':'flow','unit':'l/min'}]}", "type.sensor",
     "a sensor \"temp\""},
    {"{'sensors':[{'id':'flow','name':'f','type':'speed','unit':'l/min'},{'id':'temp','name':'t',"
     "'type':'Temperature','unit':'kelvin'}]}",
     "type.sensor.type", "measures \"speed\""},
    {"{'sensors':[{'id':'flow','name':'f','type':'flow','unit':'kg'},{'id':'temp','name':'t',"
     "'type':'temperature','unit':'kelvin'}]}",
     "type.sensor.unit", "does not convert"},
    {"{'doppel:commands':[{'name':'stop'}]}", "type.command", "\"prime\""},
    {"{'doppel:settings':null}", "type.setting", "\"interval\""},
    {"{'doppel:relationships':null}", "type.relationship", "at least 1"},
    {"{'doppel:relationships':[{'kind':'feeds','target':'machine'},{'kind':'feeds','target':"
     "'machine','id':'b'},{'kind':'feeds','target':'machine','id':'c'}]}",
     "type.relationship", "at most 2"},
    {"{'doppel:twinType':['Pump','Nobody']}", "type.unknown", "no type Nobody"},
};

static void misfits_are_found(void **state)
{
    (void)state;
    struct type_set *set = set_of(family);
    const char *message = "";
    for (size_t i = 0; i < sizeof misfits / sizeof misfits[0]; i++) {
        const char *const *filled = NULL;
        struct jval *root = type_instance(a, get(set, "Pump"), SLICE_LIT("p-1"),
                                          parse("{'doppel:relationships':[{'kind':'feeds',"
                                                "'target':'gone'}]}"));
        assert_int_equal(type_fill(a, set, root, &filled), 0);
        root = jval_merge_patch(a, root, parse(misfits[i].patch));
        struct findings f = judge(set, root);
        if (count(&f, "type.", &message) != 1 || count(&f, misfits[i].rule, &message) != 1 ||
            !strstr(message, misfits[i].says))
            fail_msg("%s: %s", misfits[i].patch, message);
    }
    struct jval *root = type_instance(a, get(set, "Pump"), SLICE_LIT("p-1"),
                                      parse("{'doppel:relationships':[{'kind':'feeds','target':"
                                            "'machine'},{'kind':'feeds','target':'lamp'}]}"));
    const char *const *filled = NULL;
    assert_int_equal(type_fill(a, set, root, &filled), 0);
    struct findings f = judge(set, root);
    assert_int_equal(count(&f, "type.relationship", &message), 1);
    assert_non_null(strstr(message, "lamp is none"));
    type_set_unref(set);
}

static void a_list_is_put_in_order(void **state)
{
    (void)state;
    struct jval *list = types_in_order(
        a,
        parse("[{'id':'C','extends':'B'},{'id':'X','extends':'Y'},{'id':'B','extends':['A','Z']},"
              "{'id':'Y','extends':'X'},{'id':'A'},{'id':'S','extends':'S'},{'n':1}]"));
    const char *wanted[] = {"A", "S", NULL, "B", "C", "X", "Y"};
    size_t n = 0;
    for (const struct jval *v = list->first; v; v = v->next, n++)
        assert_true(slice_eq(jval_string(jval_get(v, "id")), slice_str(wanted[n])));
    assert_int_equal(n, 7);
}

static void the_document_has_every_rule(void **state)
{
    (void)state;
    char text[65536], row[512];
    FILE *f = fopen("docs/graph.md", "r");
    assert_non_null(f);
    size_t n = fread(text, 1, sizeof text - 1, f);
    text[n] = 0;
    fclose(f);
    for (const struct profile_rule *r = type_rules; r->id; r++) {
        snprintf(row, sizeof row, "| `%s` | %s |", r->id,
                 r->severity == SEVERITY_ERROR ? "error" : "warning");
        if (!strstr(text, row))
            fail_msg("docs/graph.md lacks %s", row);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_type_has_what_it_extends_has, setup, teardown),
        cmocka_unit_test_setup_teardown(what_contradicts_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(the_type_itself_settles_what_others_dispute, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(depth_has_a_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(a_document_is_checked, setup, teardown),
        cmocka_unit_test_setup_teardown(an_instance_is_as_its_type_says, setup, teardown),
        cmocka_unit_test_setup_teardown(misfits_are_found, setup, teardown),
        cmocka_unit_test_setup_teardown(a_list_is_put_in_order, setup, teardown),
        cmocka_unit_test(the_document_has_every_rule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
