/* json_read.c - the pull reader.
 *
 * One call is one event: the state says what may come, so the grammar is in json_next() and the
 * functions below read one token each.  A colon belongs to its key, a comma to what follows it.
 * The kinds of the open brackets are a stack of bits; nothing recurses. */
#include "base/err.h"
#include "base/utf8.h"
#include "codec/json_internal.h"

void json_reader_init(struct json_reader *r, struct slice input)
{
    *r = (struct json_reader){.input = input.p ? input : SLICE_LIT("")};
}

static const unsigned char *input_at(const struct json_reader *r, size_t at)
{
    return (const unsigned char *)r->input.p + at;
}

static void moved_to(struct json_reader *r, const unsigned char *p)
{
    r->at = (size_t)(p - input_at(r, 0));
}

static int fail(struct json_reader *r, const unsigned char *p, const char *error)
{
    moved_to(r, p);
    r->error = error;
    r->state |= JSON_STATE_FAILED;
    return ERR_MALFORMED;
}

static inline const unsigned char *skip_space(const unsigned char *p, const unsigned char *end)
{
    while (p < end && *p <= ' ' && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
        p++;
    return p;
}

/* ---- strings ---- */

static int hex_digit(unsigned char c)
{
    if (json_is_digit(c))
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The four hexadecimal digits at p, or -1. */
static int32_t hex4(const unsigned char *p, const unsigned char *end)
{
    int32_t v = 0;
    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(p[i]);
        if (digit < 0)
            return -1;
        v = v << 4 | digit;
    }
    return v;
}

static bool is_high_surrogate(int32_t unit)
{
    return unit >= 0xd800 && unit <= 0xdbff;
}

static bool is_low_surrogate(int32_t unit)
{
    return unit >= 0xdc00 && unit <= 0xdfff;
}

/* The character that a letter behind a backslash stands for; 0: none. */
static char escape_letter(unsigned char c)
{
    switch (c) {
    case '"':
    case '\\':
    case '/':
        return (char)c;
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    }
    return 0;
}

/* The code point of the \u escape at p (whose backslash and u are there), which with a pair of
 * surrogates is twelve bytes long; -1 with what is wrong. */
static int32_t unicode_escape(const unsigned char *p, const unsigned char *end, size_t *ret_n,
                              const char **ret_error)
{
    int32_t unit = hex4(p + 2, end), low = -1;
    *ret_n = 6;
    if (unit < 0) {
        *ret_error = "\\u needs four hexadecimal digits";
        return -1;
    }
    if (is_high_surrogate(unit)) {
        if (end - p >= 12 && p[6] == '\\' && p[7] == 'u')
            low = hex4(p + 8, end);
        *ret_n = 12;
    }
    if (is_high_surrogate(unit) ? !is_low_surrogate(low) : is_low_surrogate(unit)) {
        *ret_error = "half of a surrogate pair stands alone";
        return -1;
    }
    return low < 0 ? unit : 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
}

/* Behind the escape at p; NULL after an error. */
static const unsigned char *scan_escape(struct json_reader *r, const unsigned char *p,
                                        const unsigned char *end)
{
    if (end - p >= 2 && escape_letter(p[1]))
        return p + 2;
    if (end - p >= 2 && p[1] == 'u') {
        const char *error = NULL;
        size_t n;
        if (unicode_escape(p, end, &n, &error) >= 0)
            return p + n;
        fail(r, p, error);
    } else if (end - p < 2) {
        fail(r, end, "the text ends inside a string");
    } else {
        fail(r, p, "there is no such escape");
    }
    return NULL;
}

/* The string whose opening quote is at p: sets r->text, answers what is behind the closing
 * quote; NULL after an error. */
static inline const unsigned char *scan_string(struct json_reader *r, const unsigned char *p,
                                               const unsigned char *end)
{
    const unsigned char *start = ++p;
    bool escaped = false;
    for (;;) {
        p = json_plain(p, end);
        if (p == end) {
            fail(r, p, "the text ends inside a string");
            return NULL;
        }
        if (*p == '"')
            break;
        if (*p == '\\') {
            p = scan_escape(r, p, end);
            if (!p)
                return NULL;
            escaped = true;
        } else if (*p >= 0x80) {
            size_t n = utf8_sequence(p, (size_t)(end - p));
            if (!n) {
                fail(r, p, "this is not UTF-8");
                return NULL;
            }
            p += n;
        } else {
            fail(r, p, "a control character in a string must be escaped");
            return NULL;
        }
    }
    r->text = slice_of((const char *)start, (size_t)(p - start));
    r->escaped = escaped;
    return p + 1;
}

struct slice json_unescape(struct arena *a, struct slice text, bool escaped)
{
    if (!escaped)
        return text;
    char *out = arena_alloc(a, text.n + 1); /* an escape is longer than what it stands for */
    if (!out)
        return slice_of(NULL, 0);
    const unsigned char *p = (const unsigned char *)text.p, *end = p + text.n;
    size_t n = 0;
    while (p < end) {
        const unsigned char *slash = memchr(p, '\\', (size_t)(end - p));
        size_t plain = (size_t)((slash ? slash : end) - p), len;
        memcpy(out + n, p, plain);
        n += plain;
        p += plain;
        if (p == end)
            break;
        const char *error;
        int32_t c = end - p >= 2 ? (int32_t)escape_letter(p[1]) : -1;
        if (c > 0) {
            out[n++] = (char)c;
            p += 2;
        } else if (c == 0 && p[1] == 'u' && (c = unicode_escape(p, end, &len, &error)) >= 0) {
            n += utf8_encode((uint32_t)c, out + n);
            p += len;
        } else { /* no text of a reader: it stays as it is */
            out[n++] = (char)*p++;
        }
    }
    out[n] = 0;
    return slice_of(out, n);
}

/* ---- numbers and words ---- */

static inline const unsigned char *skip_digits(const unsigned char *p, const unsigned char *end)
{
    while (p < end && json_is_digit(*p))
        p++;
    return p;
}

/* RFC 8259, section 6.  Behind the number at p, or NULL with *ret_fault where it goes wrong. */
static inline const unsigned char *scan_number(const unsigned char *p, const unsigned char *end,
                                               const unsigned char **ret_fault)
{
    const unsigned char *digits = *p == '-' ? p + 1 : p;
    *ret_fault = p = skip_digits(digits, end);
    if (p == digits)
        return NULL;
    if (*digits == '0' && p - digits > 1) {
        *ret_fault = digits;
        return NULL;
    }
    if (p < end && *p == '.') {
        digits = p + 1;
        *ret_fault = p = skip_digits(digits, end);
        if (p == digits)
            return NULL;
    }
    if (p < end && (*p | 0x20) == 'e') {
        digits = p + 1;
        if (digits < end && (*digits == '+' || *digits == '-'))
            digits++;
        *ret_fault = p = skip_digits(digits, end);
        if (p == digits)
            return NULL;
    }
    return p;
}

bool json_number_valid(struct slice text)
{
    const unsigned char *p = (const unsigned char *)text.p, *fault;
    return text.n && scan_number(p, p + text.n, &fault) == p + text.n;
}

static int read_number(struct json_reader *r, const unsigned char *p, const unsigned char *end,
                       enum json_event *ret)
{
    const unsigned char *fault, *behind = scan_number(p, end, &fault);
    if (!behind && fault == end)
        return fail(r, end, "the text ends inside a number");
    if (!behind)
        return fail(r, fault,
                    *fault == '0' ? "a number has no zero in front" : "a digit is missing here");
    r->text = slice_of((const char *)p, (size_t)(behind - p));
    r->escaped = false;
    r->state = JSON_STATE_AFTER;
    moved_to(r, behind);
    *ret = JSON_NUMBER;
    return 0;
}

static int read_word(struct json_reader *r, const unsigned char *p, const unsigned char *end,
                     const char *word, enum json_event event, enum json_event *ret)
{
    size_t n = strlen(word);
    if ((size_t)(end - p) < n || memcmp(p, word, n) != 0)
        return fail(r, p, "this is not a value; the only words are true, false and null");
    r->state = JSON_STATE_AFTER;
    moved_to(r, p + n);
    *ret = event;
    return 0;
}

/* ---- the grammar ---- */

static inline bool in_object(const struct json_reader *r)
{
    unsigned level = r->depth - 1u;
    return r->stack[level / 8] >> (level % 8) & 1;
}

static int read_open(struct json_reader *r, const unsigned char *p, enum json_event *ret)
{
    if (r->depth == JSON_DEPTH)
        return fail(r, p, "the text is nested too deeply");
    unsigned level = r->depth++, bit = 1u << (level % 8), object = *p == '{';
    unsigned bits = r->stack[level / 8];
    r->stack[level / 8] = (uint8_t)(object ? bits | bit : bits & ~bit);
    r->state = object ? JSON_STATE_FIRST_KEY : JSON_STATE_FIRST_ELEMENT;
    moved_to(r, p + 1);
    *ret = object ? JSON_OBJECT : JSON_ARRAY;
    return 0;
}

static const char *no_value(const struct json_reader *r, const unsigned char *p,
                            const unsigned char *end)
{
    if (p == end)
        return "the text ends where a value should be";
    if (p == input_at(r, 0) && end - p >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
        return "the text begins with a byte order mark";
    if (*p == ']' || *p == '}' || *p == ',')
        return "a value is missing here";
    return "this is not a value";
}

static inline int read_value(struct json_reader *r, const unsigned char *p,
                             const unsigned char *end, enum json_event *ret)
{
    switch (p < end ? *p : 0) {
    case '"':
        p = scan_string(r, p, end);
        if (!p)
            return ERR_MALFORMED;
        r->state = JSON_STATE_AFTER;
        moved_to(r, p);
        *ret = JSON_STRING;
        return 0;
    case '-':
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7':
    case '8':
    case '9':
        return read_number(r, p, end, ret);
    case '{':
    case '[':
        return read_open(r, p, ret);
    case 't':
        return read_word(r, p, end, "true", JSON_TRUE, ret);
    case 'f':
        return read_word(r, p, end, "false", JSON_FALSE, ret);
    case 'n':
        return read_word(r, p, end, "null", JSON_NULL, ret);
    }
    return fail(r, p, no_value(r, p, end));
}

static inline int read_key(struct json_reader *r, const unsigned char *p, const unsigned char *end,
                           enum json_event *ret)
{
    if (p == end)
        return fail(r, p, "the text ends inside an object");
    if (*p != '"')
        return fail(r, p, "a member's name in quotes is missing here");
    p = scan_string(r, p, end);
    if (!p)
        return ERR_MALFORMED;
    if (p == end || *p != ':')
        p = skip_space(p, end);
    if (p == end || *p != ':')
        return fail(r, p, "a colon is missing here");
    r->state = JSON_STATE_VALUE;
    moved_to(r, p + 1);
    *ret = JSON_KEY;
    return 0;
}

/* After a value there is no comma at p. */
static int read_close(struct json_reader *r, const unsigned char *p, const unsigned char *end,
                      enum json_event *ret)
{
    if (!r->depth) {
        if (p < end)
            return fail(r, p, "there is more behind the value");
        r->state = JSON_STATE_END;
        moved_to(r, p);
        *ret = JSON_END;
        return 0;
    }
    bool object = in_object(r);
    if (p == end)
        return fail(r, p,
                    object ? "the text ends inside an object" : "the text ends inside an array");
    if (*p != (object ? '}' : ']'))
        return fail(r, p, object ? "a comma or } is missing here" : "a comma or ] is missing here");
    r->depth--;
    r->state = JSON_STATE_AFTER;
    moved_to(r, p + 1);
    *ret = object ? JSON_OBJECT_END : JSON_ARRAY_END;
    return 0;
}

int json_next(struct json_reader *r, enum json_event *ret)
{
    const unsigned char *end = input_at(r, r->input.n), *p = skip_space(input_at(r, r->at), end);
    switch (r->state) {
    case JSON_STATE_AFTER:
        if (p == end || *p != ',' || !r->depth)
            return read_close(r, p, end, ret);
        p = skip_space(p + 1, end);
        if (in_object(r)) {
            r->state = JSON_STATE_NEXT_KEY;
            return read_key(r, p, end, ret);
        }
        r->state = JSON_STATE_VALUE;
        return read_value(r, p, end, ret);
    case JSON_STATE_VALUE:
        return read_value(r, p, end, ret);
    case JSON_STATE_FIRST_KEY:
        return p < end && *p == '}' ? read_close(r, p, end, ret) : read_key(r, p, end, ret);
    case JSON_STATE_FIRST_ELEMENT:
        return p < end && *p == ']' ? read_close(r, p, end, ret) : read_value(r, p, end, ret);
    case JSON_STATE_END:
        *ret = JSON_END;
        return 0;
    }
    return ERR_MALFORMED;
}

int json_skip(struct json_reader *r, enum json_event opened)
{
    if (opened != JSON_OBJECT && opened != JSON_ARRAY)
        return 0;
    unsigned outside = r->depth - 1u;
    enum json_event event;
    do {
        int rc = json_next(r, &event);
        if (rc)
            return rc;
    } while (r->depth > outside);
    return 0;
}
