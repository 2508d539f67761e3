/* table.c - what SQLite calls, in the words of scan.
 *
 * A plan (xBestIndex) is text: what it narrows by, for EXPLAIN; behind "#" the set of columns that
 * are looked at, 16 digits, and two letters for each argument: which column it narrows, and how:
 * '=' for a match, 'g' and 'l' for a time from and up to which.  SQLite checks everything once
 * more, so a plan may give too much but never too little. */
#include "ask/asof.h"

#include "base/clock.h"
#include "base/err.h"

#include <stdlib.h>

struct table {
    sqlite3_vtab base;
    struct engine *engine;
    const struct ask_table *table;
    int columns_n;
};

struct module {
    sqlite3_module module;
    struct engine *engine;
    const struct ask_table *table;
};

/* ---- rows ---- */

struct slice scan_eq(const struct scan *s, int column)
{
    const struct cell *c = &s->eq[column];
    return scan_has(s, column) && c->type == ASK_TEXT ? c->s : (struct slice){0};
}

bool scan_has(const struct scan *s, int column)
{
    return s->given & UINT64_C(1) << column;
}

bool scan_full(const struct scan *s)
{
    return s->rows >= s->room || s->bytes > BATCH_BYTES || s->q->err;
}

void scan_enter(struct scan *s)
{
    s->until_us = clock_mono_us() + GATE_US;
}

bool scan_late(const struct scan *s)
{
    return clock_mono_us() >= s->until_us;
}

struct cell *scan_row(struct scan *s)
{
    struct cell *row = &s->cells[s->rows++ * s->width];
    memset(row, 0, s->width * sizeof *row);
    return row;
}

void cell_text(struct scan *s, struct cell *row, int column, struct slice text)
{
    if (!scan_wants(s, column) || !text.p)
        return;
    struct slice kept = arena_dup(s->arena, text);
    s->bytes += text.n;
    if (!kept.p)
        question_fail(s->q, ERR_NOMEM, NULL);
    else
        row[s->slot[column]] = (struct cell){.type = ASK_TEXT, .s = kept};
}

void cell_time(struct scan *s, struct cell *row, int column, int64_t t_us)
{
    if (t_us && scan_wants(s, column))
        row[s->slot[column]] = (struct cell){.type = ASK_TEXT, .time = true, .i = t_us};
}

void cell_value(struct scan *s, struct cell *row, int column, struct value v)
{
    switch (v.type) {
    case VALUE_DOUBLE:
        cell_real(s, row, column, v.as.d);
        break;
    case VALUE_INT:
        cell_int(s, row, column, v.as.i);
        break;
    case VALUE_BOOL:
        cell_int(s, row, column, v.as.b);
        break;
    case VALUE_TEXT:
        cell_text(s, row, column, v.as.text);
        break;
    default:
        break;
    }
}

/* ---- the plan ---- */

enum { HEX = 16, PLAN_MAX = 2 * 3 * COLUMNS_MAX };

static int connect(sqlite3 *db, void *aux, int argc, const char *const *argv, sqlite3_vtab **ret,
                   char **why)
{
    const struct module *m = aux;
    struct buf sql = {0};
    int n = 0;
    (void)argc, (void)argv, (void)why;
    buf_add_str(&sql, "CREATE TABLE x(");
    for (const struct ask_column *c = m->table->columns; c->name; c++, n++) {
        bool plain = strcmp(c->type, "time") == 0 || strcmp(c->type, "json") == 0;
        buf_addf(&sql, "%s\"%s\" %s%s", n ? ", " : "", c->name, plain ? "TEXT" : c->type,
                 c->hidden ? " HIDDEN" : "");
    }
    buf_add_str(&sql, ")");
    buf_add_byte(&sql, 0);
    int code = sql.failed ? SQLITE_NOMEM : sqlite3_declare_vtab(db, sql.p);
    buf_release(&sql);
    struct table *t = code ? NULL : calloc(1, sizeof *t);
    if (!code && !t)
        code = SQLITE_NOMEM;
    if (code)
        return code;
    sqlite3_vtab_config(db, SQLITE_VTAB_DIRECTONLY);
    t->engine = m->engine;
    t->table = m->table;
    t->columns_n = n;
    *ret = &t->base;
    return SQLITE_OK;
}

static int disconnect(sqlite3_vtab *base)
{
    free(base);
    return SQLITE_OK;
}

/* How an operator narrows a column; 0: it does not. */
static char use_of(const struct ask_column *c, unsigned char op)
{
    if (op == SQLITE_INDEX_CONSTRAINT_EQ)
        return c->match || c->hidden ? '=' : 0;
    if (!c->time)
        return 0;
    if (op == SQLITE_INDEX_CONSTRAINT_GT || op == SQLITE_INDEX_CONSTRAINT_GE)
        return 'g';
    return op == SQLITE_INDEX_CONSTRAINT_LT || op == SQLITE_INDEX_CONSTRAINT_LE ? 'l' : 0;
}

/* SQLite compares texts once more as the question says; another collation finds more than we would.
 */
static bool is_binary(sqlite3_index_info *info, int i)
{
    return sqlite3_stricmp(sqlite3_vtab_collation(info, i), "BINARY") == 0;
}

struct plan {
    struct buf words;   /* for people */
    char use[PLAN_MAX]; /* for filter() */
    size_t n;
    unsigned matched; /* columns, a bit each */
    double rows;
};

/* Take a condition into the plan.  False: the plan cannot be made. */
static bool plan_add(struct plan *plan, const struct ask_table *t, sqlite3_index_info *info, int i)
{
    const struct sqlite3_index_constraint *c = &info->aConstraint[i];
    if (c->iColumn < 0 || plan->n >= PLAN_MAX)
        return true;
    const struct ask_column *column = &t->columns[c->iColumn];
    char use = use_of(column, c->op);
    if (!use || (use == '=' && (plan->matched & 1U << c->iColumn || !is_binary(info, i))))
        return true;
    if (!c->usable) /* a parameter that comes from a table which is read later */
        return !column->hidden;
    if (use == '=') {
        plan->matched |= 1U << c->iColumn;
        if (!column->hidden)
            plan->rows *= column->rows > 0 ? column->rows : 0.01;
    } else {
        plan->rows /= 4;
    }
    plan->use[plan->n++] = (char)('A' + c->iColumn);
    plan->use[plan->n++] = use;
    buf_addf(&plan->words, "%s%s ", column->name, use == '=' ? "=" : use == 'g' ? ">" : "<");
    info->aConstraintUsage[i].argvIndex = (int)(plan->n / 2);
    info->aConstraintUsage[i].omit = column->hidden || (use == '=' && t->exact);
    return true;
}

/* Rows of one series come by time. */
static bool is_in_order(const struct ask_table *t, const struct plan *plan,
                        const sqlite3_index_info *info)
{
    return t->by_time && info->nOrderBy == 1 && (plan->matched & 3) == 3 &&
           info->aOrderBy[0].iColumn >= 0 && !info->aOrderBy[0].desc &&
           strcmp(t->columns[info->aOrderBy[0].iColumn].name, "time") == 0;
}

static int best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
    const struct table *t = (const struct table *)base;
    struct plan plan = {.rows = 1};
    bool possible = true;
    if (t->engine->q)
        plan.rows += t->table->rows(t->engine->q->core);
    for (int i = 0; i < info->nConstraint && possible; i++)
        possible = plan_add(&plan, t->table, info, i);
    if ((plan.matched & t->table->required) != t->table->required)
        plan.rows *= 1e6; /* anything else is better than to be refused */
    if (possible)
        info->idxStr =
            sqlite3_mprintf("%.*s#%016llx%.*s", (int)plan.words.n, plan.words.p ? plan.words.p : "",
                            (unsigned long long)info->colUsed, (int)plan.n, plan.use);
    buf_release(&plan.words);
    if (!possible || !info->idxStr)
        return possible ? SQLITE_NOMEM : SQLITE_CONSTRAINT;
    info->needToFreeIdxStr = 1;
    info->orderByConsumed = is_in_order(t->table, &plan, info);
    info->estimatedRows = plan.rows < 1 ? 1 : (sqlite3_int64)plan.rows;
    info->estimatedCost = 20 + plan.rows; /* to begin costs something, too */
    return SQLITE_OK;
}

/* ---- walking ---- */

static int open_scan(sqlite3_vtab *base, sqlite3_vtab_cursor **ret)
{
    const struct table *t = (const struct table *)base;
    struct scan *s = calloc(1, sizeof *s);
    if (!s)
        return SQLITE_NOMEM;
    s->q = t->engine->q;
    s->table = t->table;
    s->columns_n = t->columns_n;
    s->arena = arena_new();
    s->bound = arena_new();
    s->state = calloc(1, t->table->state + 1);
    if (s->arena && s->bound && s->state) {
        *ret = &s->base;
        return SQLITE_OK;
    }
    arena_free(s->arena);
    arena_free(s->bound);
    free(s->state);
    free(s);
    return SQLITE_NOMEM;
}

static void end_walk(struct scan *s)
{
    if (s->table->close)
        s->table->close(s);
    memset(s->state, 0, s->table->state);
    arena_reset(s->bound);
    arena_reset(s->arena);
    asof_close(s->asof);
    s->asof = NULL;
    s->then_at = SIZE_MAX;
    s->given = 0;
    s->rows = s->at = s->bytes = 0;
    s->done = false;
}

static int close_scan(sqlite3_vtab_cursor *base)
{
    struct scan *s = (struct scan *)base;
    end_walk(s);
    arena_free(s->arena);
    arena_free(s->bound);
    free(s->cells);
    free(s->state);
    free(s->then);
    free(s);
    return SQLITE_OK;
}

static int failed(struct scan *s)
{
    struct question *q = s->q;
    sqlite3_free(s->base.pVtab->zErrMsg);
    s->base.pVtab->zErrMsg = sqlite3_mprintf("%s", *q->why ? q->why : err_info(q->err)->text);
    return q->err == ERR_NOMEM ? SQLITE_NOMEM : SQLITE_ERROR;
}

bool make_room(struct scan *s)
{
    size_t need = s->room * (s->width ? s->width : 1);
    if (need <= s->cells_cap)
        return true;
    struct cell *cells = realloc(s->cells, need * sizeof *cells);
    if (!cells)
        return false;
    s->cells = cells;
    s->cells_cap = need;
    return true;
}

/* AS OF: twin after twin, each as it was. */
static void fill_then(struct scan *s)
{
    if (!s->then)
        s->then = calloc(1, sizeof *s->then);
    if (!s->asof && s->then)
        s->asof = asof_open(s->q, s->at_us, scan_has(s, 0), scan_eq(s, 0));
    if (!s->then)
        question_fail(s->q, ERR_NOMEM, NULL);
    while (!scan_full(s) && !engine_must_end(s->q->engine)) {
        if (s->then_at == SIZE_MAX) {
            s->done = !asof_next(s->asof, s->then);
            if (s->done)
                return;
            s->then_at = 0;
        }
        s->then_at = s->table->then(s, s->then, s->then_at);
    }
}

/* The first batch is small: who wants one row pays for few. */
static int more(struct scan *s)
{
    struct question *q = s->q;
    s->row_id += (int64_t)s->rows;
    s->rows = s->at = s->bytes = 0;
    s->room = !s->room ? 16 : s->room < ROWS_MAX ? s->room * 4 : ROWS_MAX;
    if (!make_room(s))
        question_fail(q, ERR_NOMEM, NULL);
    while (!s->rows && !s->done && !q->err) {
        if (engine_must_end(q->engine) && !atomic_load(&q->cancelled))
            return SQLITE_INTERRUPT; /* no row may be found for long, and SQLite sees nothing of it
                                      */
        arena_reset(s->arena);
        if (atomic_load(&q->cancelled)) {
            question_fail(q, ERR_CANCELLED, NULL);
            break;
        }
        if (s->at_us && s->table->then) {
            fill_then(s);
        } else if (s->table->live) {
            loop_enter(q->loop);
            scan_enter(s);
            if (question_may_go_on(q))
                s->table->fill(s);
            loop_leave(q->loop);
        } else {
            s->table->fill(s);
        }
    }
    return q->err ? failed(s) : SQLITE_OK;
}

static struct cell cell_of(struct scan *s, sqlite3_value *v)
{
    struct cell c = {0};
    switch (sqlite3_value_type(v)) {
    case SQLITE_INTEGER:
        c = (struct cell){.type = ASK_INTEGER, .i = sqlite3_value_int64(v)};
        break;
    case SQLITE_FLOAT:
        c = (struct cell){.type = ASK_REAL, .d = sqlite3_value_double(v)};
        break;
    case SQLITE_TEXT:
        c.type = ASK_TEXT;
        c.s = arena_dup(s->bound, slice_of((const char *)sqlite3_value_text(v),
                                           (size_t)sqlite3_value_bytes(v)));
        if (!c.s.p)
            question_fail(s->q, ERR_NOMEM, NULL);
        break;
    default:
        break;
    }
    return c;
}

/* False: nothing can fit. */
static bool bind(struct scan *s, int column, char use, sqlite3_value *v)
{
    struct cell c = cell_of(s, v);
    int64_t t_us;
    if (use == '=') {
        s->eq[column] = c;
        s->given |= UINT64_C(1) << column;
        if (s->table->columns[column].hidden)
            return true;
        if (c.type == ASK_INTEGER || c.type == ASK_REAL) { /* as the column's affinity has it */
            c.type = ASK_TEXT;
            c.s = arena_dup(s->bound, slice_str((const char *)sqlite3_value_text(v)));
            s->eq[column] = c;
        }
        return c.type != ASK_NULL; /* nothing equals NULL, and no text a blob */
    }
    if (c.type != ASK_TEXT || time_of_text(c.s, s->q->now_us, &t_us))
        return true; /* SQLite compares it as what it is */
    if (use == 'g' && t_us > s->from_us)
        s->from_us = t_us;
    if (use == 'l' && t_us < s->to_us - 1)
        s->to_us = t_us + 1;
    return true;
}

static void lay_out(struct scan *s)
{
    s->width = 0;
    for (int i = 0; i < s->columns_n; i++) {
        bool known = s->table->columns[i].hidden || (s->table->exact && scan_has(s, i));
        bool wanted = s->used & UINT64_C(1) << i && !known;
        s->slot[i] = wanted ? (int8_t)s->width++ : -1;
    }
}

/* The first hidden column of what has a past is the time as of which it is read. */
static int read_as_of(struct scan *s)
{
    s->at_us = s->q->at_us;
    for (int i = 0; i < s->columns_n; i++)
        if (strcmp(s->table->columns[i].name, "as_of") == 0 && scan_has(s, i) &&
            s->eq[i].type != ASK_NULL && time_of_cell(&s->eq[i], s->q->now_us, &s->at_us))
            return question_fail(s->q, ERR_BAD_TIME,
                                 "AS OF wants a time, such as '2026-11-02T14:00Z'.");
    if (s->at_us >= s->q->now_us)
        s->at_us = 0;
    return 0;
}

/* Its 16 digits; letters follow, which strtoull() would take for more of them. */
static uint64_t used_of(const char *plan)
{
    char digits[HEX + 1] = "";
    memcpy(digits, plan, HEX);
    return strtoull(digits, NULL, 16);
}

static int filter(sqlite3_vtab_cursor *base, int number, const char *plan, int argc,
                  sqlite3_value **argv)
{
    struct scan *s = (struct scan *)base;
    const struct ask_table *t = s->table;
    bool possible = true;
    end_walk(s);
    s->room = 0;
    s->row_id = 0;
    s->from_us = INT64_MIN;
    s->to_us = INT64_MAX;
    plan = strchr(plan, '#') + 1;
    s->used = used_of(plan);
    plan += HEX;
    (void)number;
    for (int i = 0; i < argc; i++)
        possible &= bind(s, plan[2 * i] - 'A', plan[2 * i + 1], argv[i]);
    lay_out(s);
    if (possible && (s->given & t->required) != t->required)
        question_fail(s->q, ERR_INVALID, "%s", t->missing);
    s->done = !possible;
    if (s->q->err || read_as_of(s) || (!s->done && t->open && t->open(s)))
        return failed(s);
    return more(s);
}

static int next(sqlite3_vtab_cursor *base)
{
    struct scan *s = (struct scan *)base;
    return ++s->at < s->rows || s->done ? SQLITE_OK : more(s);
}

static int eof(sqlite3_vtab_cursor *base)
{
    const struct scan *s = (const struct scan *)base;
    return s->at >= s->rows;
}

static void result_time(sqlite3_context *out, int64_t t_us)
{
    struct buf b = {0};
    clock_format(&b, t_us);
    if (b.failed)
        sqlite3_result_error_nomem(out);
    else
        sqlite3_result_text64(out, b.p, b.n, SQLITE_TRANSIENT, SQLITE_UTF8);
    buf_release(&b);
}

static int column(sqlite3_vtab_cursor *base, sqlite3_context *out, int i)
{
    static const struct cell null = {0};
    const struct scan *s = (const struct scan *)base;
    const struct cell *c = &null;
    if (s->slot[i] < 0 && scan_has(s, i))
        c = &s->eq[i];
    else if (scan_wants(s, i))
        c = &s->cells[s->at * s->width + (size_t)s->slot[i]];
    switch (c->type) {
    case ASK_INTEGER:
        sqlite3_result_int64(out, c->i);
        break;
    case ASK_REAL:
        sqlite3_result_double(out, c->d);
        break;
    case ASK_TEXT:
        if (c->time)
            result_time(out, c->i);
        else
            sqlite3_result_text64(out, c->s.p, c->s.n, SQLITE_TRANSIENT, SQLITE_UTF8);
        break;
    default:
        sqlite3_result_null(out);
    }
    return SQLITE_OK;
}

static int rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *ret)
{
    const struct scan *s = (const struct scan *)base;
    *ret = s->row_id + (int64_t)s->at;
    return SQLITE_OK;
}

static const sqlite3_module functions = {
    .iVersion = 1,
    .xConnect = connect,
    .xBestIndex = best_index,
    .xDisconnect = disconnect,
    .xDestroy = disconnect,
    .xOpen = open_scan,
    .xClose = close_scan,
    .xFilter = filter,
    .xNext = next,
    .xEof = eof,
    .xColumn = column,
    .xRowid = rowid,
};

static void free_module(void *module)
{
    free(module);
}

int tables_register(struct engine *c)
{
    for (const struct ask_table *const *t = ask_tables; *t; t++) {
        struct module *m = calloc(1, sizeof *m);
        if (!m)
            return SQLITE_NOMEM;
        *m = (struct module){functions, c, *t};
        int code = sqlite3_create_module_v2(c->db, (*t)->name, &m->module, m, free_module);
        if (code) /* it has been freed */
            return code;
    }
    return SQLITE_OK;
}
