/* chunked.c - the chunked coding of RFC 9112 section 7.1, strictly.
 *
 * Every deviation that two readers could understand differently is refused: a line that ends in
 * a lone LF or CR, a size that is not hexadecimal digits, a missing line end behind the content,
 * a folded trailer line.  Extensions and trailers are read over, within a limit. */
#include "http/http_internal.h"

enum {
    SIZE,
    SPACE,
    EXTENSION,
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    LINE,
    NAME,
    VALUE,
    LINE_LF,
    END_LF
};

enum { MAX_DIGITS = 16 };

static int take_size(struct chunked *c, unsigned char byte)
{
    int digit = byte >= '0' && byte <= '9'   ? byte - '0'
                : byte >= 'a' && byte <= 'f' ? byte - 'a' + 10
                : byte >= 'A' && byte <= 'F' ? byte - 'A' + 10
                                             : -1;
    if (digit >= 0) {
        if (++c->digits > MAX_DIGITS || c->left > UINT64_MAX >> 4)
            return -400;
        c->left = c->left << 4 | (unsigned)digit;
        return 0;
    }
    if (!c->digits)
        return -400;
    if (byte == '\r')
        c->state = SIZE_LF;
    else if (byte == ';')
        c->state = EXTENSION;
    else if (byte == ' ' || byte == '\t')
        c->state = SPACE;
    else
        return -400;
    return 0;
}

/* One byte of everything that is not content. */
static int take_byte(struct chunked *c, char byte, const struct buf *out, size_t max_body)
{
    switch (c->state) {
    case SIZE:
        return take_size(c, (unsigned char)byte);
    case SPACE:
        if (byte == ';')
            c->state = EXTENSION;
        else if (byte != ' ' && byte != '\t')
            return -400;
        return 0;
    case EXTENSION:
        if (byte == '\r')
            c->state = SIZE_LF;
        else if (!char_is(byte, CHAR_VALUE))
            return -400;
        return 0;
    case SIZE_LF:
        if (byte != '\n')
            return -400;
        if (c->left > max_body - out->n)
            return -413;
        c->state = c->left ? DATA : LINE;
        return 0;
    case DATA_CR:
        c->state = DATA_LF;
        return byte == '\r' ? 0 : -400;
    case DATA_LF:
        c->state = SIZE;
        c->digits = 0;
        return byte == '\n' ? 0 : -400;
    case LINE:
        c->state = byte == '\r' ? END_LF : NAME;
        return byte == '\r' || char_is(byte, CHAR_TOKEN) ? 0 : -400;
    case NAME:
        if (byte == ':')
            c->state = VALUE;
        return byte == ':' || char_is(byte, CHAR_TOKEN) ? 0 : -400;
    case VALUE:
        if (byte == '\r')
            c->state = LINE_LF;
        return byte == '\r' || char_is(byte, CHAR_VALUE) ? 0 : -400;
    case LINE_LF:
        c->state = LINE;
        return byte == '\n' ? 0 : -400;
    default: /* END_LF */
        return byte == '\n' ? 1 : -400;
    }
}

int chunked_take(struct chunked *c, struct slice *in, struct buf *out, size_t max_body,
                 size_t max_overhead)
{
    while (in->n) {
        if (c->state == DATA) {
            size_t n = c->left < in->n ? (size_t)c->left : in->n;
            buf_add(out, in->p, n);
            *in = slice_skip(*in, n);
            c->left -= n;
            if (!c->left)
                c->state = DATA_CR;
            continue;
        }
        unsigned char state = c->state;
        int rc = take_byte(c, in->p[0], out, max_body);
        *in = slice_skip(*in, 1);
        if (rc != 0)
            return rc;
        if ((state == SPACE || state == EXTENSION || state >= LINE) && ++c->overhead > max_overhead)
            return state >= LINE ? -431 : -400;
    }
    return 0;
}
