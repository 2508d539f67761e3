/* lex_fuzz.c - words of SQL and AS OF: any text is cut into pieces that make the text again, and
 * taking AS OF out leaves the length, and leaves nothing more to take out. */
#include "ask/lex.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const int64_t NOW = INT64_C(1790000000000000);

static size_t tokens(struct slice sql)
{
    struct slice rest = sql;
    struct buf text = {0};
    const char *end = sql.p;
    size_t n = 0;
    for (struct lex_token t; (t = lex_next(&rest)).kind != LEX_END; n++) {
        assert(t.text.n && t.text.p >= end && t.text.p + t.text.n <= sql.p + sql.n);
        end = t.text.p + t.text.n;
        assert(rest.p == end);
        buf_clear(&text);
        lex_put_text(&text, t);
        assert(text.n <= t.text.n);
    }
    assert(rest.n == 0);
    buf_release(&text);
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *sql = malloc(size + 1);
    struct as_of as_of, again;
    if (!sql)
        return 0;
    memcpy(sql, data, size);
    sql[size] = 0;
    tokens(slice_of(sql, size));
    int err = as_of_take(sql, size, NOW, &as_of);
    assert(sql[size] == 0 && as_of.place <= size);
    if (!err) {
        tokens(slice_of(sql, size));
        assert(as_of_take(sql, size, NOW, &again) == 0 && again.at_us == 0);
    }
    free(sql);
    return 0;
}
