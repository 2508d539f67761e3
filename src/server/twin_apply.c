/* twin_apply.c - doppel twin apply: profiles of files, to a server.
 *
 * The first goes alone, so that a server that is not there is told once; then APPLY_AT_ONCE are
 * under way.  What is said comes in the order of the files all the same: answers are kept until
 * their turn, and a file that has something to say before it is sent waits for those before it; so
 * does one of a twin that is under way already. */
#include "base/err.h"
#include "os/file.h"
#include "server/client.h"
#include "server/flight.h"
#include "server/run.h"
#include "server/term.h"

#include <stdlib.h>
#include <string.h>

enum { PROFILE_MAX = 16 << 20, APPLY_AT_ONCE = 8, TURN_MS = 200 };

/* One that is under way, or has its answer and waits for its turn to be told. */
struct sent {
    char *id, *path;
    struct buf text, answer;
    long status; /* 0: nobody answered */
    bool answered;
};

struct apply {
    const struct invocation *in;
    struct client *client;
    struct flight *flight;
    struct sent ring[APPLY_AT_ONCE];
    size_t first, n;
    int worst;
};

/* CODE_REACH ends it, whatever else was wrong. */
static void note(struct apply *p, int code)
{
    if (code == CODE_REACH || (code > p->worst && p->worst != CODE_REACH))
        p->worst = code;
}

/* ---- telling ---- */

static void print_applied(const char *id, const struct answer *a)
{
    const struct jval *filled = jval_get(a->json, "filled");
    bool created = a->status == 201;
    printf("%s%s%s %s", term_style(stdout, STYLE_OK), created ? "created" : "changed",
           term_end(stdout), id);
    if (filled && filled->count) {
        fputs("; filled with defaults:", stdout);
        for (const struct jval *f = filled->first; f; f = f->next)
            printf(" %.*s", SLICE_ARG(f->text));
    }
    putchar('\n');
}

static int tell(const struct apply *p, const char *id, const struct answer *a)
{
    bool json = option_on(p->in, "json");
    client_json(json, a->body);
    if (a->status != 200 && a->status != 201)
        return client_problem(a, id);
    if (!json)
        print_applied(id, a);
    return CODE_OK;
}

/* PUT one and wait for it; whoever cannot be reached is told. */
static int put_alone(const struct apply *p, const struct sent *s)
{
    struct answer a = {0};
    int code = client_call(p->client, "PUT", s->path, "application/json", buf_slice(&s->text), &a);
    return code == CODE_OK ? tell(p, s->id, &a) : code;
}

static int tell_answer(const struct apply *p, const struct sent *s)
{
    struct answer a = {.status = s->status, .body = buf_slice(&s->answer)};
    struct jval *json = NULL;
    struct arena *arena = arena_new();
    if (arena && jdoc_parse(arena, a.body, &json, NULL) == 0)
        a.json = json;
    int code = tell(p, s->id, &a);
    arena_free(arena);
    return code;
}

static void sent_release(struct sent *s)
{
    free(s->id);
    free(s->path);
    buf_release(&s->text);
    buf_release(&s->answer);
    *s = (struct sent){0};
}

/* ---- under way ---- */

static void on_answer(void *arg, void *tag, const struct flight_answer *a)
{
    struct sent *s = tag;
    (void)arg;
    s->answered = true;
    s->status = a->status;
    buf_add_slice(&s->answer, a->body);
}

/* Tell until at most so many are left. */
static void wait_until(struct apply *p, size_t left)
{
    while (p->n > left && p->worst != CODE_REACH) {
        struct sent *s = &p->ring[p->first];
        if (!s->answered) {
            int code = flight_wait(p->flight, TURN_MS);
            if (code != CODE_OK) {
                note(p, CODE_REACH);
                return;
            }
            continue;
        }
        note(p, s->status ? tell_answer(p, s) : put_alone(p, s));
        sent_release(s);
        p->first = (p->first + 1) % APPLY_AT_ONCE;
        p->n--;
    }
}

static bool is_under_way(const struct apply *p, const char *id)
{
    for (size_t i = 0; i < p->n; i++)
        if (strcmp(p->ring[(p->first + i) % APPLY_AT_ONCE].id, id) == 0)
            return true;
    return false;
}

/* *s is taken over. */
static int send_one(struct apply *p, struct sent *s, bool alone)
{
    if (alone) {
        int code = put_alone(p, s);
        sent_release(s);
        return code;
    }
    wait_until(p, is_under_way(p, s->id) ? 0 : APPLY_AT_ONCE - 1);
    struct buf body = {0};
    buf_add_slice(&body, buf_slice(&s->text)); /* should nobody answer, it is sent again */
    if (p->worst == CODE_REACH || body.failed) {
        sent_release(s);
        buf_release(&body);
        return body.failed ? CODE_FAILED : CODE_OK;
    }
    struct sent *to = &p->ring[(p->first + p->n++) % APPLY_AT_ONCE];
    *to = *s;
    return flight_put(p->flight, to->path, "application/json", &body, to);
}

/* ---- files ---- */

static int apply_one(struct apply *p, const char *path, bool alone)
{
    const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
    struct sent s = {0};
    struct findings f = {0};
    struct jval *root = NULL;
    struct profile_view view = {0};
    struct arena *a = arena_new();
    int code = CODE_FAILED, err = file_read(path, PROFILE_MAX, &s.text);
    if (err) {
        wait_until(p, 0);
        term_problem("%s cannot be read: %s", name, file_why(err));
        goto fail;
    }
    /* looked at here first: only here are the lines of the file known */
    if (!a || profile_check(a, buf_slice(&s.text), &root, &f))
        goto nomem;
    bool unfit = f.core_errors || !root;
    if (unfit || f.errors || (f.n && option_on(p->in, "warnings")))
        wait_until(p, 0);
    findings_print(stderr, name, &f, option_on(p->in, "warnings"));
    if (unfit) {
        term_problem("%s: no twin can be made of this before its errors are mended", name);
        code = CODE_NO;
        goto fail;
    }
    if (profile_read(a, root, &view) || !(s.id = strndup(view.id.p, view.id.n)) ||
        !(s.path = twin_address(s.id, "")))
        goto nomem;
    arena_free(a);
    return send_one(p, &s, alone);
nomem:
    wait_until(p, 0);
    term_problem("out of memory");
fail:
    arena_free(a);
    sent_release(&s);
    return code;
}

int twin_apply_run(const struct invocation *in)
{
    struct apply p = {.in = in};
    struct flight_opts flight = {.most = APPLY_AT_ONCE, .done = on_answer};
    int code = client_open(in, &p.client);
    if (code == CODE_OK)
        code = flight_new(p.client, &flight, &p.flight);
    note(&p, code);
    for (size_t i = 0; i < in->args_n && code == CODE_OK && p.worst != CODE_REACH; i++)
        note(&p, apply_one(&p, in->args[i], i == 0));
    if (code == CODE_OK)
        wait_until(&p, 0);
    for (size_t i = 0; i < APPLY_AT_ONCE; i++)
        sent_release(&p.ring[i]);
    flight_free(p.flight);
    client_close(p.client);
    return p.worst;
}
