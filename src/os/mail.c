#include "os/mail.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/utf8.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { TIMEOUT_MS = 30000, LINE_BYTES = 57 /* of BASE64 in a line of 76 */ };

struct mailer {
    struct pool *pool;
    char *url, *from, *user, *password, *ca_file;
    bool plain;
    unsigned timeout_ms;
};

struct mail_job {
    struct pool_job job;
    struct mailer *mailer;
    struct curl_slist *to;
    struct buf message;
    size_t at;
    bool sent, temporary;
    char why[CURL_ERROR_SIZE + 128];
    mail_done_fn *done;
    void *arg;
};

bool mail_is_address(struct slice text)
{
    size_t at = 0, ats = 0;
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c <= ' ' || c >= 0x7f || strchr("<>()[],;:\\\"", c))
            return false;
        if (c == '@') {
            ats++;
            at = i;
        }
    }
    return text.n <= 254 && ats == 1 && at > 0 && at + 1 < text.n;
}

/* ---- the message (RFC 5322) ---- */

static void add_base64(struct buf *out, struct slice s)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < s.n; i += 3) {
        unsigned v = (unsigned)(unsigned char)s.p[i] << 16;
        v |= i + 1 < s.n ? (unsigned)(unsigned char)s.p[i + 1] << 8 : 0;
        v |= i + 2 < s.n ? (unsigned)(unsigned char)s.p[i + 2] : 0;
        buf_add_byte(out, (unsigned char)digits[v >> 18]);
        buf_add_byte(out, (unsigned char)digits[v >> 12 & 63]);
        buf_add_byte(out, i + 1 < s.n ? (unsigned char)digits[v >> 6 & 63] : '=');
        buf_add_byte(out, i + 2 < s.n ? (unsigned char)digits[v & 63] : '=');
    }
}

/* Encoded words (RFC 2047) of at most 45 bytes each, cut between characters. */
static void add_subject(struct buf *out, struct slice subject)
{
    char word[46];
    size_t i = 0, n = subject.n > 400 ? 400 : subject.n;
    buf_add_str(out, "Subject:");
    while (i < n) {
        size_t take = n - i < 45 ? n - i : 45;
        while (take > 1 && i + take < subject.n &&
               ((unsigned char)subject.p[i + take] & 0xc0) == 0x80)
            take--;
        memcpy(word, subject.p + i, take);
        for (size_t k = 0; k < take; k++)
            if ((unsigned char)word[k] < ' ' || word[k] == 0x7f)
                word[k] = ' ';
        buf_add_str(out, i ? "\r\n =?UTF-8?B?" : " =?UTF-8?B?");
        add_base64(out, slice_of(word, take));
        buf_add_str(out, "?=");
        i += take;
    }
    buf_add_str(out, "\r\n");
}

static void add_date(struct buf *out)
{
    char text[64];
    struct tm tm;
    time_t now = (time_t)(clock_now_us() / 1000000);
    gmtime_r(&now, &tm);
    strftime(text, sizeof text, "Date: %a, %d %b %Y %H:%M:%S +0000\r\n", &tm);
    buf_add_str(out, text);
}

static void write_message(struct buf *out, const struct mailer *m, const struct mail *mail)
{
    const char *host = strchr(m->from, '@');
    add_date(out);
    buf_addf(out, "From: Doppel <%s>\r\nTo: ", m->from);
    for (size_t i = 0; mail->to[i]; i++)
        buf_addf(out, "%s%s", i ? ",\r\n " : "", mail->to[i]);
    buf_addf(out, "\r\nMessage-ID: <%s.%lld@%s>\r\n", mail->id,
             (long long)(clock_now_us() / 1000000), host ? host + 1 : "localhost");
    add_subject(out, mail->subject);
    buf_add_str(out, "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
                     "Content-Type: text/plain; charset=utf-8\r\n"
                     "Content-Transfer-Encoding: base64\r\n\r\n");
    for (size_t i = 0; i < mail->text.n; i += LINE_BYTES) {
        size_t n = mail->text.n - i < LINE_BYTES ? mail->text.n - i : LINE_BYTES;
        add_base64(out, slice_of(mail->text.p + i, n));
        buf_add_str(out, "\r\n");
    }
}

/* ---- sending, on the mailer's thread ---- */

static size_t on_read(char *to, size_t size, size_t n, void *arg)
{
    struct mail_job *j = arg;
    size_t room = size * n, rest = j->message.n - j->at;
    size_t take = rest < room ? rest : room;
    memcpy(to, j->message.p + j->at, take);
    j->at += take;
    return take;
}

static void set_options(CURL *c, struct mail_job *j)
{
    const struct mailer *m = j->mailer;
    curl_easy_setopt(c, CURLOPT_URL, m->url);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(c, CURLOPT_PROXY, "");
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)m->timeout_ms);
    curl_easy_setopt(c, CURLOPT_USE_SSL, m->plain ? (long)CURLUSESSL_NONE : (long)CURLUSESSL_ALL);
    if (m->ca_file)
        curl_easy_setopt(c, CURLOPT_CAINFO, m->ca_file);
    if (m->user)
        curl_easy_setopt(c, CURLOPT_USERNAME, m->user);
    if (m->password)
        curl_easy_setopt(c, CURLOPT_PASSWORD, m->password);
    curl_easy_setopt(c, CURLOPT_MAIL_FROM, m->from);
    curl_easy_setopt(c, CURLOPT_MAIL_RCPT, j->to);
    curl_easy_setopt(c, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(c, CURLOPT_READDATA, j);
    curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
}

static void work(void *arg)
{
    struct mail_job *j = arg;
    char said[CURL_ERROR_SIZE] = "";
    long code = 0;
    CURL *c = curl_easy_init();
    if (!c) {
        j->temporary = true;
        snprintf(j->why, sizeof j->why, "out of memory");
        return;
    }
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, said);
    set_options(c, j);
    CURLcode result = curl_easy_perform(c);
    curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &code);
    j->sent = result == CURLE_OK;
    /* 5xx to what was said of this mail is for good; all else may be better later */
    j->temporary = !j->sent && !(result == CURLE_SEND_ERROR && code >= 500) &&
                   !(result == CURLE_RECV_ERROR && code >= 500);
    if (!j->sent)
        snprintf(j->why, sizeof j->why, "the mail server: %s%s",
                 said[0] ? said : curl_easy_strerror(result), code >= 400 ? "" : "");
    curl_easy_cleanup(c);
}

static void done(void *arg)
{
    struct mail_job *j = arg;
    j->done(j->arg, j->sent, j->temporary, j->sent ? "" : j->why);
    curl_slist_free_all(j->to);
    buf_release(&j->message);
    free(j);
}

int mail_send(struct mailer *m, const struct mail *mail, mail_done_fn *fn, void *arg)
{
    struct mail_job *j = calloc(1, sizeof *j);
    if (!j)
        return ERR_NOMEM;
    bool failed = false;
    for (size_t i = 0; mail->to[i] && !failed; i++) {
        struct curl_slist *more = curl_slist_append(j->to, mail->to[i]);
        failed = !more;
        j->to = more ? more : j->to;
    }
    write_message(&j->message, m, mail);
    if (failed || j->message.failed) {
        curl_slist_free_all(j->to);
        buf_release(&j->message);
        free(j);
        return ERR_NOMEM;
    }
    j->mailer = m;
    j->done = fn;
    j->arg = arg;
    j->job = (struct pool_job){.work = work, .done = done, .arg = j};
    pool_submit(m->pool, &j->job);
    return 0;
}

static char *copy(const char *text, bool *failed)
{
    char *s = text ? strdup(text) : NULL;
    *failed |= text && !s;
    return s;
}

int mailer_new(struct loop *l, const struct mail_opts *opts, struct mailer **ret, struct buf *why)
{
    struct slice url = slice_str(opts->url);
    if (!(slice_starts(url, "smtp://") && url.n > 7) &&
        !(slice_starts(url, "smtps://") && url.n > 8)) {
        buf_add_str(why, "the mail server is named as smtp://HOST:PORT or smtps://HOST:PORT");
        return ERR_INVALID;
    }
    if (!opts->from || !mail_is_address(slice_str(opts->from))) {
        buf_add_str(why, "mail has a sender, such as doppel@example.org");
        return ERR_INVALID;
    }
    struct mailer *m = calloc(1, sizeof *m);
    bool failed = !m;
    if (m) {
        m->url = copy(opts->url, &failed);
        m->from = copy(opts->from, &failed);
        m->user = copy(opts->user, &failed);
        m->password = copy(opts->password, &failed);
        m->ca_file = copy(opts->ca_file, &failed);
        m->plain = opts->plain;
        m->timeout_ms = opts->timeout_ms ? opts->timeout_ms : TIMEOUT_MS;
    }
    if (failed || pool_new(l, "mail", 1, &m->pool)) {
        mailer_free(m);
        return ERR_NOMEM;
    }
    *ret = m;
    return 0;
}

void mailer_free(struct mailer *m)
{
    if (!m)
        return;
    if (m->pool)
        pool_free(m->pool);
    if (m->password)
        explicit_bzero(m->password, strlen(m->password));
    free(m->url);
    free(m->from);
    free(m->user);
    free(m->password);
    free(m->ca_file);
    free(m);
}
