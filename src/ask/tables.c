/* tables.c - the list of tables, and how they are told. */
#include "ask/internal.h"

extern const struct ask_table table_twins, table_sensors, table_relationships, table_readings,
    table_history, table_audit, table_assets, table_alarms, table_events, table_commands;

/* A table a line, and a file for it. */
const struct ask_table *const ask_tables[] = {
    &table_twins, &table_sensors, &table_relationships, &table_readings, &table_history,
    &table_audit, &table_assets,  &table_alarms,        &table_events,   &table_commands,
    NULL};

static void write_column(struct json_writer *w, const struct ask_column *c)
{
    json_open(w, '{');
    json_key(w, "name");
    json_put_cstr(w, c->name);
    json_key(w, "type");
    json_put_cstr(w, *c->type ? c->type : "any");
    json_key(w, "text");
    json_put_cstr(w, c->text);
    json_key(w, "argument");
    json_put_bool(w, c->hidden);
    json_key(w, "narrows");
    json_put_bool(w, c->match || c->time || c->hidden);
    json_close(w, '}');
}

void ask_schema(struct json_writer *w)
{
    json_open(w, '{');
    json_key(w, "tables");
    json_open(w, '[');
    for (const struct ask_table *const *t = ask_tables; *t; t++) {
        json_open(w, '{');
        json_key(w, "name");
        json_put_cstr(w, (*t)->name);
        json_key(w, "text");
        json_put_cstr(w, (*t)->text);
        json_key(w, "columns");
        json_open(w, '[');
        for (const struct ask_column *c = (*t)->columns; c->name; c++)
            write_column(w, c);
        json_close(w, ']');
        json_close(w, '}');
    }
    json_close(w, ']');
    json_key(w, "functions");
    json_open(w, '[');
    for (const struct ask_function *f = ask_functions; f->name; f++) {
        json_open(w, '{');
        json_key(w, "name");
        json_put_cstr(w, f->name);
        json_key(w, "arguments");
        json_put_cstr(w, f->args);
        json_key(w, "text");
        json_put_cstr(w, f->text);
        json_close(w, '}');
    }
    json_close(w, ']');
    json_close(w, '}');
}
