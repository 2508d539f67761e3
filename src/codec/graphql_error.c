/* graphql_error.c - what is wrong with a document, and where. */
#include "codec/graphql_internal.h"

#include <stdarg.h>

const char *const gql_directive_places[GQL_AT_N] = {
#define X(name) #name,
    GQL_DIRECTIVE_PLACES(X)
#undef X
};

void gql_errors_init(struct gql_errors *e, struct arena *a)
{
    *e = (struct gql_errors){.arena = a};
    e->last = &e->first;
}

/* On from a place at an offset to another behind it. */
static struct gql_place go_on(struct slice text, struct gql_place place, size_t from, size_t to)
{
    for (size_t i = from; i < to && i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c == '\n' || (c == '\r' && (i + 1 >= text.n || text.p[i + 1] != '\n'))) {
            place.line++;
            place.column = 1;
        } else if (c == '\r') {
            continue; /* its \n ends the line */
        } else if ((c & 0xC0) != 0x80) {
            place.column += c >= 0xF0 ? 2 : 1;
        }
    }
    return place;
}

struct gql_place gql_place(struct slice text, size_t offset)
{
    return go_on(text, (struct gql_place){1, 1}, 0, offset);
}

/* Errors mostly come in the order of the text: each place is counted from the one before. */
static struct gql_place next_place(struct gql_errors *e, struct slice text, size_t offset)
{
    bool behind = e->at_text == text.p && offset >= e->at;
    e->at_place =
        go_on(text, behind ? e->at_place : (struct gql_place){1, 1}, behind ? e->at : 0, offset);
    e->at_text = text.p;
    e->at = offset;
    return e->at_place;
}

struct gql_error *gql_error_add(struct gql_errors *e, struct slice text, const char *rule,
                                const uint32_t *offsets, size_t n, const char *format, ...)
{
    struct gql_error *error = NULL;
    struct buf message = {0};
    va_list args;
    if (e->n > GQL_ERRORS_MAX)
        return NULL;
    if (n > GQL_PLACES_MAX)
        n = GQL_PLACES_MAX;
    va_start(args, format);
    if (e->n == GQL_ERRORS_MAX)
        buf_add_str(&message, "Too many errors; there are more that are not told.");
    else
        buf_vaddf(&message, format, args);
    va_end(args);
    if (e->n == GQL_ERRORS_MAX) {
        n = 0;
        rule = NULL;
    }
    error = arena_zalloc(e->arena, sizeof *error);
    if (error) {
        *error = (struct gql_error){.rule = rule, .places_n = n};
        error->message = arena_strndup(e->arena, message.n ? message.p : "", message.n);
        error->places = arena_alloc(e->arena, (n ? n : 1) * sizeof *error->places);
    }
    e->failed |= message.failed || !error || !error->message || !error->places;
    buf_release(&message);
    if (!error || !error->message || !error->places)
        return NULL;
    for (size_t i = 0; i < n; i++)
        error->places[i] = next_place(e, text, offsets[i]);
    *e->last = error;
    e->last = &error->next;
    e->n++;
    return error;
}
