#include "twin/kinds.h"

#include "base/clock.h"
#include "base/err.h"
#include "twin/relations.h"
#include "twin/url.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_string(const struct jval *v)
{
    return v && v->type == J_STRING;
}

bool one_of(struct slice text, const char *words)
{
    struct slice rest = slice_str(words), word;
    while (slice_cut(&rest, '|', &word))
        if (word.n == text.n && strncasecmp(word.p, text.p, text.n) == 0)
            return true;
    return false;
}

void one_of_pattern(struct buf *out, const char *words)
{
    buf_add_str(out, "(?:");
    for (const char *p = words; *p; p++) {
        bool letter = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z');
        if (letter)
            buf_addf(out, "[%c%c]", *p & ~32, *p | 32);
        else if (strchr(".+", *p))
            buf_addf(out, "[%c]", *p);
        else
            buf_add_byte(out, (unsigned char)*p);
    }
    buf_add_str(out, ")");
}

/* ---- text and ids ---- */

static bool is_text(const struct jval *v)
{
    if (!is_string(v))
        return false;
    for (size_t i = 0; i < v->text.n; i++)
        if (!strchr(" \t\r\n", v->text.p[i]) || !v->text.p[i])
            return true;
    return false;
}

static bool is_id(const struct jval *v)
{
    return is_string(v) && slice_is_id(v->text);
}

static const char *why_no_id(struct arena *a, const struct jval *v)
{
    if (v->type == J_NUMBER)
        return "is a number without quotes";
    if (!is_string(v))
        return NULL;
    if (v->text.n > 128)
        return arena_printf(a, "has %zu bytes", v->text.n);
    if (!v->text.n)
        return "is empty";
    for (size_t i = 0; i < v->text.n; i++) {
        unsigned char c = (unsigned char)v->text.p[i];
        if (c == ' ')
            return "has a space in it";
        if (c > ' ' && c < 0x7f && !slice_is_id(slice_of(v->text.p + i, 1)))
            return arena_printf(a, "has the character %c in it", c);
    }
    return "has characters in it that are not allowed";
}

static bool is_types(const struct jval *v)
{
    if (v->type != J_ARRAY)
        return is_text(v);
    for (const struct jval *t = v->first; t; t = t->next)
        if (!is_text(t))
            return false;
    return v->count > 0;
}

static bool is_twin_types(const struct jval *v)
{
    if (v->type != J_ARRAY)
        return is_id(v);
    for (const struct jval *t = v->first; t; t = t->next)
        if (!is_id(t))
            return false;
    return v->count > 0 && v->count <= TWIN_TYPES_MAX;
}

static bool is_property_value(const struct jval *v)
{
    if (v->type != J_ARRAY)
        return is_string(v) && slice_is(v->text, "PropertyValue");
    for (const struct jval *t = v->first; t; t = t->next)
        if (is_string(t) && slice_is(t->text, "PropertyValue"))
            return true;
    return false;
}

static bool is_mvmd(const struct jval *v)
{
    return is_string(v) && slice_is(v->text, "MVMD-ID");
}

int compression_parse(struct slice text)
{
    static const char *const words[] = {"none", "low", "medium", "high"};
    for (int i = 0; i < (int)(sizeof words / sizeof words[0]); i++)
        if (slice_is(text, words[i]))
            return i;
    return -1;
}

static bool is_compression(const struct jval *v)
{
    return is_string(v) && compression_parse(v->text) >= 0;
}

int severity_parse(struct slice text)
{
    static const char *const words[] = {"info", "warning", "major", "critical"};
    for (int i = 0; i < 4; i++)
        if (slice_is(text, words[i]))
            return i;
    return -1;
}

static bool is_severity(const struct jval *v)
{
    return is_string(v) && severity_parse(v->text) >= 0;
}

static bool is_truth(const struct jval *v)
{
    return v->type == J_BOOL;
}

/* ---- @context ---- */

static bool names_schema_org(const struct jval *v)
{
    if (!is_string(v))
        return false;
    struct slice s = v->text;
    if (slice_starts(s, "https://"))
        s = slice_skip(s, 8);
    else if (slice_starts(s, "http://"))
        s = slice_skip(s, 7);
    else
        return false;
    if (slice_starts(s, "www."))
        s = slice_skip(s, 4);
    if (!slice_starts(s, "schema.org"))
        return false;
    s = slice_skip(s, strlen("schema.org"));
    return !s.n || s.p[0] == '/' || s.p[0] == '#';
}

/* scheme ":" and something behind it */
static bool is_iri(const struct jval *v)
{
    if (!is_string(v))
        return false;
    ptrdiff_t colon = slice_find(v->text, ':');
    if (colon < 1 || (size_t)colon + 1 >= v->text.n || v->text.p[colon + 1] == ' ')
        return false;
    for (ptrdiff_t i = 0; i < colon; i++) {
        char c = v->text.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && (i == 0 || (!is_digit(c) && c != '+' && c != '.' && c != '-')))
            return false;
    }
    return true;
}

static bool has_vocabulary(const struct jval *v)
{
    return names_schema_org(v) || names_schema_org(jval_get(v, "@vocab"));
}

static bool binds_mvmd(const struct jval *v)
{
    const struct jval *bound = jval_get(v, "mvmd");
    return is_iri(bound) || (bound && is_iri(jval_get(bound, "@id")));
}

static bool any_of(const struct jval *v, bool (*is)(const struct jval *))
{
    if (v->type != J_ARRAY)
        return is(v);
    for (const struct jval *item = v->first; item; item = item->next)
        if (is(item))
            return true;
    return false;
}

static bool is_context(const struct jval *v)
{
    return any_of(v, has_vocabulary) && any_of(v, binds_mvmd);
}

static const char *why_no_context(struct arena *a, const struct jval *v)
{
    (void)a;
    if (v->type == J_STRING && names_schema_org(v))
        return "has no place to bind mvmd";
    if (v->type != J_OBJECT && v->type != J_ARRAY)
        return NULL;
    if (any_of(v, has_vocabulary))
        return "does not bind mvmd to an address";
    return any_of(v, binds_mvmd) ? "does not name https://schema.org/ as its vocabulary"
                                 : "neither names https://schema.org/ nor binds mvmd";
}

/* ---- time ---- */

static bool is_date(const struct jval *v)
{
    int64_t t;
    return is_string(v) && (!clock_parse_date(v->text, &t) || !clock_parse(v->text, &t));
}

static bool is_time(const struct jval *v)
{
    int64_t t;
    return is_string(v) && !clock_parse(v->text, &t);
}

int moment_parse(struct slice text, int64_t *ret_t_us, bool *ret_date_alone)
{
    bool alone = !clock_parse_date(text, ret_t_us);
    if (!alone && clock_parse(text, ret_t_us))
        return ERR_BAD_TIME;
    *ret_date_alone = alone;
    return 0;
}

/* Unix time in seconds or milliseconds, when a number looks like one of this age. */
static const char *as_unix_time(struct arena *a, double d)
{
    const double now = (double)clock_now_us() / 1e6;
    double seconds = d > 1e11 ? d / 1000 : d;
    struct buf b = {0};
    if (!(seconds > now / 2 && seconds < now * 2))
        return "is a number";
    clock_format(&b, (int64_t)(seconds * 1e6));
    const char *text = arena_printf(a, "is a number (%.*s, if it counts %sseconds)",
                                    SLICE_ARG(buf_slice(&b)), d > 1e11 ? "milli" : "");
    buf_release(&b);
    return text;
}

static const char *why_no_time(struct arena *a, const struct jval *v)
{
    int64_t t;
    double d;
    if (jval_number(v, &d))
        return as_unix_time(a, d);
    if (!is_string(v) || v->text.n > 64)
        return NULL;
    char *with_z = arena_printf(a, "%.*sZ", SLICE_ARG(v->text));
    if (with_z && !clock_parse(slice_str(with_z), &t))
        return "has no offset from UTC (Z or +01:00)";
    if (!clock_parse_date(v->text, &t))
        return "is a date without a time";
    if (v->text.n > 20 && strchr("+-", v->text.p[v->text.n - 5]))
        return "has no colon in its offset";
    if (v->text.n >= 10 && slice_find(slice_of(v->text.p, 10), '/') >= 0)
        return "is written with slashes";
    return NULL;
}

/* A number and its unit: whole digits at most so many that nothing overflows, decimals at most so
 * many that a microsecond is left of the last one. */
struct amount {
    const char *unit;
    int whole, places;
};

static const struct amount plain_amounts[] = {{"ms", 14, 3},  {"s", 11, 6}, {"m", 11, 6},
                                              {"min", 11, 6}, {"h", 9, 6},  {"d", 8, 6},
                                              {"w", 7, 6},    {"y", 5, 6}};
static const struct amount iso_amounts[] = {{"Y", 5, 3}, {"M", 5, 3}, {"W", 5, 3}, {"D", 6, 3},
                                            {"T", 0, 0}, {"H", 8, 3}, {"M", 8, 3}, {"S", 8, 3}};
#define WHOLE(n) "(?:0|[1-9][0-9]{0," #n "})"
#define PLACES(n) "(?:[.][0-9]{1," #n "})?"
#define DURATION_PATTERN                                                                           \
    "^(?=.*[1-9])(?:" WHOLE(13) PLACES(3) "ms|" WHOLE(10) PLACES(6) "(?:s|m|min)|" WHOLE(8)        \
        PLACES(6) "h|" WHOLE(7) PLACES(6) "d|" WHOLE(6) PLACES(6) "w|" WHOLE(4)                    \
            PLACES(6) "y|"                                                                         \
                      "P(?=[0-9T])(?:" WHOLE(4) PLACES(3) "Y)?(?:" WHOLE(4)                        \
                          PLACES(3) "M)?(?:" WHOLE(4) PLACES(3) "W)?(?:" WHOLE(5)                  \
                              PLACES(3) "D)?(?:T(?=[0-9])(?:" WHOLE(7) PLACES(3) "H)?(?:" WHOLE(7) \
                                  PLACES(3) "M)?(?:" WHOLE(7) PLACES(3) "S)?)?)$"

/* Bytes of a number of this form at the front, 0: none. */
static size_t amount_digits(struct slice s, const struct amount *a)
{
    size_t i = 0, places = 0;
    while (i < s.n && is_digit(s.p[i]))
        i++;
    if (!i || i > (size_t)a->whole || (s.p[0] == '0' && i > 1))
        return 0;
    if (i < s.n && s.p[i] == '.') {
        while (i + 1 + places < s.n && is_digit(s.p[i + 1 + places]))
            places++;
        if (!places || places > (size_t)a->places)
            return 0;
        i += 1 + places;
    }
    return i;
}

static bool is_plain_duration(struct slice s)
{
    for (size_t i = 0; i < sizeof plain_amounts / sizeof plain_amounts[0]; i++) {
        size_t n = amount_digits(s, &plain_amounts[i]);
        if (n && slice_is(slice_skip(s, n), plain_amounts[i].unit))
            return true;
    }
    return false;
}

static bool is_iso_duration(struct slice s)
{
    size_t parts = 0, last_parts = 1;
    if (!slice_starts(s, "P"))
        return false;
    s = slice_skip(s, 1);
    for (size_t i = 0; i < sizeof iso_amounts / sizeof iso_amounts[0]; i++) {
        const struct amount *a = &iso_amounts[i];
        if (!a->whole) {
            if (!slice_starts(s, a->unit))
                break;
            s = slice_skip(s, 1);
            last_parts = parts + 1;
            continue;
        }
        size_t n = amount_digits(s, a);
        if (n && n < s.n && s.p[n] == a->unit[0]) {
            s = slice_skip(s, n + 1);
            parts++;
        }
    }
    return !s.n && parts >= last_parts;
}

int duration_parse(struct slice text, int64_t *ret_us)
{
    if (!is_plain_duration(text) && !is_iso_duration(text))
        return ERR_INVALID;
    return clock_parse_duration(text, ret_us);
}

static bool is_duration(const struct jval *v)
{
    int64_t us;
    return is_string(v) && !duration_parse(v->text, &us);
}

static const char *why_no_duration(struct arena *a, const struct jval *v)
{
    double d;
    (void)a;
    if (v->type == J_NUMBER)
        return "is a number without a unit of time";
    if (!is_string(v))
        return NULL;
    if (!slice_to_double(v->text, &d))
        return "has no unit of time";
    if (v->text.n && v->text.p[0] == '0')
        return "is no time at all";
    return slice_find(v->text, ' ') >= 0 ? "has a space in it" : NULL;
}

int interval_parse(const struct jval *v, int64_t *ret_us)
{
    static const int64_t century_us = INT64_C(100) * 365 * 86400 * 1000000;
    double hertz;
    if (v && v->type == J_STRING) {
        if (!slice_is(v->text, "realtime"))
            return duration_parse(v->text, ret_us);
        *ret_us = 0;
        return 0;
    }
    if (!jval_number(v, &hertz) || !(hertz > 0))
        return ERR_INVALID;
    double us = 1e6 / hertz;
    if (us < 1)
        us = 1;
    *ret_us = us < (double)century_us ? (int64_t)us : century_us;
    return 0;
}

static bool is_frequency(const struct jval *v)
{
    int64_t us;
    return !interval_parse(v, &us);
}

static bool is_interval(const struct jval *v)
{
    return is_frequency(v) && !(v->type == J_STRING && slice_is(v->text, "realtime"));
}

static const char *why_no_interval(struct arena *a, const struct jval *v)
{
    if (v->type == J_NUMBER)
        return "is not a positive number";
    if (is_string(v) && slice_is(v->text, "realtime"))
        return "is for synchronization alone";
    return why_no_duration(a, v);
}

/* ---- numbers ---- */

static bool in(const struct jval *v, double low, double high)
{
    double d;
    return v && jval_number(v, &d) && d >= low && d <= high;
}

static bool is_number(const struct jval *v)
{
    double d;
    return jval_number(v, &d);
}

static bool is_positive(const struct jval *v)
{
    double d;
    return jval_number(v, &d) && d > 0;
}

static bool is_not_negative(const struct jval *v)
{
    double d;
    return jval_number(v, &d) && d >= 0;
}

static bool is_latitude(const struct jval *v)
{
    return in(v, -90, 90);
}

static bool is_longitude(const struct jval *v)
{
    return in(v, -180, 180);
}

static bool is_probability(const struct jval *v)
{
    return in(v, 0, 1);
}

static const char *why_no_probability(struct arena *a, const struct jval *v)
{
    (void)a;
    return in(v, 1, 100) ? "looks like a percentage" : NULL;
}

/* "99.7%"; 100 has no decimals but zeros. */
static bool is_percent(const struct jval *v)
{
    double d;
    if (!is_string(v))
        return in(v, 0, 100);
    struct slice s = v->text, whole;
    if (!slice_ends(s, "%"))
        return false;
    s.n--;
    if (slice_ends(s, " "))
        s.n--;
    for (size_t i = 0; i < s.n; i++)
        if (!is_digit(s.p[i]) && s.p[i] != '.')
            return false;
    if (slice_to_double(s, &d) || !slice_cut(&s, '.', &whole) || whole.n > 3)
        return false;
    for (size_t i = 0; i < s.n && whole.n == 3; i++)
        if (s.p[i] != '0')
            return false;
    return whole.n < 3 || slice_is(whole, "100");
}

bool range_read(const struct jval *v, double ret[static 2])
{
    if (!v || v->type != J_ARRAY || v->count != 2)
        return false;
    return jval_number(v->first, &ret[0]) && jval_number(v->last, &ret[1]);
}

static bool is_range(const struct jval *v)
{
    double range[2];
    return range_read(v, range);
}

static bool is_value(const struct jval *v)
{
    return v->type == J_BOOL || v->type == J_STRING || is_number(v);
}

/* ---- URLs ---- */

static bool is_url(const struct jval *v)
{
    struct url u;
    return is_string(v) && url_parse(v->text, &u);
}

static const char *why_no_url(struct arena *a, const struct jval *v)
{
    if (!is_string(v))
        return NULL;
    ptrdiff_t colon = slice_find(v->text, ':');
    if (colon < 1 || !slice_starts(slice_skip(v->text, (size_t)colon), "://"))
        return "does not begin with a scheme and ://";
    for (size_t i = 0; i < v->text.n; i++) {
        char c = v->text.p[i];
        if (c == ' ')
            return "has a space in it";
        if (c > ' ' && strchr("\"<>\\^`{|}", c))
            return arena_printf(a, "has the character %c in it", c);
    }
    return "has no host, or a port that is not from 1 to 65535";
}

static bool is_reference(const struct jval *v)
{
    return is_string(v) && url_is_reference(v->text);
}

/* ---- the table ---- */

#define DATE_PATTERN                                                                               \
    "(?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]"    \
    "[0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))|(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:"      \
    "[02468][048]|[13579][26])00)-02-29)"
#define CLOCK_PATTERN                                                                              \
    "[Tt ](?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:[.][0-9]{1,9})?(?:[Zz]|[+-](?:[01]"  \
    "[0-9]|2[0-3]):[0-5][0-9])"
#define SCHEMA_ORG "{'type': 'string', 'pattern': '^https?://(?:www[.])?schema[.]org(?:[/#]|$)'}"
#define IRI "{'type': 'string', 'pattern': '^[A-Za-z][A-Za-z0-9+.-]*:[^ ]'}"
#define MVMD                                                                                       \
    "{'anyOf': [" IRI ", {'type': 'object', 'required': ['@id'], 'properties': {'@id': " IRI "}}]" \
    "}"

const struct kind kind_context = {
    .name = "context",
    .fits = is_context,
    .wanted = "{\"@vocab\": \"https://schema.org/\", \"mvmd\": \"https://mvmd.org/v1/\"}",
    .example = "{'@vocab': 'https://schema.org/', 'mvmd': 'https://mvmd.org/v1/'}",
    .schema = "'anyOf': [{'type': 'object', 'required': ['@vocab', 'mvmd'], 'properties': "
              "{'@vocab': " SCHEMA_ORG ", 'mvmd': " MVMD "}}, {'type': 'array', 'allOf': "
              "[{'contains': {'anyOf': [" SCHEMA_ORG ", {'type': 'object', 'required': ['@vocab'],"
              "'properties': {'@vocab': " SCHEMA_ORG "}}]}}, {'contains': {'type': 'object', "
              "'required': ['mvmd'], 'properties': {'mvmd': " MVMD "}}}]}]",
    .why = why_no_context,
};
const struct kind kind_text = {
    .name = "text",
    .fits = is_text,
    .wanted = "a text that is not empty",
    .schema = "'type': 'string', 'pattern': '[^ \\\\t\\\\r\\\\n]'",
};
const struct kind kind_types = {
    .name = "types",
    .fits = is_types,
    .wanted = "\"DigitalDocument\" or \"Dataset\"",
    .example = "'DigitalDocument'",
    .schema = "'anyOf': [{'$ref': '#/$defs/text'}, {'type': 'array', 'minItems': 1, 'items': "
              "{'$ref': '#/$defs/text'}}]",
};
const struct kind kind_twin_types = {
    .name = "twinTypes",
    .fits = is_twin_types,
    .wanted = "the id of a type, or a list of at most 16",
    .example = "'Pump'",
    .schema = "'anyOf': [{'$ref': '#/$defs/id'}, {'type': 'array', 'minItems': 1, 'maxItems': 16, "
              "'items': {'$ref': '#/$defs/id'}}]",
};
const struct kind kind_property_value = {
    .name = "propertyValue",
    .fits = is_property_value,
    .wanted = "\"PropertyValue\"",
    .example = "'PropertyValue'",
    .schema = "'anyOf': [{'const': 'PropertyValue'}, {'type': 'array', 'contains': {'const': "
              "'PropertyValue'}}]",
};
const struct kind kind_mvmd = {
    .name = "mvmd",
    .fits = is_mvmd,
    .wanted = "\"MVMD-ID\"",
    .example = "'MVMD-ID'",
    .schema = "'const': 'MVMD-ID'",
};
const struct kind kind_id = {
    .name = "id",
    .fits = is_id,
    .wanted = "1 to 128 letters, digits, dots, underscores, hyphens or colons in quotes",
    .example = "'temp-1'",
    .schema = "'type': 'string', 'pattern': '^[A-Za-z0-9._:-]{1,128}$'",
    .why = why_no_id,
};
const struct kind kind_date = {
    .name = "date",
    .fits = is_date,
    .wanted = "a date",
    .example = "'2024-03-15'",
    .schema = "'type': 'string', 'pattern': '^" DATE_PATTERN "(?:" CLOCK_PATTERN ")?$'",
    .why = why_no_time,
};
const struct kind kind_moment = {
    .name = "moment",
    .fits = is_date,
    .wanted = "a date or a time with an offset",
    .example = "'2024-03-15T14:30:00Z'",
    .schema = "'$ref': '#/$defs/date'",
    .why = why_no_time,
};
const struct kind kind_time = {
    .name = "time",
    .fits = is_time,
    .wanted = "a time with an offset (RFC 3339)",
    .example = "'2024-03-15T14:30:00Z'",
    .schema = "'type': 'string', 'pattern': '^" DATE_PATTERN CLOCK_PATTERN "$'",
    .why = why_no_time,
};
const struct kind kind_duration = {
    .name = "duration",
    .fits = is_duration,
    .wanted = "a number and ms, s, m, h, d, w or y in quotes",
    .example = "'90d'",
    .schema = "'type': 'string', 'pattern': '" DURATION_PATTERN "'",
    .why = why_no_duration,
};
const struct kind kind_interval = {
    .name = "interval",
    .fits = is_interval,
    .wanted = "a positive number (hertz) or a duration such as \"10s\"",
    .example = "'10s'",
    .schema = "'anyOf': [{'type': 'number', 'exclusiveMinimum': 0}, {'$ref': '#/$defs/duration'}]",
    .why = why_no_interval,
    .number = true,
};
const struct kind kind_frequency = {
    .name = "frequency",
    .fits = is_frequency,
    .wanted = "\"realtime\", a positive number (hertz) or a duration such as \"10s\"",
    .example = "'10s'",
    .schema = "'anyOf': [{'const': 'realtime'}, {'$ref': '#/$defs/interval'}]",
    .why = why_no_interval,
    .number = true,
};
const struct kind kind_number = {
    .name = "number",
    .fits = is_number,
    .wanted = "a number",
    .example = "45.2",
    .schema = "'type': 'number'",
    .number = true,
};
const struct kind kind_positive = {
    .name = "positive",
    .fits = is_positive,
    .wanted = "a number above zero",
    .example = "0.1",
    .schema = "'type': 'number', 'exclusiveMinimum': 0",
    .number = true,
};
const struct kind kind_not_negative = {
    .name = "notNegative",
    .fits = is_not_negative,
    .wanted = "a number that is not below zero",
    .example = "120",
    .schema = "'type': 'number', 'minimum': 0",
    .number = true,
};
const struct kind kind_latitude = {
    .name = "latitude",
    .fits = is_latitude,
    .wanted = "degrees north between -90 and 90",
    .example = "37.7749",
    .schema = "'type': 'number', 'minimum': -90, 'maximum': 90",
    .number = true,
};
const struct kind kind_longitude = {
    .name = "longitude",
    .fits = is_longitude,
    .wanted = "degrees east between -180 and 180",
    .example = "-122.4194",
    .schema = "'type': 'number', 'minimum': -180, 'maximum': 180",
    .number = true,
};
const struct kind kind_probability = {
    .name = "probability",
    .fits = is_probability,
    .wanted = "a number from 0 to 1",
    .example = "0.23",
    .schema = "'type': 'number', 'minimum': 0, 'maximum': 1",
    .why = why_no_probability,
    .number = true,
};
const struct kind kind_percent = {
    .name = "percent",
    .fits = is_percent,
    .wanted = "a percentage from 0 to 100",
    .example = "'99.7%'",
    .schema = "'anyOf': [{'type': 'number', 'minimum': 0, 'maximum': 100}, {'type': 'string', "
              "'pattern': '^(?:100(?:[.]0+)?|(?:0|[1-9][0-9]?)(?:[.][0-9]+)?) ?%$'}]",
    .number = true,
};
const struct kind kind_compression = {
    .name = "compression",
    .fits = is_compression,
    .wanted = "none, low, medium or high",
    .example = "'high'",
    .schema = "'enum': ['none', 'low', 'medium', 'high']",
};
const struct kind kind_truth = {
    .name = "truth",
    .fits = is_truth,
    .wanted = "true or false",
    .example = "true",
    .schema = "'type': 'boolean'",
};
const struct kind kind_severity = {
    .name = "severity",
    .fits = is_severity,
    .wanted = "info, warning, major or critical",
    .example = "'major'",
    .schema = "'enum': ['info', 'warning', 'major', 'critical']",
};
const struct kind kind_range = {
    .name = "range",
    .fits = is_range,
    .wanted = "a list of two numbers with the low end first",
    .example = "[30, 65]",
    .schema = "'type': 'array', 'prefixItems': [{'type': 'number'}, {'type': 'number'}], "
              "'minItems': 2, 'maxItems': 2, '$comment': 'the first is below the second: "
              "doppel validate checks it'",
};
const struct kind kind_value = {
    .name = "value",
    .fits = is_value,
    .wanted = "a number, true, false or a text",
    .example = "42.3",
    .schema = "'anyOf': [{'type': 'number'}, {'type': 'boolean'}, {'type': 'string'}]",
};
const struct kind kind_url = {
    .name = "url",
    .fits = is_url,
    .wanted = "an absolute URL",
    .example = "'mqtts://broker.example.com:8883/twins/robot'",
    .schema = "'type': 'string', 'pattern': '^" URL_ABSOLUTE "$'",
    .why = why_no_url,
};
const struct kind kind_reference = {
    .name = "reference",
    .fits = is_reference,
    .wanted = "an absolute or relative URL",
    .example = "'https://example.com/models/robot.glb'",
    .schema = "'type': 'string', 'pattern': '^(?:" URL_ABSOLUTE "|" URL_RELATIVE ")$'",
};

const struct kind *const kinds[] = {
    &kind_context,
    &kind_types,
    &kind_property_value,
    &kind_mvmd,
    &kind_text,
    &kind_id,
    &kind_date,
    &kind_moment,
    &kind_time,
    &kind_duration,
    &kind_interval,
    &kind_frequency,
    &kind_number,
    &kind_positive,
    &kind_not_negative,
    &kind_latitude,
    &kind_longitude,
    &kind_probability,
    &kind_percent,
    &kind_compression,
    &kind_range,
    &kind_value,
    &kind_url,
    &kind_reference,
    &kind_twin_types,
    &kind_truth,
    &kind_severity,
    NULL,
};
