/* flight.c - a job is one request with its own easy handle; the handles keep their connections.  A
 * job that has to be sent again stands outside of the multi handle until it is due. */
#include "server/flight.h"

#include "base/clock.h"
#include "server/client_curl.h"
#include "server/term.h"

#include <stdio.h>
#include <stdlib.h>

enum { FIRST_PAUSE_US = 250000, LAST_PAUSE_US = 5000000, WHY_MAX = 512, ANSWER_MAX = 4 << 20 };

struct job {
    struct flight *flight;
    CURL *curl;
    struct curl_slist *headers;
    char *url;
    struct buf body, answer;
    void *tag;
    bool put;
    bool busy, sent;  /* sent: libcurl has it */
    int64_t since_us; /* when the trouble began; 0: there is none */
    int64_t due_us, pause_us;
    char error[CURL_ERROR_SIZE], why[WHY_MAX];
};

struct flight {
    struct client *client;
    struct flight_opts opts;
    CURLM *multi;
    struct arena *arena;
    struct job *jobs;
    size_t busy;
};

static int no_memory(void)
{
    term_problem("out of memory");
    return CODE_FAILED;
}

int flight_new(struct client *c, const struct flight_opts *opts, struct flight **ret)
{
    struct flight *f = calloc(1, sizeof *f);
    if (!f)
        return no_memory();
    *f = (struct flight){.client = c, .opts = *opts};
    f->jobs = calloc(opts->most, sizeof *f->jobs);
    f->multi = curl_multi_init();
    f->arena = arena_new();
    for (size_t i = 0; f->jobs && i < opts->most; i++)
        if (!(f->jobs[i].curl = curl_easy_init()))
            goto nomem;
    if (!f->jobs || !f->multi || !f->arena)
        goto nomem;
    *ret = f;
    return CODE_OK;
nomem:
    flight_free(f);
    return no_memory();
}

static void job_clear(struct job *j)
{
    if (j->sent)
        curl_multi_remove_handle(j->flight->multi, j->curl);
    curl_slist_free_all(j->headers);
    free(j->url);
    buf_release(&j->body);
    buf_release(&j->answer);
    *j = (struct job){.curl = j->curl};
}

void flight_free(struct flight *f)
{
    if (!f)
        return;
    for (size_t i = 0; f->jobs && i < f->opts.most; i++) {
        job_clear(&f->jobs[i]);
        curl_easy_cleanup(f->jobs[i].curl);
    }
    curl_multi_cleanup(f->multi);
    arena_free(f->arena);
    free(f->jobs);
    free(f);
}

bool flight_has_room(const struct flight *f)
{
    return f->busy < f->opts.most;
}

size_t flight_count(const struct flight *f)
{
    return f->busy;
}

const char *flight_trouble(const struct flight *f)
{
    for (size_t i = 0; i < f->opts.most; i++)
        if (f->jobs[i].busy && f->jobs[i].since_us)
            return f->jobs[i].why;
    return NULL;
}

/* ---- sending ---- */

static size_t on_body(char *p, size_t one, size_t n, void *arg)
{
    struct job *j = arg;
    if (j->answer.n + one * n > ANSWER_MAX)
        return 0;
    buf_add(&j->answer, p, one * n);
    return j->answer.failed ? 0 : one * n;
}

static int job_send(struct job *j)
{
    buf_clear(&j->answer);
    client_common(j->flight->client, j->curl, j->error);
    curl_easy_setopt(j->curl, CURLOPT_URL, j->url);
    curl_easy_setopt(j->curl, CURLOPT_PRIVATE, j);
    curl_easy_setopt(j->curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(j->curl, CURLOPT_WRITEDATA, j);
    curl_easy_setopt(j->curl, CURLOPT_POST, 1L);
    if (j->put)
        curl_easy_setopt(j->curl, CURLOPT_CUSTOMREQUEST, "PUT");
    curl_easy_setopt(j->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)j->body.n);
    curl_easy_setopt(j->curl, CURLOPT_POSTFIELDS, j->body.p);
    curl_easy_setopt(j->curl, CURLOPT_HTTPHEADER, j->headers);
    if (curl_multi_add_handle(j->flight->multi, j->curl) != CURLM_OK)
        return no_memory();
    j->sent = true;
    return CODE_OK;
}

static int begin(struct flight *f, bool put, const char *path, const char *type, struct buf *body,
                 void *tag)
{
    struct job *j = f->jobs;
    struct buf url = {0}, header = {0};
    while (j->busy)
        j++;
    buf_addf(&url, "%s%s", client_base(f->client), path);
    buf_addf(&header, "Content-Type: %s", type);
    char *line = buf_take(&header);
    j->flight = f;
    j->url = buf_take(&url);
    j->headers = line ? curl_slist_append(NULL, line) : NULL;
    if (j->headers) /* no round trip before large bodies */
        j->headers = curl_slist_append(j->headers, "Expect:");
    free(line);
    j->body = *body;
    *body = (struct buf){0};
    j->tag = tag;
    j->put = put;
    j->busy = true;
    f->busy++;
    return j->url && j->headers ? job_send(j) : no_memory();
}

int flight_post(struct flight *f, const char *path, const char *type, struct buf *body, void *tag)
{
    return begin(f, false, path, type, body, tag);
}

int flight_put(struct flight *f, const char *path, const char *type, struct buf *body, void *tag)
{
    return begin(f, true, path, type, body, tag);
}

/* ---- answers ---- */

static void finish(struct job *j, struct flight_answer *a)
{
    struct flight *f = j->flight;
    struct jval *json = NULL;
    struct job done = *j;
    *j = (struct job){.curl = done.curl};
    f->busy--;
    arena_reset(f->arena);
    a->body = buf_slice(&done.answer);
    if (jdoc_parse(f->arena, a->body, &json, NULL) == 0)
        a->json = json;
    f->opts.done(f->opts.arg, done.tag, a);
    done.curl = NULL;
    curl_slist_free_all(done.headers);
    free(done.url);
    buf_release(&done.body);
    buf_release(&done.answer);
}

/* Will it be another time?  Then it waits, longer each time, until patience ends. */
static bool again_later(struct job *j, CURLcode result, long status)
{
    int64_t now = clock_mono_us();
    if (result == CURLE_OK && status != 503 && status != 507)
        return false;
    if (result == CURLE_OK)
        snprintf(j->why, sizeof j->why, "%s",
                 status == 507 ? "the server's disk is full" : "the server is busy");
    else
        snprintf(j->why, sizeof j->why, "cannot talk to %.200s: %s", client_base(j->flight->client),
                 j->error[0] ? j->error : curl_easy_strerror(result));
    if (!j->since_us)
        j->since_us = now;
    if (now - j->since_us >= j->flight->opts.patience_us)
        return false;
    j->pause_us = j->pause_us ? j->pause_us * 2 : FIRST_PAUSE_US;
    if (j->pause_us > LAST_PAUSE_US)
        j->pause_us = LAST_PAUSE_US;
    j->due_us = now + j->pause_us;
    return true;
}

static void take_answer(struct job *j, CURLcode result)
{
    struct flight_answer a = {0};
    long status = 0;
    curl_easy_getinfo(j->curl, CURLINFO_RESPONSE_CODE, &status);
    curl_multi_remove_handle(j->flight->multi, j->curl);
    j->sent = false;
    if (again_later(j, result, status))
        return;
    char why[WHY_MAX];
    memcpy(why, j->why, sizeof why);
    a.status = result == CURLE_OK ? status : 0;
    a.why = why;
    finish(j, &a);
}

static int send_due(struct flight *f, int64_t now, int64_t *wait_us)
{
    for (size_t i = 0; i < f->opts.most; i++) {
        struct job *j = &f->jobs[i];
        if (!j->busy || j->sent)
            continue;
        if (j->due_us <= now) {
            int code = job_send(j);
            if (code != CODE_OK)
                return code;
        } else if (j->due_us - now < *wait_us) {
            *wait_us = j->due_us - now;
        }
    }
    return CODE_OK;
}

int flight_wait(struct flight *f, int ms)
{
    int running, left;
    int64_t wait_us = (int64_t)ms * 1000;
    int code = send_due(f, clock_mono_us(), &wait_us);
    if (code != CODE_OK)
        return code;
    curl_multi_perform(f->multi, &running);
    CURLMsg *message = curl_multi_info_read(f->multi, &left);
    if (!message && ms > 0) {
        curl_multi_poll(f->multi, NULL, 0, (int)(wait_us / 1000) + 1, NULL);
        curl_multi_perform(f->multi, &running);
        message = curl_multi_info_read(f->multi, &left);
    }
    for (; message; message = curl_multi_info_read(f->multi, &left)) {
        char *job;
        if (message->msg != CURLMSG_DONE)
            continue;
        CURLcode result = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &job);
        take_answer((struct job *)(void *)job, result);
    }
    return CODE_OK;
}
