#include "server/envelopes.h"

#include "base/err.h"
#include "crypto/key_ring.h"
#include "os/file.h"
#include "server/term.h"

#include <errno.h>
#include <sys/stat.h>

enum { WORDS_MAX = 16384 };

/* Only its owner may read a secret; "-", standard input, has none to ask. */
static bool is_open(const char *path)
{
    struct stat st;
    if (strcmp(path, "-") == 0 || stat(path, &st) != 0 || !S_ISREG(st.st_mode) ||
        !(st.st_mode & 077))
        return false;
    term_problem("%s can be read by others (mode %03o); make it yours alone with: chmod 600 %s",
                 path, (unsigned)st.st_mode & 0777U, path);
    return true;
}

static int read_secret(const char *path, struct buf *out)
{
    if (is_open(path))
        return CODE_FAILED;
    int err = file_read(path, WORDS_MAX, out);
    if (!err)
        return CODE_OK;
    term_problem("%s cannot be read: %s", path, file_why(err));
    return err == ERR_NOT_FOUND ? CODE_MISSING : CODE_FAILED;
}

static int read_identities(const struct invocation *in, struct envelopes *e)
{
    const char *path;
    for (size_t i = 0; (path = option_each(in, "identity", i)); i++) {
        struct buf why = {0};
        size_t before = e->identities.n;
        int code = read_secret(path, &e->identities);
        if (code != CODE_OK)
            return code;
        if (envelope_check_identities(slice_skip(buf_slice(&e->identities), before), &why)) {
            term_problem("%s: %.*s", path, SLICE_ARG(buf_slice(&why)));
            buf_release(&why);
            return CODE_USAGE;
        }
        buf_add_byte(&e->identities, '\n');
    }
    return CODE_OK;
}

/* The first line of a file. */
static int read_passphrase(const struct invocation *in, const char *option, struct buf *out)
{
    const char *path = option_value(in, option);
    int code = path ? read_secret(path, out) : CODE_OK;
    if (!path || code != CODE_OK)
        return code;
    ptrdiff_t end = slice_find(buf_slice(out), '\n');
    if (end >= 0)
        out->n = (size_t)end;
    if (out->n && out->p[out->n - 1] == '\r')
        out->n--;
    if (out->n >= ENVELOPE_PASSPHRASE_MIN && out->n <= ENVELOPE_PASSPHRASE_MAX)
        return CODE_OK;
    term_problem("%s: a passphrase has %d to %d bytes, in the first line", path,
                 ENVELOPE_PASSPHRASE_MIN, ENVELOPE_PASSPHRASE_MAX);
    return CODE_USAGE;
}

int envelopes_read(const struct invocation *in, const char *passphrase, struct envelopes *ret)
{
    *ret = (struct envelopes){0};
    int code = read_identities(in, ret);
    if (code == CODE_OK)
        code = read_passphrase(in, "passphrase-file", &ret->passphrase);
    if (code == CODE_OK && strcmp(passphrase, "passphrase-file") != 0)
        code = read_passphrase(in, passphrase, &ret->new_passphrase);
    const char *word;
    size_t n = 0;
    for (; code == CODE_OK && (word = option_each(in, "recipient", n)); n++) {
        if (n == ENVELOPE_LOCKS_MAX)
            code =
                command_usage(in->command, "there are more than %d recipients", ENVELOPE_LOCKS_MAX);
        else
            ret->recipients[n] = word;
    }
    if (code != CODE_OK) {
        envelopes_release(ret);
        return code;
    }
    bool same = strcmp(passphrase, "passphrase-file") == 0;
    ret->means = (struct envelope_means){buf_slice(&ret->identities), buf_slice(&ret->passphrase)};
    ret->locks = (struct envelope_locks){
        .recipients = ret->recipients,
        .recipients_n = n,
        .passphrase = buf_slice(same ? &ret->passphrase : &ret->new_passphrase)};
    return CODE_OK;
}

void envelopes_release(struct envelopes *e)
{
    secret_release(&e->identities);
    secret_release(&e->passphrase);
    secret_release(&e->new_passphrase);
}

bool envelopes_lock(const struct envelopes *e)
{
    return e->locks.recipients_n || e->locks.passphrase.n;
}
