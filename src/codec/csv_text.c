#include "codec/csv_text.h"

void csv_put_text(struct buf *out, struct slice s)
{
    bool plain = slice_find(s, ',') < 0 && slice_find(s, '"') < 0 && slice_find(s, '\n') < 0 &&
                 slice_find(s, '\r') < 0;
    if (plain) {
        buf_add_slice(out, s);
        return;
    }
    buf_add_byte(out, '"');
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"')
            buf_add_byte(out, '"');
        buf_add_byte(out, (unsigned char)s.p[i]);
    }
    buf_add_byte(out, '"');
}

void csv_put_foreign(struct buf *out, struct slice s)
{
    bool formula = s.n && strchr("=+-@\t\r", s.p[0]);
    if (!formula) {
        csv_put_text(out, s);
        return;
    }
    struct buf quoted = {0};
    buf_add_byte(&quoted, '\'');
    buf_add_slice(&quoted, s);
    out->failed |= quoted.failed;
    csv_put_text(out, buf_slice(&quoted));
    buf_release(&quoted);
}
