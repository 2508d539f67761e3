/* graphql.h - GraphQL over what REST has; nobody outside the room includes it.
 *
 * The schema (graphql_schema.c) is one text, and says of each field where its value comes from:
 * @rest names the request that answers it, which a handler of REST then answers from inside
 * (http_inner_new()) in the asker's name; @member and @item name a part of the JSON that the
 * field's object is.  So whatever REST refuses, hides or writes down, GraphQL does too.
 *
 * A question (graphql_question.c) is one operation under way.  It comes by HTTP (graphql_http.c) or
 * by WebSocket (graphql_ws.c); what a subscription waits for is found by graphql_live.c. */
#ifndef API_GRAPHQL_H
#define API_GRAPHQL_H

#include "api/internal.h"
#include "codec/graphql_run.h"

/* ---- the schema and its limits ---- */

enum way_kind { WAY_MEMBER, WAY_ITEM, WAY_REST, WAY_TWIN, WAY_SENSORS, WAY_LIVE };

/* Where a field's value comes from; its gql_field's user. */
struct way {
    uint8_t kind;
    bool connection;     /* the rows become edges */
    bool rest_of_items;  /* WAY_ITEM: all from there on */
    size_t item;         /* WAY_ITEM */
    const char *method;  /* WAY_REST */
    struct slice path;   /* WAY_REST, with {argument} and {.member} */
    struct slice body;   /* the argument that is the whole body; else empty */
    struct slice member; /* WAY_MEMBER, WAY_TWIN: of the source; WAY_REST: of the answer */
};

struct graphql_limits {
    size_t tokens, depth, aliases;
    uint64_t cost;
    unsigned timeout_ms, init_ms;
    size_t answer_bytes, cells;
    unsigned at_once; /* operations of one WebSocket */
};

struct persisted;
struct prepared;
struct prepareds;
struct live;

struct graphql {
    struct api *api;
    struct arena *arena;
    struct gql_schema *schema;
    struct graphql_limits limits;
    struct persisted *persisted;
    struct prepareds *prepareds;
    struct live *live;
    struct gql_socket *sockets;
    struct loop_timer *timer; /* once a second, while there are sockets or questions that wait */
    struct question *waiting; /* those under way, for their time-out */
    struct access_watch watch;
};

extern const char graphql_sdl[];
int ways_make(struct graphql *g); /* graphql_ways.c */
int graphql_new(struct api *a, struct graphql **ret);
void graphql_free(struct graphql *g);
void graphql_tick(struct graphql *g); /* make the timer run */

/* ---- who asks ---- */

struct gql_asker {
    struct principal *who;
    struct origin from;
    struct http_server *server;
    const char *peer;
    bool is_tls;
};

/* ---- a question ---- */

struct lookup;

struct question {
    struct graphql *g;
    struct arena *arena;
    struct gql_asker by;
    struct prepared *prepared; /* what the document is of */
    struct gql_document *doc;
    const struct gql_node *operation;
    struct jval *variables;
    struct gql_errors errors; /* before it is carried out */
    struct gql_run *run;
    struct map lookups; /* of GETs, by target: what was asked is not asked again */
    struct lookup *all; /* of them */
    struct loop_hook hook;
    int64_t until_us;
    bool ended, in_turn, again;
    void (*done)(void *arg, struct question *q); /* once */
    void *arg;
    struct question *next, **at; /* among those that wait; at NULL: it is none */
};

/* What somebody sent: the members of the body or the address. */
struct gql_request {
    struct slice query, operation_name, hash; /* p NULL: not given */
    const struct jval *variables;             /* an object or NULL */
    bool queries_only;
};

/* NULL: out of memory.  The principal is referenced; from and peer are copied. */
struct question *question_new(struct graphql *g, const struct gql_asker *by);
/* Parse, validate, price: false with errors. */
bool question_prepare(struct question *q, const struct gql_request *r);
/* Another one of the same document and variables; the first must outlive it. */
struct question *question_again(const struct question *of);
/* root: what the operation's fields are asked of, or NULL. */
void question_start(struct question *q, struct jval *root,
                    void (*done)(void *arg, struct question *q), void *arg);
/* The whole answer, or the errors. */
void question_write(const struct question *q, struct buf *out);
void question_free(struct question *q); /* ends what is under way; NULL too */
bool question_ran(const struct question *q);
void errors_write(struct json_writer *w, const struct gql_errors *errors);

/* ---- graphql_rest.c ---- */

gql_resolve_fn rest_resolve; /* arg: the question */
void lookups_end(struct question *q);

/* ---- graphql_persisted.c ---- */

int persisted_new(const char *list, struct persisted **ret);
void persisted_free(struct persisted *p);
/* The text of a request: its own, or the one that its hash names.  False with an error. */
bool persisted_find(struct question *q, const struct gql_request *r, struct slice *ret);
/* It was found valid, and came with its hash: keep it. */
void persisted_keep(struct graphql *g, struct slice text);

/* ---- graphql_prepared.c: references are given back with prepared_unref() ---- */

int prepareds_new(struct prepareds **ret);
void prepareds_free(struct prepareds *all);
struct prepared *prepared_find(struct graphql *g, struct slice text); /* NULL: not known */
struct prepared *prepared_new(struct arena *take_arena, struct gql_document *doc, bool asks_schema);
void prepared_keep(struct graphql *g, struct prepared *p);
struct gql_document *prepared_document(const struct prepared *p);
bool prepared_asks_schema(const struct prepared *p);
struct prepared *prepared_ref(struct prepared *p);
void prepared_unref(struct prepared *p); /* NULL too */

/* ---- graphql_live.c ---- */

struct listener; /* one subscription; opaque */

int live_new(struct graphql *g, struct live **ret);
void live_free(struct live *l);
/* Begin to hear what the operation of q (prepared, a subscription) asks for: on_event for each.
 * NULL with an error in q->errors. */
struct listener *live_listen(struct live *l, struct question *q,
                             void (*on_event)(void *arg, struct slice root), void *arg);
void live_leave(struct listener *n); /* NULL too */

/* ---- graphql_ws.c ---- */

void sockets_tick(struct graphql *g);
void sockets_judge(struct graphql *g); /* who has lost what they came by is sent away */
void gql_socket_open(struct call *call);

#endif
