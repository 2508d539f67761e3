/* UDUNITS-2 reads much: it splits off one prefix after another ("cfm" is a centi-femto-metre) and
 * multiplies what stands side by side ("degrees celsius").  So a name is looked up in our table
 * first, and of what UDUNITS-2 then reads, every word must be one of its units with at most one
 * prefix. */
#include "twin/units.h"

#include "base/err.h"
#include "base/map.h"
#include "twin/unit_names.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <udunits2.h>

enum {
    NAME_MAX_BYTES = 64,
    CONVERTERS_MAX = 256, /* then all are forgotten; a plant uses a handful */
    UNITS_MAX = 1024,
};

/* What a name means.  With unit NULL it has nothing to convert. */
struct entry {
    enum unit_class class;
    ut_unit *unit;
    char *name;
};

struct converter {
    char *key; /* from, NUL, to */
    size_t key_n;
    cv_converter *cv; /* NULL: they do not convert */
    double factor;    /* applied after it */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool loaded;
static ut_system *units; /* NULL: no database */
static const char *problem;
static struct map table;      /* of struct entry: our names, for good */
static struct map seen;       /* of struct entry: what UDUNITS-2 said, bounded */
static struct map converters; /* of struct converter, bounded */

static void entry_free(struct entry *e)
{
    if (!e)
        return;
    ut_free(e->unit);
    free(e->name);
    free(e);
}

/* Keep what a name means in a map, which owns it then.  NULL when memory ran out. */
static struct entry *entry_keep(struct map *m, struct slice name, enum unit_class class,
                                ut_unit *take_unit)
{
    struct entry *e = calloc(1, sizeof *e);
    void *old = NULL;
    if (!e) {
        ut_free(take_unit);
        return NULL;
    }
    e->class = class;
    e->unit = take_unit;
    e->name = malloc(name.n + 1);
    if (!e->name)
        goto fail;
    memcpy(e->name, name.p, name.n);
    e->name[name.n] = 0;
    if (map_put(m, slice_of(e->name, name.n), e, &old))
        goto fail;
    entry_free(old);
    return e;
fail:
    entry_free(e);
    return NULL;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* One word such that UDUNITS-2 can take a prefix off it? */
static bool is_word(struct slice s)
{
    if (!s.n || !is_letter(s.p[0]) || !is_letter(s.p[s.n - 1]))
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (!is_letter(s.p[i]) && !is_digit(s.p[i]))
            return false;
    return !memchr(s.p, '(', s.n);
}

static void load_rows(const struct unit_name *row, bool symbols)
{
    for (; row->names; row++) {
        struct slice rest = slice_str(row->names), name;
        while (slice_cut(&rest, '|', &name)) {
            ut_unit *unit = row->spec && units ? ut_parse(units, row->spec, UT_UTF8) : NULL;
            enum unit_class class = !row->spec || !*row->spec     ? UNIT_NONE
                                    : strcmp(row->spec, "1") == 0 ? UNIT_COUNT
                                                                  : UNIT_MEASURE;
            struct entry *e = entry_keep(&table, name, class, unit);
            if (e && e->unit && symbols && is_word(name))
                ut_map_symbol_to_unit(e->name, UT_UTF8, e->unit); /* a name it has stays */
        }
    }
}

static void load(void)
{
    if (loaded)
        return;
    loaded = true;
    ut_set_error_message_handler(ut_ignore);
    units = ut_read_xml(NULL);
    if (!units)
        problem = "The database of UDUNITS-2 cannot be read: install libudunits2-data, or name the "
                  "file udunits2.xml in the environment variable UDUNITS2_XML_PATH";
    for (size_t i = 0; units && unit_own[i]; i++) {
        ut_unit *own = ut_new_base_unit(units);
        ut_map_name_to_unit(unit_own[i], UT_ASCII, own);
        ut_free(own);
    }
    load_rows(unit_symbols, true);
    load_rows(unit_words, false);
}

/* ---- what UDUNITS-2 reads ---- */

static bool has_unit(const char *word)
{
    ut_unit *u = ut_get_unit_by_name(units, word);
    if (!u)
        u = ut_get_unit_by_symbol(units, word);
    ut_free(u);
    return u != NULL;
}

static const char *const prefixes[] = {
    "yotta", "zetta", "exa",   "peta",  "tera", "giga", "mega",  "kilo", "hecto", "deca",  "deka",
    "deci",  "centi", "milli", "micro", "nano", "pico", "femto", "atto", "zepto", "yocto", "da",
    "Y",     "Z",     "E",     "P",     "T",    "G",    "M",     "k",    "h",     "d",     "c",
    "m",     "u",     "µ",     "μ",     "n",    "p",    "f",     "a",    "z",     "y",
};

static bool is_unit_word(struct slice word)
{
    static const char *const keywords[] = {"per", "PER", "re", "lg", "ln", "lb"};
    char text[NAME_MAX_BYTES + 1];
    memcpy(text, word.p, word.n);
    text[word.n] = 0;
    for (size_t i = 0; i < sizeof keywords / sizeof keywords[0]; i++)
        if (slice_is(word, keywords[i]))
            return true;
    if (has_unit(text))
        return true;
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
        if (slice_starts(word, prefixes[i]) && has_unit(text + strlen(prefixes[i])))
            return true;
    return false;
}

/* Superscripts and the raised dot are letters by their bytes but no part of a word. */
static size_t mark_at(struct slice s, size_t i)
{
    static const char *const marks[] = {"²", "³", "¹", "·", "⁻", "⁴", "×", "°", "⁰", "⋅"};
    for (size_t k = 0; k < sizeof marks / sizeof marks[0]; k++)
        if (slice_starts(slice_skip(s, i), marks[k]))
            return strlen(marks[k]);
    return 0;
}

static bool words_are_units(struct slice s)
{
    size_t i = 0;
    while (i < s.n) {
        size_t mark = mark_at(s, i), start = i;
        if (mark || !is_letter(s.p[i])) {
            i += mark ? mark : 1;
            continue;
        }
        size_t end = i;
        for (; i < s.n && (is_letter(s.p[i]) || is_digit(s.p[i])) && !mark_at(s, i); i++)
            if (is_letter(s.p[i]))
                end = i + 1;
        if (start && is_digit(s.p[start - 1]) && (s.p[start] == 'e' || s.p[start] == 'E'))
            continue; /* 1e-6 */
        if (!is_unit_word(slice_of(s.p + start, end - start)))
            return false;
    }
    return true;
}

static ut_unit *read_unit(struct slice name)
{
    char text[NAME_MAX_BYTES + 1];
    if (!units || !name.n || memchr(name.p, 0, name.n))
        return NULL;
    memcpy(text, name.p, name.n);
    text[name.n] = 0;
    bool degrees = slice_starts(name, "°");
    if (!degrees && !words_are_units(name))
        return NULL;
    return ut_parse(units, text, UT_UTF8);
}

/* ---- names ---- */

/* Lower case, '_', '-' and runs of spaces as one space. */
static size_t fold(struct slice s, char out[static NAME_MAX_BYTES])
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '_' || c == '-' || c == '\t')
            c = ' ';
        if (c == ' ' && (!n || out[n - 1] == ' '))
            continue;
        out[n++] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
    }
    while (n && out[n - 1] == ' ')
        n--;
    return n;
}

/* Is it the long form of a name, so that its case says nothing? */
static bool is_long_name(struct slice s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!((s.p[i] >= 'a' && s.p[i] <= 'z') || s.p[i] == ' '))
            return false;
    return s.n >= 4;
}

static struct entry *find(struct slice name)
{
    char folded[NAME_MAX_BYTES];
    name = slice_trim(name);
    if (!name.n || name.n > NAME_MAX_BYTES)
        return NULL;
    load();
    struct entry *e = map_get(&table, name);
    struct slice lower = slice_of(folded, fold(name, folded));
    if (!e && lower.n)
        e = map_get(&table, lower);
    if (e)
        return e;
    e = map_get(&seen, name);
    if (e)
        return e;
    ut_unit *unit = read_unit(name);
    if (!unit && is_long_name(lower))
        unit = read_unit(lower);
    if (seen.count >= UNITS_MAX) {
        size_t at = 0;
        while ((e = map_next(&seen, &at)))
            entry_free(e);
        map_release(&seen);
        seen = (struct map){0};
    }
    return entry_keep(&seen, name, unit ? UNIT_MEASURE : UNIT_UNKNOWN, unit);
}

enum unit_class units_class(struct slice unit)
{
    pthread_mutex_lock(&lock);
    struct entry *e = find(unit);
    enum unit_class class = e ? e->class : UNIT_UNKNOWN;
    pthread_mutex_unlock(&lock);
    return class;
}

bool units_known(struct slice unit)
{
    return units_class(unit) != UNIT_UNKNOWN;
}

const char *units_problem(void)
{
    pthread_mutex_lock(&lock);
    load();
    pthread_mutex_unlock(&lock);
    return problem;
}

/* ---- conversion ---- */

static bool has_angle(const ut_unit *unit)
{
    char text[256];
    int n = ut_format(unit, text, sizeof text, UT_ASCII | UT_DEFINITION);
    return n > 0 && (size_t)n < sizeof text && strstr(text, "rad");
}

static bool is_rate(const ut_unit *unit)
{
    ut_unit *hertz = ut_get_unit_by_name(units, "hertz");
    bool is = hertz && ut_are_convertible(unit, hertz);
    ut_free(hertz);
    return is;
}

/* For UDUNITS-2 a radian is a number, so an angle would convert to a percentage and a turn a
 * second to 6.28 hertz.  The one is refused, the other made a turn. */
static bool angle_factor(const ut_unit *from, const ut_unit *to, double *ret)
{
    bool has_from = has_angle(from), has_to = has_angle(to);
    *ret = 1;
    if (has_from == has_to)
        return true;
    if (!is_rate(from) || !is_rate(to))
        return false;
    *ret = has_from ? 1 / (2 * M_PI) : 2 * M_PI;
    return true;
}

/* The temperature that a bare letter stands for when its charge or capacity makes no sense. */
static ut_unit *as_temperature(struct slice name)
{
    name = slice_trim(name);
    if (slice_is(name, "C") || slice_is(name, "c"))
        return ut_get_unit_by_name(units, "celsius");
    if (slice_is(name, "F") || slice_is(name, "f"))
        return ut_get_unit_by_name(units, "fahrenheit");
    return NULL;
}

static cv_converter *between(ut_unit *from, ut_unit *to, double *ret_factor)
{
    if (!from || !to || !ut_are_convertible(from, to) || !angle_factor(from, to, ret_factor))
        return NULL;
    return ut_get_converter(from, to);
}

static cv_converter *make_converter(struct slice from, struct slice to, double *ret_factor)
{
    struct entry *f = find(from);
    ut_unit *copy = f && f->unit ? ut_clone(f->unit) : NULL; /* find() may forget the entry */
    struct entry *t = find(to);
    ut_unit *to_unit = t ? t->unit : NULL;
    cv_converter *cv = between(copy, to_unit, ret_factor);
    if (!cv && units) {
        ut_unit *other_from = as_temperature(from), *other_to = as_temperature(to);
        ut_unit *kelvin = ut_get_unit_by_name(units, "kelvin");
        ut_unit *a = other_from ? other_from : copy, *b = other_to ? other_to : to_unit;
        if (a && b && ut_are_convertible(a, kelvin) && ut_are_convertible(b, kelvin))
            cv = between(a, b, ret_factor);
        ut_free(kelvin);
        ut_free(other_from);
        ut_free(other_to);
    }
    ut_free(copy);
    return cv;
}

static void converter_free(struct converter *c)
{
    if (!c)
        return;
    cv_free(c->cv);
    free(c->key);
    free(c);
}

static void forget_converters(void)
{
    struct converter *c;
    size_t at = 0;
    while ((c = map_next(&converters, &at)))
        converter_free(c);
    map_release(&converters);
    converters = (struct map){0};
}

static int converter(struct slice from, struct slice to, struct converter **ret)
{
    char key[2 * NAME_MAX_BYTES + 1];
    if (from.n > NAME_MAX_BYTES || to.n > NAME_MAX_BYTES)
        return ERR_BAD_UNIT;
    memcpy(key, from.p, from.n);
    key[from.n] = 0;
    memcpy(key + from.n + 1, to.p, to.n);
    struct slice name = slice_of(key, from.n + 1 + to.n);
    struct converter *c = map_get(&converters, name);
    if (!c) {
        if (converters.count >= CONVERTERS_MAX)
            forget_converters();
        c = calloc(1, sizeof *c);
        if (!c)
            return ERR_NOMEM;
        c->factor = 1;
        c->key = malloc(name.n);
        c->key_n = name.n;
        if (!c->key)
            goto fail;
        memcpy(c->key, key, name.n);
        c->cv = make_converter(from, to, &c->factor);
        if (map_put(&converters, slice_of(c->key, c->key_n), c, NULL))
            goto fail;
    }
    *ret = c;
    return 0;
fail:
    converter_free(c);
    return ERR_NOMEM;
}

int units_convert(struct slice from, struct slice to, double value, double *ret)
{
    struct converter *c = NULL;
    if (slice_eq(from, to)) {
        *ret = value;
        return 0;
    }
    if (!from.n || !to.n)
        return ERR_BAD_UNIT;
    pthread_mutex_lock(&lock);
    int err = converter(from, to, &c);
    if (!err && !c->cv)
        err = ERR_BAD_UNIT;
    if (!err)
        *ret = cv_convert_double(c->cv, value) * c->factor;
    pthread_mutex_unlock(&lock);
    return err;
}
