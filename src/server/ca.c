/* ca.c - doppel ca init, issue, list, revoke, crl: the authority for devices, in DATA/ca. */
#include "crypto/ca.h"

#include "base/clock.h"
#include "base/err.h"
#include "codec/json.h"
#include "crypto/key_ring.h"
#include "os/file.h"
#include "server/run.h"
#include "server/term.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PASSPHRASE_MAX = 1024, REQUEST_MAX = 65536 };
#define DAY_US INT64_C(86400000000)
#define VALID_MAX_US (INT64_C(36500) * DAY_US)

static int code_of(int err)
{
    return err == ERR_NOT_FOUND                      ? CODE_MISSING
           : err == ERR_EXISTS || err == ERR_INVALID ? CODE_USAGE
           : err == ERR_CORRUPT                      ? CODE_NO
                                                     : CODE_FAILED;
}

/* Say why, if it failed; the exit code. */
static int end(int err, struct buf *why)
{
    struct slice words = why->n ? buf_slice(why) : SLICE_LIT("out of memory");
    if (err)
        term_problem("%.*s", SLICE_ARG(words));
    buf_release(why);
    return err ? code_of(err) : CODE_OK;
}

static char *directory(const struct invocation *in)
{
    struct buf b = {0};
    buf_addf(&b, "%s/ca", option_value(in, "data"));
    return buf_take(&b);
}

/* The first line of --passphrase-file, or DOPPEL_CA_PASSPHRASE; empty: the key has none. */
static int read_passphrase(const struct invocation *in, struct buf *ret, struct buf *why)
{
    const char *file = option_value(in, "passphrase-file"), *given = getenv("DOPPEL_CA_PASSPHRASE");
    if (!file) {
        buf_add_str(ret, given ? given : "");
        return ret->failed ? ERR_NOMEM : 0;
    }
    int err = file_read(file, PASSPHRASE_MAX, ret);
    if (err) {
        buf_addf(why, "the passphrase cannot be read from %s: %s", file, file_why(err));
        return ERR_IO;
    }
    ptrdiff_t line = slice_find(buf_slice(ret), '\n');
    ret->n = line >= 0 ? (size_t)line : ret->n;
    if (ret->n && ret->p[ret->n - 1] == '\r')
        ret->n--;
    if (!ret->n) {
        buf_addf(why, "the first line of %s is empty; a passphrase is wanted", file);
        return ERR_INVALID;
    }
    return 0;
}

static int read_valid(const struct invocation *in, int64_t *ret_until_us, struct buf *why)
{
    const char *text = option_value(in, "valid");
    int64_t us;
    if (clock_parse_duration(slice_str(text), &us) != 0 || us > VALID_MAX_US) {
        buf_addf(why, "--valid takes a time such as 365d or 12h, not \"%s\"", text);
        return ERR_INVALID;
    }
    *ret_until_us = clock_now_us() + us;
    return 0;
}

static int open_ca(const struct invocation *in, struct ca **ret, struct buf *why)
{
    struct buf passphrase = {0};
    char *dir = directory(in);
    int err = dir ? read_passphrase(in, &passphrase, why) : ERR_NOMEM;
    if (!err && (err = ca_open(dir, buf_slice(&passphrase), ret, why)) == ERR_FOREIGN &&
        !passphrase.n)
        buf_add_str(why, " (--passphrase-file FILE or DOPPEL_CA_PASSPHRASE gives it)");
    secret_release(&passphrase);
    free(dir);
    return err;
}

/* ---- init ---- */

static void print_made(const char *dir, const char *data)
{
    printf("%s/ca.pem is an authority for devices; its key is %s/ca-key.pem.\n\n"
           "A certificate for a device:\n"
           "  doppel ca issue TWIN --out DIR --data %s\n"
           "The server takes those certificates, and no revoked ones, when it is started with\n"
           "  --client-ca %s/ca.pem --client-crl %s/crl.pem\n",
           dir, dir, data, dir, dir);
}

int ca_init_run(const struct invocation *in)
{
    struct buf why = {0}, passphrase = {0}, title = {0};
    const char *name = option_value(in, "name"), *data = option_value(in, "data");
    char *dir = directory(in), host[256] = "this machine";
    struct authority_opts o = {0};
    gethostname(host, sizeof host - 1);
    if (name)
        buf_add_str(&title, name);
    else
        buf_addf(&title, "Doppel devices of %.40s", host);
    if (title.n == 0 || title.n > 64)
        buf_addf(&why, "a name has 1 to 64 bytes"), title.failed = true;
    int err = why.n ? ERR_INVALID : read_valid(in, &o.until_us, &why);
    char *common = buf_take(&title);
    o.common_name = common;
    if (!err)
        err = read_passphrase(in, &passphrase, &why);
    if (!err && (!dir || !common))
        err = ERR_NOMEM;
    if (!err && mkdir(data, 0700) != 0 && errno != EEXIST) {
        buf_addf(&why, "%s: %s", data, strerror(errno));
        err = ERR_IO;
    }
    if (!err && !(err = ca_make(dir, &o, buf_slice(&passphrase), &why)))
        print_made(dir, data);
    secret_release(&passphrase);
    free(common);
    free(dir);
    return end(err, &why);
}

/* ---- issue ---- */

static char *out_path(const char *out, const struct ca_order *o, const char *ending)
{
    struct buf b = {0};
    bool home = strcmp(o->org, "home") == 0;
    buf_addf(&b, "%s/%s%s%s%s", out, home ? "" : o->org, home ? "" : "~", o->twin, ending);
    return buf_take(&b);
}

static int check_free(const char *path, bool force, struct buf *why)
{
    if (!path)
        return ERR_NOMEM;
    if (force || access(path, F_OK) != 0)
        return 0;
    buf_addf(why, "%s is there already; --force overwrites it", path);
    return ERR_EXISTS;
}

static int write_part(const char *path, struct buf *text, unsigned mode, struct buf *why)
{
    int err = file_write(path, buf_slice(text), mode);
    if (err)
        buf_addf(why, "%s: %s", path, file_why(err));
    return err;
}

/* What the device needs as well, where the server has a certificate of its own. */
static void print_server(const char *data)
{
    struct buf path = {0};
    buf_addf(&path, "%s/tls/ca.pem", data);
    char *ca = buf_take(&path);
    if (ca && access(ca, F_OK) == 0)
        printf("The device knows the server by %s\n", ca);
    free(ca);
}

static void print_issued(const struct invocation *in, const struct ca_order *o,
                         const struct cert_issued *i, const char *cert, const char *key)
{
    struct buf out = {0};
    struct json_writer w;
    json_writer_init(&w, &out, 2);
    json_open(&w, '{');
    json_key(&w, "certificate");
    json_put_cstr(&w, cert);
    if (i->key.n) {
        json_key(&w, "key");
        json_put_cstr(&w, key);
    }
    json_key(&w, "organization");
    json_put_cstr(&w, o->org);
    json_key(&w, "twin");
    json_put_cstr(&w, o->twin);
    json_key(&w, "serial");
    json_put_cstr(&w, i->serial);
    json_key(&w, "fingerprint");
    json_put_cstr(&w, i->fingerprint);
    json_key(&w, "until");
    json_put_time(&w, i->until_us);
    json_close(&w, '}');
    if (option_on(in, "json")) {
        printf("%.*s\n", SLICE_ARG(buf_slice(&out)));
    } else {
        buf_clear(&out);
        clock_format(&out, i->until_us);
        printf("%s is good for %s of %s until %.*s; serial number %s\n", cert, o->twin, o->org,
               SLICE_ARG(buf_slice(&out)), i->serial);
        if (i->key.n)
            printf("%s is its key: it belongs on the device, and nowhere else\n", key);
        print_server(option_value(in, "data"));
    }
    buf_release(&out);
}

static int issue(const struct invocation *in, struct ca_order *o, struct buf *why)
{
    struct ca *c = NULL;
    struct cert_issued made = {0};
    const char *out = option_value(in, "out");
    bool force = option_on(in, "force"), own_key = o->request.n == 0;
    char *cert = out_path(out, o, ".cert.pem"), *key = out_path(out, o, ".key.pem");
    int err = check_free(cert, force, why);
    if (!err && own_key)
        err = check_free(key, force, why);
    if (!err && mkdir(out, 0700) != 0 && errno != EEXIST) {
        buf_addf(why, "%s: %s", out, strerror(errno));
        err = ERR_IO;
    }
    if (!err)
        err = open_ca(in, &c, why);
    if (!err)
        err = ca_issue(c, o, &made, why);
    if (!err && own_key)
        err = write_part(key, &made.key, 0600, why);
    if (!err && !(err = write_part(cert, &made.cert, 0644, why)))
        print_issued(in, o, &made, cert, key);
    cert_issued_release(&made);
    ca_close(c);
    free(cert);
    free(key);
    return err;
}

int ca_issue_run(const struct invocation *in)
{
    struct buf why = {0}, request = {0};
    const char *csr = option_value(in, "csr");
    struct ca_order o = {.org = option_value(in, "org"), .twin = in->args[0]};
    int err = read_valid(in, &o.until_us, &why);
    if (!err && (!slice_is_id(slice_str(o.twin)) || !slice_is_id(slice_str(o.org)))) {
        buf_addf(&why,
                 "\"%s\" of \"%s\" cannot be a twin: ids have letters, digits, . _ - and :", o.twin,
                 o.org);
        err = ERR_INVALID; /* before it becomes the name of a file */
    }
    if (!err && csr && (err = file_read(csr, REQUEST_MAX, &request)))
        buf_addf(&why, "%s: %s", csr, file_why(err));
    else if (!err && csr && !request.n) {
        buf_addf(&why, "%s is empty", csr);
        err = ERR_INVALID;
    }
    o.request = buf_slice(&request);
    if (!err)
        err = issue(in, &o, &why);
    buf_release(&request);
    return end(err, &why);
}

/* ---- list ---- */

static bool is_current(const struct ca_entry *e)
{
    return !e->revoked_us && e->until_us > clock_now_us();
}

static const char *state_of(const struct ca_entry *e)
{
    return e->revoked_us ? "revoked" : is_current(e) ? "good" : "expired";
}

static void list_json(const struct ca *c, bool all)
{
    struct buf out = {0};
    struct json_writer w;
    json_writer_init(&w, &out, 2);
    json_open(&w, '[');
    for (size_t i = 0; i < ca_count(c); i++) {
        const struct ca_entry *e = ca_at(c, i);
        if (!all && !is_current(e))
            continue;
        json_open(&w, '{');
        json_key(&w, "serial");
        json_put_cstr(&w, e->serial);
        json_key(&w, "organization");
        json_put_cstr(&w, e->org);
        json_key(&w, "twin");
        json_put_cstr(&w, e->twin);
        json_key(&w, "fingerprint");
        json_put_cstr(&w, e->fingerprint);
        json_key(&w, "from");
        json_put_time(&w, e->from_us);
        json_key(&w, "until");
        json_put_time(&w, e->until_us);
        json_key(&w, "state");
        json_put_cstr(&w, state_of(e));
        if (e->revoked_us) {
            json_key(&w, "revoked");
            json_put_time(&w, e->revoked_us);
            json_key(&w, "reason");
            json_put_cstr(&w, cert_reason_text(e->reason));
        }
        json_close(&w, '}');
    }
    json_close(&w, ']');
    printf("%.*s\n", SLICE_ARG(buf_slice(&out)));
    buf_release(&out);
}

static int list_table(const struct ca *c, bool all)
{
    static const char *const headings[] = {"ORG", "TWIN", "STATE", "UNTIL", "SERIAL"};
    struct table *t = table_new(headings, 5);
    if (!t)
        return ERR_NOMEM;
    for (size_t i = 0; i < ca_count(c); i++) {
        const struct ca_entry *e = ca_at(c, i);
        struct buf until = {0};
        if (!all && !is_current(e))
            continue;
        clock_format(&until, e->until_us);
        table_cell(t, STYLE_PLAIN, slice_str(e->org));
        table_cell(t, STYLE_BOLD, slice_str(e->twin));
        table_cell(t, is_current(e) ? STYLE_OK : STYLE_DIM, slice_str(state_of(e)));
        table_cell(t, STYLE_PLAIN, buf_slice(&until));
        table_cell(t, STYLE_DIM, slice_str(e->serial));
        buf_release(&until);
    }
    table_print(t, stdout);
    table_free(t);
    return 0;
}

int ca_list_run(const struct invocation *in)
{
    struct buf why = {0};
    struct ca *c = NULL;
    char *dir = directory(in);
    int err = dir ? ca_look(dir, &c, &why) : ERR_NOMEM;
    if (!err && option_on(in, "json"))
        list_json(c, option_on(in, "all"));
    else if (!err)
        err = list_table(c, option_on(in, "all"));
    ca_close(c);
    free(dir);
    return end(err, &why);
}

/* ---- revoke, crl ---- */

static int revoke_twin(struct ca *c, const char *org, const char *twin, enum cert_reason reason,
                       struct buf *why)
{
    size_t n = 0;
    for (size_t i = 0; i < ca_count(c); i++) {
        const struct ca_entry *e = ca_at(c, i);
        if (strcmp(e->org, org) != 0 || strcmp(e->twin, twin) != 0 || !is_current(e))
            continue;
        int err = ca_revoke(c, slice_str(e->serial), reason, why);
        if (err)
            return err;
        printf("%s of %s: %s is revoked\n", twin, org, e->serial);
        n++;
    }
    if (n)
        return 0;
    buf_addf(why, "%s of %s has no certificate that is good", twin, org);
    return ERR_NOT_FOUND;
}

int ca_revoke_run(const struct invocation *in)
{
    struct buf why = {0};
    struct ca *c = NULL;
    const char *serial = option_value(in, "serial"), *text = option_value(in, "reason");
    enum cert_reason reason = CERT_UNSPECIFIED;
    int err = 0;
    if ((in->args_n == 1) == (serial != NULL)) {
        buf_add_str(&why, "either a TWIN, or --serial NUMBER for one certificate alone");
        err = ERR_INVALID;
    } else if (cert_reason_parse(slice_str(text), &reason)) {
        buf_addf(&why, "\"%s\" is no reason; there are", text);
#define X(name, number, word) buf_add_str(&why, " " word);
        CERT_REASON_TABLE(X)
#undef X
        err = ERR_INVALID;
    }
    if (!err)
        err = open_ca(in, &c, &why);
    if (!err && !serial)
        err = revoke_twin(c, option_value(in, "org"), in->args[0], reason, &why);
    else if (!err && !(err = ca_revoke(c, slice_str(serial), reason, &why)))
        printf("%s is revoked\n", serial);
    ca_close(c);
    return end(err, &why);
}

int ca_crl_run(const struct invocation *in)
{
    struct buf why = {0};
    struct ca *c = NULL;
    int64_t until = 0;
    int err = option_value(in, "valid") ? read_valid(in, &until, &why) : 0;
    if (!err)
        err = open_ca(in, &c, &why);
    if (!err)
        err = ca_list_revoked(c, until ? until : ca_until_us(c), &why);
    if (!err)
        printf("%s/ca/crl.pem is written anew\n", option_value(in, "data"));
    ca_close(c);
    return end(err, &why);
}
