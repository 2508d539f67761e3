/* guard.c - what SQLite may do for a question.
 *
 * A question may SELECT, also recursively, from our tables and SQLite's two that take JSON apart,
 * call functions of a list, and nothing else: the authorizer is asked of every step while a
 * statement is made ready.  The database is empty, in memory, and read-only as far as SQL can tell.
 *
 * What it takes: SQLite's memory is counted by thread (engine_takes()), since its own limits are of
 * the whole process; sorting and recursion happen in memory, so that is all that they take.  Time
 * is looked at by the progress handler, every some hundred steps of SQLite's machine; no function
 * of the list takes long for one (functions.c replaces those of SQLite's that would). */
#include "ask/internal.h"

#include "base/clock.h"
#include "base/err.h"

#include <stdlib.h>

enum { STEPS = 500 };

/* ---- memory ---- */

static _Thread_local struct engine *taker;
static sqlite3_mem_methods heap; /* SQLite's own */
static bool prepared;

static bool may_take(int n)
{
    return !taker || !taker->memory_max || taker->memory + (size_t)n <= taker->memory_max;
}

static void *take(int n)
{
    void *p = may_take(n) ? heap.xMalloc(n) : NULL;
    if (p && taker)
        taker->memory += (size_t)heap.xSize(p);
    return p;
}

/* What was taken for nobody, or for another question, may come back here. */
static void count_back(size_t n)
{
    if (taker)
        taker->memory -= n < taker->memory ? n : taker->memory;
}

static void give_back(void *p)
{
    if (p && taker)
        count_back((size_t)heap.xSize(p));
    heap.xFree(p);
}

static void *resize(void *p, int n)
{
    size_t before = p ? (size_t)heap.xSize(p) : 0;
    if ((size_t)n > before && !may_take(n - (int)before))
        return NULL;
    void *q = heap.xRealloc(p, n);
    if (q && taker) {
        count_back(before);
        taker->memory += (size_t)heap.xSize(q);
    }
    return q;
}

void asks_prepare(void)
{
    if (prepared || sqlite3_config(SQLITE_CONFIG_GETMALLOC, &heap) != SQLITE_OK)
        return;
    sqlite3_mem_methods counted = heap;
    counted.xMalloc = take;
    counted.xFree = give_back;
    counted.xRealloc = resize;
    prepared = sqlite3_config(SQLITE_CONFIG_MALLOC, &counted) == SQLITE_OK;
}

bool guard_is_prepared(void)
{
    return prepared;
}

void engine_takes(struct engine *c)
{
    taker = c;
}

/* ---- what it may ---- */

static bool is_table(const char *name)
{
    static const char *const of_sqlite[] = {"json_each", "json_tree"};
    for (const struct ask_table *const *t = ask_tables; *t; t++)
        if (sqlite3_stricmp((*t)->name, name) == 0)
            return true;
    for (size_t i = 0; i < sizeof of_sqlite / sizeof *of_sqlite; i++)
        if (sqlite3_stricmp(of_sqlite[i], name) == 0)
            return true;
    return false;
}

/* A name that is only counted (count(*)) may be a WITH of the question's own: then there is no
 * column, and SQLite has found out already that it is something. */
static bool is_readable(const char *table, const char *column)
{
    bool internal =
        sqlite3_strnicmp(table, "sqlite_", 7) == 0 || sqlite3_strnicmp(table, "pragma_", 7) == 0;
    return is_table(table) || (!*column && !internal);
}

static int authorize(void *arg, int action, const char *first, const char *second,
                     const char *database, const char *trigger)
{
    (void)arg, (void)database, (void)trigger;
    switch (action) {
    case SQLITE_SELECT:
    case SQLITE_RECURSIVE:
        return SQLITE_OK;
    case SQLITE_READ:
        return is_readable(first ? first : "", second ? second : "") ? SQLITE_OK : SQLITE_DENY;
    case SQLITE_FUNCTION:
        return function_is_known(second) ? SQLITE_OK : SQLITE_DENY;
    default:
        return SQLITE_DENY;
    }
}

bool engine_must_end(struct engine *c)
{
    c->late |= clock_mono_us() >= c->due_us;
    return c->late || (c->q && atomic_load(&c->q->cancelled));
}

static int progress(void *arg)
{
    return engine_must_end(arg);
}

static void set_limits(sqlite3 *db)
{
    static const int limits[][2] = {
        {SQLITE_LIMIT_LENGTH, ASK_VALUE_BYTES},
        {SQLITE_LIMIT_SQL_LENGTH, ASK_SQL_BYTES},
        {SQLITE_LIMIT_COLUMN, 256},
        {SQLITE_LIMIT_EXPR_DEPTH, 100},
        {SQLITE_LIMIT_COMPOUND_SELECT, 50},
        {SQLITE_LIMIT_VDBE_OP, 100000},
        {SQLITE_LIMIT_FUNCTION_ARG, 64},
        {SQLITE_LIMIT_ATTACHED, 0},
        {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 256},
        {SQLITE_LIMIT_VARIABLE_NUMBER, 100},
        {SQLITE_LIMIT_TRIGGER_DEPTH, 0},
        {SQLITE_LIMIT_WORKER_THREADS, 0},
    };
    static const int switches[][2] = {{SQLITE_DBCONFIG_DEFENSIVE, 1},
                                      {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
                                      {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
                                      {SQLITE_DBCONFIG_DQS_DML, 0},
                                      {SQLITE_DBCONFIG_DQS_DDL, 0}};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        sqlite3_limit(db, limits[i][0], limits[i][1]);
    for (size_t i = 0; i < sizeof switches / sizeof *switches; i++)
        sqlite3_db_config(db, switches[i][0], switches[i][1], NULL);
}

/* SQLite declares a table when it is first named, by words that the authorizer would refuse: so
 * each is named once before there is one. */
static int declare_tables(sqlite3 *db)
{
    int code = sqlite3_exec(db, "SELECT 1 FROM json_each('[]'), json_tree('[]')", NULL, NULL, NULL);
    for (const struct ask_table *const *t = ask_tables; *t && !code; t++) {
        char sql[80];
        sqlite3_stmt *stmt = NULL;
        sqlite3_snprintf(sizeof sql, sql, "SELECT 1 FROM %s", (*t)->name);
        code = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
        sqlite3_finalize(stmt);
    }
    return code;
}

int engine_new(struct engine **ret)
{
    struct engine *c = calloc(1, sizeof *c);
    if (!c)
        return SQLITE_NOMEM;
    int code = sqlite3_open_v2(
        ":memory:", &c->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY | SQLITE_OPEN_NOMUTEX, NULL);
    if (!code)
        code = sqlite3_exec(c->db, "PRAGMA temp_store=MEMORY", NULL, NULL, NULL);
    if (!code)
        code = functions_register(c);
    if (!code)
        code = tables_register(c);
    if (!code)
        code = declare_tables(c->db);
    if (code) {
        engine_free(c);
        return code;
    }
    set_limits(c->db);
    sqlite3_set_authorizer(c->db, authorize, c);
    sqlite3_progress_handler(c->db, STEPS, progress, c);
    *ret = c;
    return SQLITE_OK;
}

void engine_free(struct engine *c)
{
    if (!c)
        return;
    sqlite3_close(c->db);
    free(c);
}

/* ---- what is said ---- */

static const struct ask_table *table_named(struct lex_token t)
{
    if (t.kind == LEX_WORD || t.kind == LEX_NAME)
        for (const struct ask_table *const *at = ask_tables; *at; at++)
            if (slice_is_nocase(t.text, (*at)->name))
                return *at;
    return NULL;
}

static void put_columns(struct buf *out, const struct ask_table *t)
{
    buf_addf(out, " %s has", t->name);
    for (const struct ask_column *c = t->columns; c->name; c++)
        buf_addf(out, "%s %s", c == t->columns ? "" : ",", c->name);
    buf_add_byte(out, '.');
}

static void say_column(const char *name, const char *sql, struct buf *out)
{
    struct slice rest = slice_str(sql);
    struct lex_token t;
    unsigned said = 0;
    buf_addf(out, "There is no column %s.", name);
    while ((t = lex_next(&rest)).kind != LEX_END) {
        const struct ask_table *table = table_named(t);
        for (unsigned i = 0; table && ask_tables[i]; i++)
            if (ask_tables[i] == table && !(said & 1U << i)) {
                said |= 1U << i;
                put_columns(out, table);
            }
    }
}

static void say_table(const char *name, struct buf *out)
{
    buf_addf(out, "There is no table %s; there are", name);
    for (const struct ask_table *const *t = ask_tables; *t; t++)
        buf_addf(out, "%s %s", t == ask_tables ? "" : ",", (*t)->name);
    buf_add_byte(out, '.');
}

static void say_denied(const char *what, struct buf *out)
{
    static const char unused[] = "not authorized to use function: ";
    struct slice s = slice_str(what);
    if (slice_starts(s, unused))
        buf_addf(out,
                 "The function %s may not be called here; GET /api/v1/query/schema lists those "
                 "that may.",
                 what + strlen(unused));
    else
        buf_add_str(out, "A question only reads: SELECT from the tables that "
                         "GET /api/v1/query/schema lists.");
}

/* SQLite's words, as a sentence. */
static void say_as_is(const char *what, struct buf *out)
{
    size_t from = out->n;
    buf_add_str(out, what);
    if (!out->failed && out->n > from) {
        char *first = out->p + from;
        if (*first >= 'a' && *first <= 'z')
            *first = (char)(*first - 'a' + 'A');
        if (out->p[out->n - 1] != '.')
            buf_add_byte(out, '.');
    }
}

static bool starts(const char *what, const char *with, const char **ret_rest)
{
    size_t n = strlen(with);
    *ret_rest = what + n;
    return strncmp(what, with, n) == 0;
}

int guard_say(struct engine *c, int code, const char *sql, struct buf *out, int *ret_at)
{
    const char *what = sqlite3_errmsg(c->db), *rest;
    struct question *q = c->q;
    *ret_at = sqlite3_error_offset(c->db);
    if (atomic_load(&q->cancelled)) {
        buf_add_str(out, "The question was cancelled.");
        return ERR_CANCELLED;
    }
    if (q->err) {
        buf_add_str(out, *q->why ? q->why : err_info(q->err)->text);
        return q->err;
    }
    switch (code) {
    case SQLITE_INTERRUPT:
        buf_add_str(out, "The question took longer than it may. Ask for less, or give it a longer "
                         "timeout.");
        return ERR_TIMEOUT;
    case SQLITE_NOMEM:
        buf_addf(out,
                 "The question needs more than %zu MiB of memory. Ask for less, or sort and "
                 "group less.",
                 c->memory_max >> 20);
        return ERR_TOO_LARGE;
    case SQLITE_TOOBIG:
        buf_addf(out, "A text in it is longer than it may be (%d MiB).", ASK_VALUE_BYTES >> 20);
        return ERR_TOO_LARGE;
    case SQLITE_AUTH:
        say_denied(what, out);
        return ERR_INVALID;
    default:
        break;
    }
    if (starts(what, "not authorized", &rest)) /* some say so without the code */
        say_denied(what, out);
    else if (strstr(what, "may not be modified"))
        say_denied("", out);
    else if (starts(what, "no such column: ", &rest))
        say_column(rest, sql, out);
    else if (starts(what, "no such table: ", &rest))
        say_table(rest, out);
    else if (starts(what, "no such function: ", &rest))
        buf_addf(out,
                 "There is no function %s; GET /api/v1/query/schema lists those that there are.",
                 rest);
    else
        say_as_is(what, out);
    return ERR_INVALID;
}
