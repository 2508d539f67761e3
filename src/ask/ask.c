/* ask.c - a question's life.
 *
 * A question has a connection to an empty database while it lives; connections are kept for the
 * next one.  All that SQLite does for it happens in turns on a pool of threads, one at a time, so
 * also the end of its statement, which goes through the gate: never on the loop's thread.  A turn
 * ends when the taker has enough rows, or when some are there and it has lasted long. */
#include "ask/ask.h"

#include "access/documents.h"
#include "access/state.h"
#include "ask/internal.h"
#include "base/clock.h"
#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>

enum { THREADS = 6, TURN_US = 50000, ENGINES_KEPT = 8, IDS_MAX = 64 };

struct asks {
    struct loop *loop;
    struct core *core;
    struct pool *pool;
    struct ask_job *first;
    struct document_watch saved;
    struct ask_stats stats;
    uint64_t made;
    bool stopping;
    pthread_mutex_t lock; /* of what follows */
    struct engine *engines;
    size_t engines_n;
};

struct ask_job {
    struct question q;
    struct ask_job *next, **link;
    struct arena *arena;
    struct buf subject; /* whose it is */
    const char *id;
    char *sql; /* as SQLite gets it */
    size_t sql_n;
    const struct jval *params;
    struct ask_limits limits;
    const struct ask_taker *taker;
    void *arg;
    struct pool_job job;
    struct engine *engine;
    sqlite3_stmt *stmt;
    struct ask_value *values;
    int columns_n;
    bool running, started, told; /* told: on_turn() has said that it has ended */
    struct ask_turn turn;
    struct buf detail;
};

/* ---- connections ---- */

static int borrow(struct ask_job *j)
{
    struct asks *a = j->q.asks;
    pthread_mutex_lock(&a->lock);
    struct engine *c = a->engines;
    if (c) {
        a->engines = c->next;
        a->engines_n--;
    }
    pthread_mutex_unlock(&a->lock);
    int code = c ? SQLITE_OK : engine_new(&c);
    if (code)
        return code;
    c->q = &j->q;
    c->memory = 0;
    c->memory_max = j->limits.memory;
    c->late = false;
    j->engine = j->q.engine = c;
    return SQLITE_OK;
}

static void give_back(struct ask_job *j)
{
    struct asks *a = j->q.asks;
    struct engine *c = j->engine;
    if (!c)
        return;
    j->engine = NULL;
    c->q = NULL;
    pthread_mutex_lock(&a->lock);
    bool keep = a->engines_n < ENGINES_KEPT;
    if (keep) {
        c->next = a->engines;
        a->engines = c;
        a->engines_n++;
    }
    pthread_mutex_unlock(&a->lock);
    if (!keep)
        engine_free(c);
}

/* ---- a turn; a thread of the pool ---- */

static void place(struct ask_job *j, size_t at)
{
    if (at > j->sql_n)
        return;
    j->turn.line = j->turn.column = 1;
    for (size_t i = 0; i < at; i++) {
        if (j->sql[i] == '\n') {
            j->turn.line++;
            j->turn.column = 1;
        } else if (((unsigned char)j->sql[i] & 0xc0) != 0x80) {
            j->turn.column++;
        }
    }
}

static void fail(struct ask_job *j, int err, size_t at, const char *detail)
{
    j->turn.err = err;
    buf_clear(&j->detail);
    buf_add_str(&j->detail, detail);
    if (at != SIZE_MAX)
        place(j, at);
}

static void fail_by_sqlite(struct ask_job *j, int code)
{
    int at;
    buf_clear(&j->detail);
    j->turn.err = guard_say(j->engine, code, j->sql, &j->detail, &at);
    if (at >= 0)
        place(j, (size_t)at);
}

static int read_as_of(struct ask_job *j)
{
    struct as_of as_of;
    int err = as_of_take(j->sql, j->sql_n, j->q.now_us, &as_of);
    if (err) {
        fail(
            j, err, as_of.place,
            "AS OF wants a time in quotes, such as AS OF '2026-11-02T14:00Z', behind a table or at "
            "the end of the question.");
        return err;
    }
    if (as_of.at_us)
        j->q.at_us = as_of.at_us;
    if (j->q.at_us >= j->q.now_us)
        j->q.at_us = 0;
    return 0;
}

static int bind_one(sqlite3_stmt *stmt, int i, const struct jval *v)
{
    double d;
    int64_t n;
    switch (v->type) {
    case J_NULL:
        return sqlite3_bind_null(stmt, i);
    case J_BOOL:
        return sqlite3_bind_int(stmt, i, v->boolean);
    case J_NUMBER:
        if (!slice_to_i64(v->text, &n))
            return sqlite3_bind_int64(stmt, i, n);
        return jval_number(v, &d) ? sqlite3_bind_double(stmt, i, d) : SQLITE_RANGE;
    case J_STRING:
        return sqlite3_bind_text64(stmt, i, v->text.p ? v->text.p : "", v->text.n, SQLITE_STATIC,
                                   SQLITE_UTF8);
    default:
        return SQLITE_MISMATCH;
    }
}

static int bind(struct ask_job *j)
{
    int n = sqlite3_bind_parameter_count(j->stmt);
    for (int i = 1; i <= n; i++) {
        const char *name = sqlite3_bind_parameter_name(j->stmt, i);
        const struct jval *v = !j->params                   ? NULL
                               : j->params->type == J_ARRAY ? jval_at(j->params, (size_t)i - 1)
                               : name                       ? jval_get(j->params, name + 1)
                                                            : NULL;
        const char *why = !v                        ? "has no value in params"
                          : bind_one(j->stmt, i, v) ? "is no text, number, boolean or null"
                                                    : NULL;
        if (why) {
            char text[200];
            const char *at = name ? strstr(j->sql, name) : NULL;
            snprintf(text, sizeof text, "The parameter %.60s %s.", name ? name : "?", why);
            fail(j, ERR_INVALID, at ? (size_t)(at - j->sql) : SIZE_MAX, text);
            return ERR_INVALID;
        }
    }
    return 0;
}

static int only_one(struct ask_job *j, const char *tail)
{
    struct slice rest = slice_str(tail);
    struct lex_token t = lex_next(&rest);
    while (t.kind == LEX_OTHER && slice_is(t.text, ";"))
        t = lex_next(&rest);
    if (t.kind == LEX_END)
        return 0;
    fail(j, ERR_INVALID, (size_t)(t.text.p - j->sql), "One question at a time.");
    return ERR_INVALID;
}

static void tell_columns(struct ask_job *j)
{
    const char **names = arena_alloc(j->arena, (size_t)j->columns_n * sizeof *names);
    j->values = arena_zalloc(j->arena, (size_t)j->columns_n * sizeof *j->values);
    if (!names || !j->values) {
        fail(j, ERR_NOMEM, SIZE_MAX, err_info(ERR_NOMEM)->text);
        return;
    }
    for (int i = 0; i < j->columns_n; i++) {
        const char *name = sqlite3_column_name(j->stmt, i);
        names[i] = name ? arena_strndup(j->arena, name, strlen(name)) : NULL;
        names[i] = names[i] ? names[i] : "";
    }
    j->taker->on_columns(j->arg, names, (size_t)j->columns_n);
}

static void make_ready(struct ask_job *j)
{
    const char *tail;
    j->started = true;
    int code = borrow(j);
    if (code) {
        fail(j, ERR_NOMEM, SIZE_MAX, err_info(ERR_NOMEM)->text);
        return;
    }
    if (read_as_of(j))
        return;
    engine_takes(j->engine);
    j->engine->due_us = clock_mono_us() + j->limits.run_us;
    code = sqlite3_prepare_v2(j->engine->db, j->sql, (int)j->sql_n + 1, &j->stmt, &tail);
    engine_takes(NULL);
    if (code) {
        fail_by_sqlite(j, code);
    } else if (!j->stmt) {
        fail(j, ERR_INVALID, 0, "There is no question. Write, for example, SELECT * FROM twins.");
    } else if (!sqlite3_stmt_readonly(j->stmt) || !sqlite3_column_count(j->stmt)) {
        fail(j, ERR_INVALID, 0, "A question only reads: begin it with SELECT or WITH.");
    } else if (!only_one(j, tail) && !bind(j)) {
        j->columns_n = sqlite3_column_count(j->stmt);
        tell_columns(j);
    }
}

static void read_row(struct ask_job *j)
{
    for (int i = 0; i < j->columns_n; i++) {
        struct ask_value *v = &j->values[i];
        switch (sqlite3_column_type(j->stmt, i)) {
        case SQLITE_INTEGER:
            *v = (struct ask_value){.type = ASK_INTEGER, .i = sqlite3_column_int64(j->stmt, i)};
            break;
        case SQLITE_FLOAT:
            *v = (struct ask_value){.type = ASK_REAL, .d = sqlite3_column_double(j->stmt, i)};
            break;
        case SQLITE_TEXT:
            *v = (struct ask_value){.type = ASK_TEXT};
            v->text.p = (const char *)sqlite3_column_text(j->stmt, i);
            v->text.n = (size_t)sqlite3_column_bytes(j->stmt, i);
            break;
        case SQLITE_BLOB:
            *v = (struct ask_value){.type = ASK_BLOB};
            v->text.p = sqlite3_column_blob(j->stmt, i);
            v->text.n = (size_t)sqlite3_column_bytes(j->stmt, i);
            break;
        default:
            *v = (struct ask_value){.type = ASK_NULL};
        }
    }
}

/* True: it goes on with another turn. */
static bool take_rows(struct ask_job *j, int64_t began_us)
{
    for (unsigned n = 1;; n++) {
        int code = sqlite3_step(j->stmt);
        if (code == SQLITE_DONE)
            return false;
        if (code != SQLITE_ROW) {
            fail_by_sqlite(j, code);
            return false;
        }
        if (j->turn.rows == j->limits.rows) {
            j->turn.truncated = true;
            return false;
        }
        read_row(j);
        j->turn.rows++;
        if (j->taker->on_row(j->arg, j->values, (size_t)j->columns_n) ||
            (n % 16 == 0 && clock_mono_us() - began_us > TURN_US))
            return true;
    }
}

static void work(void *arg)
{
    struct ask_job *j = arg;
    int64_t began_us = clock_mono_us();
    if (!j->started && !atomic_load(&j->q.cancelled))
        make_ready(j);
    bool more = false;
    if (j->stmt && !j->turn.err && !j->told && !atomic_load(&j->q.cancelled)) {
        engine_takes(j->engine);
        j->engine->due_us = began_us + j->limits.run_us - j->turn.run_us;
        more = take_rows(j, began_us);
        engine_takes(NULL);
    }
    if (!more) { /* its end goes through the gate, so it is here */
        sqlite3_finalize(j->stmt);
        j->stmt = NULL;
        give_back(j);
    }
    j->turn.run_us += clock_mono_us() - began_us;
    j->turn.ended = !more;
}

/* ---- on the loop's thread ---- */

static void job_free(struct ask_job *j)
{
    if (j->link) {
        *j->link = j->next;
        if (j->next)
            j->next->link = j->link;
        j->q.asks->stats.running--;
    }
    principal_unref(j->q.who);
    pthread_cond_destroy(&j->q.turned);
    buf_release(&j->subject);
    buf_release(&j->detail);
    arena_free(j->arena);
    free(j);
}

static void tell(struct ask_job *j)
{
    struct ask_turn turn = j->turn;
    if (atomic_load(&j->q.cancelled) && turn.ended && !turn.err)
        turn.err = ERR_CANCELLED;
    struct ask_stats *stats = &j->q.asks->stats;
    turn.damaged = j->q.damaged;
    buf_add_byte(&j->detail, 0);
    turn.detail = !turn.err ? NULL : j->detail.n > 1 ? j->detail.p : err_info(turn.err)->text;
    j->told = turn.ended;
    if (turn.ended) {
        stats->rows += turn.rows;
        stats->cancelled += turn.err == ERR_CANCELLED;
        stats->failed += turn.err && turn.err != ERR_CANCELLED;
    }
    j->taker->on_turn(j->arg, &turn);
}

static void submit(struct ask_job *j)
{
    j->running = true;
    pool_submit(j->q.asks->pool, &j->job);
}

static void done(void *arg)
{
    struct ask_job *j = arg;
    j->running = false;
    if (!j->turn.ended && atomic_load(&j->q.cancelled)) { /* between its last row and here */
        submit(j);
        return;
    }
    if (!j->told) {
        bool ended = j->turn.ended;
        tell(j); /* may begin the next turn, or cancel it */
        if (!ended)
            return;
    }
    job_free(j);
}

void ask_go(struct ask_job *j)
{
    submit(j);
}

void ask_cancel(struct ask_job *j)
{
    if (atomic_exchange(&j->q.cancelled, true))
        return;
    question_wake(&j->q);
    if (j->running)
        return;
    j->turn.ended = true;
    tell(j);
    submit(j); /* its statement ends on another thread */
}

const char *ask_id(const struct ask_job *j)
{
    return j->id;
}

static bool is_of(const struct ask_job *j, const struct buf *subject, const struct org *org)
{
    return j->q.who->org == org && slice_eq(buf_slice(&j->subject), buf_slice(subject));
}

struct ask_job *ask_find(struct asks *a, const struct principal *who, struct slice id)
{
    struct buf subject = {0};
    struct ask_job *j = a->first;
    access_put_subject(who, &subject);
    while (j && (j->told || !slice_is(id, j->id) || !is_of(j, &subject, who->org)))
        j = j->next;
    buf_release(&subject);
    return j;
}

static int check(struct asks *a, const struct principal *who, const struct ask_question *q,
                 const struct buf *subject)
{
    size_t n = 0;
    if (a->stopping)
        return ERR_CANCELLED;
    if (q->sql.n > ASK_SQL_BYTES)
        return ERR_TOO_LARGE;
    if (q->id.n && (!slice_is_id(q->id) || q->id.n > IDS_MAX))
        return ERR_INVALID;
    for (const struct ask_job *j = a->first; j; j = j->next) {
        if (!is_of(j, subject, who->org))
            continue;
        if (q->id.n && slice_is(q->id, j->id))
            return ERR_EXISTS;
        n++;
    }
    return n >= ASK_AT_ONCE ? ERR_RATE : 0;
}

static int fill_in(struct ask_job *j, const struct ask_question *q)
{
    struct asks *a = j->q.asks;
    j->id = q->id.n ? arena_strndup(j->arena, q->id.p, q->id.n)
                    : arena_printf(j->arena, "q_%llu", (unsigned long long)++a->made);
    j->sql = arena_strndup(j->arena, q->sql.p, q->sql.n);
    j->sql_n = q->sql.n;
    if (q->params)
        j->params = jval_copy(j->arena, q->params);
    if (!j->id || !j->sql || (q->params && !j->params) || j->subject.failed)
        return ERR_NOMEM;
    if (memchr(j->sql, 0, j->sql_n))
        j->sql_n = strlen(j->sql);
    j->limits = q->limits;
    if (!j->limits.rows)
        j->limits.rows = ASK_ROWS;
    if (!j->limits.run_us)
        j->limits.run_us = ASK_RUN_MS * INT64_C(1000);
    if (!j->limits.memory)
        j->limits.memory = ASK_MEMORY;
    return 0;
}

int ask_start(struct asks *a, struct principal *who, const struct ask_question *q,
              const struct ask_taker *taker, void *arg, struct ask_job **ret)
{
    struct buf subject = {0};
    access_put_subject(who, &subject);
    int err = check(a, who, q, &subject);
    struct ask_job *j = err ? NULL : calloc(1, sizeof *j);
    if (!j) {
        buf_release(&subject);
        return err ? err : ERR_NOMEM;
    }
    *j = (struct ask_job){.subject = subject, .taker = taker, .arg = arg};
    j->q = (struct question){.asks = a,
                             .core = a->core,
                             .loop = a->loop,
                             .catalog = core_catalog(a->core),
                             .who = principal_ref(who),
                             .org = who->org,
                             .prefix = !who->org || who->org->first ? "" : who->org->prefix,
                             .at_us = q->at_us,
                             .now_us = clock_now_us()};
    pthread_cond_init(&j->q.turned, NULL);
    j->arena = arena_new();
    err = j->arena ? fill_in(j, q) : ERR_NOMEM;
    if (err) {
        job_free(j);
        return err;
    }
    j->job = (struct pool_job){.work = work, .done = done, .arg = j};
    j->next = a->first;
    j->link = &a->first;
    if (j->next)
        j->next->link = &j->next;
    a->first = j;
    a->stats.asked++;
    a->stats.running++;
    submit(j);
    *ret = j;
    return 0;
}

/* ---- all of them ---- */

int asks_new(struct loop *l, struct core *c, struct asks **ret)
{
    if (!guard_is_prepared())
        return ERR_UNSUPPORTED; /* asks_prepare() was forgotten, or came too late */
    struct asks *a = calloc(1, sizeof *a);
    int err = a ? pool_new(l, "ask", THREADS, &a->pool) : ERR_NOMEM;
    if (err) {
        free(a);
        return err;
    }
    a->loop = l;
    a->core = c;
    pthread_mutex_init(&a->lock, NULL);
    saved_watch(&a->saved, core_access(c));
    *ret = a;
    return 0;
}

void asks_free(struct asks *a)
{
    if (!a)
        return;
    a->stopping = true;
    documents_unwatch(core_access(a->core), &a->saved);
    for (struct ask_job *j = a->first, *next; j; j = next) {
        next = j->next;
        if (!j->told)
            ask_cancel(j);
    }
    pool_free(a->pool);
    while (a->engines) {
        struct engine *c = a->engines;
        a->engines = c->next;
        engine_free(c);
    }
    pthread_mutex_destroy(&a->lock);
    free(a);
}

void ask_stats(const struct asks *a, struct ask_stats *ret)
{
    *ret = a->stats;
}
