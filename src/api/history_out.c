/* history_out.c - answers about the past in their forms.
 *
 * What begins and ends an answer is written on the loop's thread, its rows on a thread of the
 * core's while the loop keeps its hands off (core.h); both append to the same buffer. */
#include "api/history.h"

#include "base/clock.h"
#include "codec/csv_text.h"

static void put_values(struct json_writer *w, const struct history_row *row)
{
    for (size_t i = 0; i < row->n; i++) {
        if (row->values[i].type == VALUE_NONE)
            json_put_null(w);
        else
            json_put_value(w, row->values[i]);
    }
}

/* ---- JSON: the document of docs/interfaces.md, piece by piece ---- */

static void json_head(struct past_answer *a)
{
    struct json_writer *w = &a->json;
    json_key(w, "twin");
    json_put_string(w, a->at->twin);
    json_key(w, "sensor");
    json_put_string(w, a->at->sensor);
    json_key(w, "unit");
    json_put_string(w, a->unit);
}

static void json_span(struct past_answer *a)
{
    struct json_writer *w = &a->json;
    json_key(w, "from");
    json_put_time_ms(w, a->query.from_us);
    json_key(w, "to");
    json_put_time_ms(w, a->query.to_us);
    if (a->query.fns_n > 1) {
        json_key(w, "fn");
        json_open(w, '[');
        for (size_t i = 0; i < a->query.fns_n; i++)
            json_put_cstr(w, history_fn_name(a->query.fns[i]));
        json_close(w, ']');
    }
}

static void json_begin(struct past_answer *a)
{
    json_writer_init(&a->json, &a->out, 0);
    json_open(&a->json, '{');
    if (a->many) {
        json_span(a);
        json_key(&a->json, "series");
        json_open(&a->json, '[');
    }
}

static void json_series(struct past_answer *a)
{
    if (a->many)
        json_open(&a->json, '{');
    json_head(a);
    if (!a->many)
        json_span(a);
}

static void json_point(struct past_answer *a, const struct history_row *row)
{
    struct json_writer *w = &a->json;
    json_open(w, '[');
    json_put_time_ms(w, row->t_us);
    put_values(w, row);
    if (a->quality)
        json_put_cstr(w, quality_name(row->quality));
    json_close(w, ']');
}

static void json_points(struct past_answer *a)
{
    if (a->query.before && !a->had_before) {
        json_key(&a->json, "before");
        json_put_null(&a->json);
    }
    json_key(&a->json, "points");
    json_open(&a->json, '[');
}

static void json_row(struct past_answer *a, const struct history_row *row)
{
    if (row->before) {
        json_key(&a->json, "before");
    } else if (!a->had_row) {
        json_points(a);
    }
    json_point(a, row);
}

static const char *resolution_name(int64_t width_us)
{
    static const char *const names[ROLLUP_TIERS] = {"1s", "1m", "1h", "1d"};
    for (int k = 0; k < ROLLUP_TIERS; k++)
        if (rollup_width_us[k] == width_us)
            return names[k];
    return "raw";
}

static void json_series_end(struct past_answer *a, const struct history_turn *turn)
{
    struct json_writer *w = &a->json;
    char cursor[32];
    snprintf(cursor, sizeof cursor, "%lld", (long long)turn->next_us);
    if (!a->had_row)
        json_points(a);
    json_close(w, ']');
    if (turn->damaged) {
        json_key(w, "damaged");
        json_put_bool(w, true);
    }
    json_key(w, "resolution");
    json_put_cstr(w, resolution_name(turn->width_us));
    if (turn->raw_from_us > a->query.from_us) {
        json_key(w, "rawFrom");
        json_put_time_ms(w, turn->raw_from_us);
    }
    if (a->query.how == PAST_RAW) {
        json_key(w, "limit");
        json_put_uint(w, a->query.limit);
        json_key(w, "next");
        json_put_cstr(w, turn->more ? cursor : NULL);
    }
    if (a->many)
        json_close(w, '}');
}

static void json_end(struct past_answer *a)
{
    if (a->many)
        json_close(&a->json, ']');
    json_close(&a->json, '}');
}

/* ---- NDJSON: a line a reading, as they can be sent as well ---- */

static void ndjson_series(struct past_answer *a)
{
    struct json_writer w;
    buf_clear(&a->prefix);
    json_writer_init(&w, &a->prefix, 0);
    json_open(&w, '{');
    json_key(&w, "twin");
    json_put_string(&w, a->at->twin);
    json_key(&w, "sensor");
    json_put_string(&w, a->at->sensor);
}

static void ndjson_row(struct past_answer *a, const struct history_row *row)
{
    struct json_writer w = {.out = &a->out, .depth = 1, .comma = true};
    buf_add_slice(&a->out, buf_slice(&a->prefix));
    json_key(&w, "timestamp");
    json_put_time_ms(&w, row->t_us);
    for (size_t i = 0; i < row->n; i++) {
        json_key(&w, row->n > 1 ? history_fn_name(a->query.fns[i]) : "value");
        if (row->values[i].type == VALUE_NONE)
            json_put_null(&w);
        else
            json_put_value(&w, row->values[i]);
    }
    if (a->quality) {
        json_key(&w, "quality");
        json_put_cstr(&w, quality_name(row->quality));
    }
    if (row->before) {
        json_key(&w, "before");
        json_put_bool(&w, true);
    }
    buf_add(&a->out, "}\n", 2);
}

static void ndjson_series_end(struct past_answer *a, const struct history_turn *turn)
{
    if (!turn->damaged)
        return;
    buf_add_slice(&a->out, buf_slice(&a->prefix));
    buf_add_str(&a->out, ",\"damaged\":true}\n");
}

/* ---- CSV ---- */

static void csv_begin(struct past_answer *a)
{
    struct buf *b = &a->out;
    buf_add_str(b, a->many ? "twin,sensor,time" : "time");
    for (size_t i = 0; i < a->query.fns_n && a->query.fns_n > 1; i++)
        buf_addf(b, ",%s", history_fn_name(a->query.fns[i]));
    if (a->query.fns_n <= 1)
        buf_add_str(b, ",value");
    buf_add_str(b, a->quality ? ",quality\n" : "\n");
}

static void csv_series(struct past_answer *a)
{
    buf_clear(&a->prefix);
    if (a->many)
        buf_addf(&a->prefix, "%.*s,%.*s,", SLICE_ARG(a->at->twin), SLICE_ARG(a->at->sensor));
}

static void csv_row(struct past_answer *a, const struct history_row *row)
{
    struct buf *b = &a->out;
    struct json_writer w;
    buf_add_slice(b, buf_slice(&a->prefix));
    clock_format(b, row->t_us);
    /* the reading before has one value, whatever columns there are */
    for (size_t i = 0; i < (a->query.fns_n ? a->query.fns_n : 1); i++) {
        buf_add_byte(b, ',');
        if (i >= row->n || row->values[i].type == VALUE_NONE)
            continue;
        json_writer_init(&w, b, 0);
        if (row->values[i].type == VALUE_TEXT)
            csv_put_text(b, row->values[i].as.text);
        else
            json_put_value(&w, row->values[i]);
    }
    if (a->quality)
        buf_addf(b, ",%s", quality_name(row->quality));
    buf_add_byte(b, '\n');
}

static void no_answer(struct past_answer *a)
{
    (void)a;
}

static void no_series_end(struct past_answer *a, const struct history_turn *turn)
{
    (void)a, (void)turn;
}

const struct past_form past_forms[] = {
    [FORM_JSON] = {"json", "application/json", true, true, json_begin, json_series, json_row,
                   json_series_end, json_end},
    [FORM_NDJSON] = {"ndjson", "application/x-ndjson", false, true, no_answer, ndjson_series,
                     ndjson_row, ndjson_series_end, no_answer},
    [FORM_CSV] = {"csv", "text/csv; charset=utf-8", false, false, csv_begin, csv_series, csv_row,
                  no_series_end, no_answer},
};
