/* tls.c - doppel tls init. */
#include "base/clock.h"
#include "base/err.h"
#include "codec/json.h"
#include "server/own_cert.h"
#include "server/run.h"
#include "server/term.h"

static const char *next(const struct own_cert *c, const char *name)
{
    const char *p = name ? name + strlen(name) + 1 : c->names.p;
    return p < c->names.p + c->names.n ? p : NULL;
}

static void print_json(const struct own_cert *c)
{
    struct buf out = {0};
    struct json_writer w;
    json_writer_init(&w, &out, 2);
    json_open(&w, '{');
    json_key(&w, "certificate");
    json_put_cstr(&w, c->cert);
    json_key(&w, "key");
    json_put_cstr(&w, c->key);
    json_key(&w, "authority");
    json_put_cstr(&w, c->ca);
    json_key(&w, "authorityFingerprint");
    json_put_cstr(&w, c->ca_fingerprint);
    json_key(&w, "authorityIsNew");
    json_put_bool(&w, c->ca_is_new);
    json_key(&w, "names");
    json_open(&w, '[');
    for (const char *name = next(c, NULL); name; name = next(c, name))
        json_put_cstr(&w, name);
    json_close(&w, ']');
    json_key(&w, "until");
    json_put_time(&w, c->until_us);
    json_close(&w, '}');
    printf("%.*s\n", SLICE_ARG(buf_slice(&out)));
    buf_release(&out);
}

static void print_trust(const char *ca)
{
    printf("\nTrust the authority once on each machine that opens the page, and browsers do not "
           "warn:\n"
           "  Debian, Ubuntu   sudo cp %s /usr/local/share/ca-certificates/doppel.crt &&\n"
           "                   sudo update-ca-certificates     (curl, Python, mosquitto)\n"
           "  Chrome on Linux  certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n Doppel -i %s\n"
           "  Firefox          Settings, Privacy and Security, View Certificates, Authorities, "
           "Import\n"
           "  macOS            sudo security add-trusted-cert -d -r trustRoot \\\n"
           "                   -k /Library/Keychains/System.keychain %s\n"
           "  Windows          certutil -addstore -f Root %s     (as administrator)\n"
           "  telephones       open the file there, and allow it in the settings as an authority\n"
           "For one program only: curl --cacert, mosquitto_pub --cafile, NODE_EXTRA_CA_CERTS.\n",
           ca, ca, ca, ca);
}

static void print_words(const struct own_cert *c, const char *data)
{
    struct buf until = {0};
    clock_format(&until, c->until_us);
    printf("%s is good until %.*s for\n ", c->cert, SLICE_ARG(buf_slice(&until)));
    for (const char *name = next(c, NULL); name; name = next(c, name))
        printf(" %s", name);
    printf("\nIts authority, %s%s, has the fingerprint (SHA-256)\n  %s\n"
           "and can issue for these names, and names and addresses of private networks, alone.\n",
           c->ca_is_new ? "a new one, " : "", c->ca, c->ca_fingerprint);
    if (c->ca_is_new)
        print_trust(c->ca);
    printf("\nA server that shows it already takes it up by itself.  Else start one:\n"
           "  doppel serve --data %s --https 127.0.0.1:8443 --mqtts 127.0.0.1:8883 "
           "--tls-self-signed\n",
           data);
    buf_release(&until);
}

int tls_init_run(const struct invocation *in)
{
    const char *names[64], *data = option_value(in, "data"), *name;
    struct own_cert_opts o = {
        .names = names, .force = option_on(in, "force"), .new_authority = option_on(in, "new-ca")};
    struct own_cert made = {0};
    struct buf why = {0};
    while (o.names_n < sizeof names / sizeof names[0] &&
           (name = option_each(in, "name", o.names_n)))
        names[o.names_n++] = name;
    int err = own_cert_make(data, &o, &made, &why);
    if (err)
        term_problem("%.*s", SLICE_ARG(buf_slice(&why)));
    else if (option_on(in, "json"))
        print_json(&made);
    else
        print_words(&made, data);
    own_cert_release(&made);
    buf_release(&why);
    return !err                                      ? CODE_OK
           : err == ERR_EXISTS || err == ERR_INVALID ? CODE_USAGE
           : err == ERR_FOREIGN                      ? CODE_NO
                                                     : CODE_FAILED;
}
