#include "server/demo_weather.h"

#include "base/err.h"
#include "server/csv.h"

#include <stdlib.h>

enum { COLUMNS_N = 6 };
static const char *const columns[COLUMNS_N] = {"date",     "precipitation", "temp_max",
                                               "temp_min", "wind",          "weather"};

static ptrdiff_t take_bytes(void *arg, char *into, size_t cap)
{
    struct slice *rest = arg;
    size_t n = rest->n < cap ? rest->n : cap;
    memcpy(into, rest->p, n);
    *rest = slice_skip(*rest, n);
    return (ptrdiff_t)n;
}

static bool find_columns(const struct slice *fields, size_t n, size_t at[COLUMNS_N])
{
    for (size_t c = 0; c < COLUMNS_N; c++) {
        for (at[c] = 0; at[c] < n && !slice_is(fields[at[c]], columns[c]); at[c]++)
            ;
        if (at[c] == n)
            return false;
    }
    return true;
}

static bool read_day(struct arena *a, const struct slice *fields, size_t n,
                     const size_t at[COLUMNS_N], struct weather_day *d)
{
    for (size_t c = 0; c < COLUMNS_N; c++) {
        if (at[c] >= n)
            return false;
    }
    if (slice_to_double(fields[at[1]], &d->precipitation_mm) ||
        slice_to_double(fields[at[2]], &d->temp_max_c) ||
        slice_to_double(fields[at[3]], &d->temp_min_c) ||
        slice_to_double(fields[at[4]], &d->wind_ms))
        return false;
    d->date = arena_dup(a, fields[at[0]]);
    d->weather = arena_dup(a, fields[at[5]]);
    return d->date.p && d->weather.p;
}

int weather_read(struct arena *a, struct slice csv, struct weather *ret)
{
    struct csv *c = NULL;
    const struct slice *fields;
    size_t n, at[COLUMNS_N], lines = 1;
    int err = csv_new(take_bytes, &csv, ',', &c);
    if (err)
        return err;
    for (size_t i = 0; i < csv.n; i++)
        lines += csv.p[i] == '\n';
    struct weather w = {.days = arena_alloc(a, lines * sizeof *w.days)};
    if (!w.days) {
        err = ERR_NOMEM;
        goto done;
    }
    if (csv_next(c, &fields, &n) != 1 || !find_columns(fields, n, at)) {
        err = ERR_MALFORMED;
        goto done;
    }
    int row;
    while (w.n < lines && ((row = csv_next(c, &fields, &n)) == 1 || row == ERR_MALFORMED)) {
        if (row == 1 && read_day(a, fields, n, at, &w.days[w.n]))
            w.n++;
    }
    err = w.n ? 0 : ERR_MALFORMED;
    if (!err)
        *ret = w;
done:
    csv_free(c);
    return err;
}
