/* audit_out.c - how a line of the audit log looks outside: JSON, CSV, text. */
#include "access/audit.h"

#include "base/clock.h"
#include "codec/csv_text.h"

static void put_if(struct json_writer *w, const char *key, struct slice text)
{
    if (!text.n)
        return;
    json_key(w, key);
    json_put_string(w, text);
}

/* What was written as JSON goes out as JSON. */
static void put_document(struct json_writer *w, const char *key, struct slice text)
{
    if (!text.n)
        return;
    json_key(w, key);
    json_put_raw(w, text);
}

static void put_hex(struct buf *out, struct slice bytes)
{
    for (size_t i = 0; i < bytes.n; i++)
        buf_addf(out, "%02x", (unsigned char)bytes.p[i]);
}

static void put_time(struct json_writer *w, const char *key, int64_t t_us)
{
    struct buf text = {0};
    clock_format(&text, t_us);
    put_if(w, key, buf_slice(&text));
    w->out->failed |= text.failed;
    buf_release(&text);
}

static void put_hash(struct json_writer *w, struct slice hash)
{
    struct buf text = {0};
    put_hex(&text, hash);
    put_if(w, "hash", buf_slice(&text));
    w->out->failed |= text.failed;
    buf_release(&text);
}

static void put_who(struct json_writer *w, const struct audit_entry *e)
{
    json_key(w, "who");
    json_open(w, '{');
    json_key(w, "kind");
    json_put_string(w, e->who_kind);
    json_key(w, "id");
    json_put_string(w, e->who);
    put_if(w, "name", e->who_name);
    json_close(w, '}');
}

void audit_write_json(struct json_writer *w, const struct audit_row *row)
{
    const struct audit_entry *e = &row->e;
    json_open(w, '{');
    json_key(w, "n");
    json_put_uint(w, (uint64_t)row->n);
    put_time(w, "time", e->at_us);
    put_if(w, "organization", e->org);
    put_who(w, e);
    put_if(w, "address", e->address);
    put_if(w, "via", e->via);
    put_if(w, "request", e->request);
    put_if(w, "operation", e->operation);
    put_if(w, "object", e->object);
    put_if(w, "outcome", e->outcome);
    put_if(w, "detail", e->detail);
    put_document(w, "before", e->before);
    put_document(w, "after", e->after);
    if (!row->who_salt.n || !row->what_salt.n) {
        json_key(w, "erased");
        json_put_bool(w, true);
    }
    put_hash(w, row->hash);
    json_close(w, '}');
}

const char audit_csv_head[] =
    "n,time,organization,who_kind,who,who_name,address,via,request,operation,object,outcome,detail,"
    "before,after,hash\n";

void audit_write_csv(struct buf *out, const struct audit_row *row)
{
    const struct audit_entry *e = &row->e;
    const struct slice texts[] = {e->org,    e->who_kind, e->who,       e->who_name, e->address,
                                  e->via,    e->request,  e->operation, e->object,   e->outcome,
                                  e->detail, e->before,   e->after};
    buf_addf(out, "%lld,", (long long)row->n);
    clock_format(out, e->at_us);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        buf_add_byte(out, ',');
        csv_put_foreign(out, texts[i]);
    }
    buf_add_byte(out, ',');
    put_hex(out, row->hash);
    buf_add_byte(out, '\n');
}

/* Texts of strangers must not steer a terminal. */
static void put_visible(struct buf *out, struct slice s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        buf_add_byte(out, c < 0x20 || c == 0x7f ? '?' : c);
    }
}

void audit_write_text(struct buf *out, const struct audit_row *row)
{
    const struct audit_entry *e = &row->e;
    buf_addf(out, "%6lld  ", (long long)row->n);
    clock_format(out, e->at_us);
    buf_addf(out, "  %-8.*s ", SLICE_ARG(e->outcome));
    put_visible(out, e->operation);
    if (e->object.n) {
        buf_add_byte(out, ' ');
        put_visible(out, e->object);
    }
    buf_add_str(out, "  by ");
    put_visible(out, e->who_name.n ? e->who_name : e->who.n ? e->who : e->who_kind);
    if (e->address.n) {
        buf_add_str(out, " from ");
        put_visible(out, e->address);
    }
    if (e->org.n) {
        buf_add_str(out, " in ");
        put_visible(out, e->org);
    }
    if (e->detail.n) {
        buf_add_str(out, ": ");
        put_visible(out, e->detail);
    }
}
