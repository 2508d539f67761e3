#include "server/ws_client.h"

#include "base/clock.h"
#include "base/err.h"
#include "server/term.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <wslay/wslay.h>

enum { HEAD_MAX = 16384, MESSAGE_MAX = 64 << 20 };

struct ws_client {
    struct client *client;
    wslay_event_context_ptr wslay;
    struct buf in; /* read from the connection, not yet taken by wslay */
    int (*fn)(void *arg, struct slice message);
    void *arg;
    int result; /* of fn */
    bool gone;
};

void ws_client_accept(const char *key, char ret[static 29])
{
    static const char suffix[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    ret[0] = 0;
    if (md && EVP_DigestInit_ex(md, EVP_sha1(), NULL) == 1 &&
        EVP_DigestUpdate(md, key, strlen(key)) == 1 &&
        EVP_DigestUpdate(md, suffix, sizeof suffix - 1) == 1 &&
        EVP_DigestFinal_ex(md, digest, &n) == 1)
        EVP_EncodeBlock((unsigned char *)ret, digest, (int)n);
    EVP_MD_CTX_free(md);
}

/* ---- the upgrade ---- */

/* Bytes up to the empty line; what came behind it stays in w->in. */
static int read_head(struct ws_client *w, struct buf *head)
{
    int64_t until = clock_mono_us() + 10 * INT64_C(1000000);
    while (clock_mono_us() < until && w->in.n < HEAD_MAX) {
        char *into = buf_reserve(&w->in, 4096);
        if (!into)
            return ERR_NOMEM;
        ptrdiff_t n = client_recv(w->client, into, 4096, 1000);
        if (n < 0)
            return ERR_IO;
        w->in.n += (size_t)n;
        const char *end = w->in.n ? memmem(w->in.p, w->in.n, "\r\n\r\n", 4) : NULL;
        if (end) {
            size_t size = (size_t)(end - w->in.p);
            buf_add(head, w->in.p, size);
            buf_drop(&w->in, size + 4);
            return head->failed ? ERR_NOMEM : 0;
        }
    }
    return ERR_TIMEOUT;
}

static bool head_agrees(struct slice head, const char *accept)
{
    struct slice line, name;
    bool agreed = false;
    slice_cut(&head, '\n', &line);
    if (!slice_starts(line, "HTTP/1.1 101"))
        return false;
    while (slice_cut(&head, '\n', &line)) {
        if (slice_cut(&line, ':', &name) && line.p &&
            slice_is_nocase(slice_trim(name), "sec-websocket-accept"))
            agreed = slice_is(slice_trim(line), accept);
    }
    return agreed;
}

static int upgrade(struct ws_client *w, const char *path, const char *host)
{
    unsigned char random[16];
    char key[32], accept[29];
    struct buf request = {0}, head = {0};
    if (RAND_bytes(random, sizeof random) != 1)
        return ERR_IO;
    EVP_EncodeBlock((unsigned char *)key, random, sizeof random);
    ws_client_accept(key, accept);
    buf_addf(&request,
             "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n"
             "User-Agent: doppel/" DOPPEL_VERSION "\r\n",
             path, host, key);
    if (client_token(w->client))
        buf_addf(&request, "Authorization: Bearer %s\r\n", client_token(w->client));
    buf_add_str(&request, "\r\n");
    int err = request.failed ? ERR_NOMEM : client_send(w->client, request.p, request.n);
    if (!err)
        err = read_head(w, &head);
    if (!err && !head_agrees(buf_slice(&head), accept)) {
        struct slice rest = buf_slice(&head), first;
        slice_cut(&rest, '\n', &first);
        struct buf clean = {0};
        term_clean(&clean, slice_trim(first), 200);
        term_problem("the server at %s did not agree to a WebSocket: %.*s", client_base(w->client),
                     SLICE_ARG(buf_slice(&clean)));
        buf_release(&clean);
        err = ERR_INVALID;
    } else if (err) {
        term_problem("the connection to %s ended before the WebSocket was there",
                     client_base(w->client));
    }
    buf_release(&request);
    buf_release(&head);
    return err;
}

/* ---- wslay's side ---- */

static ssize_t on_recv(wslay_event_context_ptr x, uint8_t *into, size_t cap, int flags, void *arg)
{
    struct ws_client *w = arg;
    (void)flags;
    if (w->in.n == 0) {
        wslay_event_set_error(x, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    size_t n = w->in.n < cap ? w->in.n : cap;
    memcpy(into, w->in.p, n);
    buf_drop(&w->in, n);
    return (ssize_t)n;
}

static ssize_t on_send(wslay_event_context_ptr x, const uint8_t *p, size_t n, int flags, void *arg)
{
    struct ws_client *w = arg;
    (void)flags;
    if (client_send(w->client, p, n)) {
        wslay_event_set_error(x, WSLAY_ERR_CALLBACK_FAILURE);
        return -1;
    }
    return (ssize_t)n;
}

static int on_mask(wslay_event_context_ptr x, uint8_t *into, size_t n, void *arg)
{
    (void)x, (void)arg;
    return RAND_bytes(into, (int)n) == 1 ? 0 : -1;
}

static void on_message(wslay_event_context_ptr x, const struct wslay_event_on_msg_recv_arg *m,
                       void *arg)
{
    struct ws_client *w = arg;
    (void)x;
    if (m->opcode == WSLAY_TEXT_FRAME && !w->result)
        w->result = w->fn(w->arg, slice_of((const char *)m->msg, m->msg_length));
    else if (m->opcode == WSLAY_CONNECTION_CLOSE)
        w->gone = true;
}

int ws_client_open(struct client *c, const char *path, struct ws_client **ret)
{
    static const struct wslay_event_callbacks callbacks = {
        .recv_callback = on_recv,
        .send_callback = on_send,
        .genmask_callback = on_mask,
        .on_msg_recv_callback = on_message,
    };
    const char *host = NULL;
    int code = client_raw(c, &host);
    if (code != CODE_OK)
        return code;
    struct ws_client *w = calloc(1, sizeof *w);
    if (!w) {
        term_problem("out of memory");
        return CODE_FAILED;
    }
    w->client = c;
    int err = upgrade(w, path, host);
    if (!err && wslay_event_context_client_init(&w->wslay, &callbacks, w)) {
        term_problem("out of memory");
        err = ERR_NOMEM;
    }
    if (err) {
        w->gone = true;
        ws_client_close(w);
        return err == ERR_INVALID ? CODE_REFUSED : err == ERR_NOMEM ? CODE_FAILED : CODE_REACH;
    }
    wslay_event_config_set_max_recv_msg_length(w->wslay, MESSAGE_MAX);
    *ret = w;
    return CODE_OK;
}

void ws_client_close(struct ws_client *w)
{
    if (!w)
        return;
    if (w->wslay && !w->gone) {
        wslay_event_queue_close(w->wslay, 1000, NULL, 0);
        wslay_event_send(w->wslay);
    }
    if (w->wslay)
        wslay_event_context_free(w->wslay);
    buf_release(&w->in);
    free(w);
}

int ws_client_send(struct ws_client *w, struct slice text)
{
    struct wslay_event_msg m = {WSLAY_TEXT_FRAME, (const uint8_t *)text.p, text.n};
    return wslay_event_queue_msg(w->wslay, &m) || wslay_event_send(w->wslay) ? ERR_IO : 0;
}

int ws_client_read(struct ws_client *w, int timeout_ms, int (*fn)(void *arg, struct slice message),
                   void *arg)
{
    w->fn = fn;
    w->arg = arg;
    w->result = 0;
    if (w->in.n == 0) {
        char *into = buf_reserve(&w->in, 65536);
        ptrdiff_t n = into ? client_recv(w->client, into, 65536, timeout_ms) : -1;
        if (n < 0)
            w->gone = true;
        else
            w->in.n += (size_t)n;
    }
    if (w->in.n && wslay_event_recv(w->wslay))
        w->gone = true;
    /* pongs and the answer to a close */
    if (wslay_event_want_write(w->wslay) && wslay_event_send(w->wslay))
        w->gone = true;
    return w->result ? w->result : w->gone ? ERR_IO : 0;
}
