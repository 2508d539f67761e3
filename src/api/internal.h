/* internal.h - what the files of this room share; nobody outside includes it. */
#ifndef API_INTERNAL_H
#define API_INTERNAL_H

#include "access/change.h"
#include "api/api.h"
#include "codec/json.h"
#include "control/control.h"

enum { PARTS_MAX = 3 };

/* A request under way, in the request's arena. */
struct call {
    struct api *api;
    struct core *core;
    struct http_req *req;
    struct arena *arena;
    const struct route *route;
    struct principal *who; /* who asks; never NULL in a handler */
    struct origin from;    /* from where */
    struct org *org;       /* that the address names, or else theirs; NULL: they have none */
    struct slice parts[PARTS_MAX]; /* what stands for {id}, {sensor}, in order */
    bool gone;                     /* the peer left: call_alive() says so */
    void (*on_gone)(struct call *call);
    bool flag; /* the handler's, both */
    void *data;
    struct jval *params; /* parameters in the body instead of the address; or NULL */
};

typedef void route_fn(struct call *call);

/* A query parameter or a response, for the table. */
struct route_param {
    const char *name, *schema, *text; /* schema: JSON text */
};
struct route_answer {
    int status;
    const char *schema; /* a name of schema_tables, or NULL: no body */
    const char *type;   /* NULL: application/json */
};
struct route {
    const char *method, *path;
    enum access_op op; /* what is asked for; gate.c */
    const char *name;  /* operationId */
    route_fn *fn;
    const char *summary;
    const struct route_param *params;   /* NULL-ended by name; or NULL */
    const char *body;                   /* schema of the body, or NULL */
    const char *body_types;             /* media types by space; NULL: application/json */
    const struct route_answer *answers; /* ended by status 0; problems are added by themselves */
};
/* A table a part of the API, each ended by method NULL; the list of them, by NULL.  The rows of one
 * path stand together, in one table. */
extern const struct route routes[], administrator_routes[], document_routes[], graph_routes[];
extern const struct route twin_version_routes[], exchange_routes[], type_routes[];
extern const struct route query_routes[];
extern const struct route graphql_routes[];
extern const struct route *const route_tables[];

struct named_schema {
    const char *name, *json;
};
/* The same for what OpenAPI names. */
extern const struct named_schema openapi_schemas[], administrator_schemas[], graph_schemas[];
extern const struct named_schema document_schemas[], exchange_schemas[], type_schemas[];
extern const struct named_schema query_schemas[];
extern const struct named_schema graphql_schemas[];
extern const struct named_schema *const schema_tables[];

/* explain.c */
extern const struct route explain_routes[];
extern const struct named_schema explain_schemas[];

/* rules.c */
extern const struct route rule_routes[];
extern const struct named_schema rule_schemas[];

/* alarms.c */
extern const struct route alarm_routes[], delivery_routes[];
extern const struct named_schema alarm_schemas[], delivery_schemas[];

/* control.c */
extern const struct route control_routes[];
extern const struct named_schema control_schemas[];
struct waiting;

struct stream;
struct graphql;

struct api {
    struct loop *loop;
    struct core *core;
    struct broker *broker;
    struct alarms *alarms;
    struct rules *rules;
    struct control *control;
    struct control_watch control_watch;
    struct waiting *waiting; /* calls that wait for a step of a command */
    size_t backtests;        /* under way */
    struct api_opts opts;
    struct api_addresses addresses;
    struct stream *stream;
    struct graphql *graphql;
    struct core_tap tap; /* devices.c */
    struct line_in *lines;
    struct buf openapi; /* made when first asked for */
    uint64_t requests, rate_limited;
    struct buckets *rates;   /* gate.c: of principals and addresses */
    char request_prefix[16]; /* of their ids */
};

/* api.c */
/* A request from inside (http_inner_new()) to its handler, in somebody's name. */
void api_inner(struct api *a, struct http_req *req, struct principal *who,
               const struct origin *from);

/* call.c */
void call_problem(struct call *call, int err, const char *detail);
void call_problemf(struct call *call, int err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void problem_write(struct json_writer *w, int err,
                   const char *detail); /* the members, in an open object */
void call_json(struct call *call, int status, struct buf *body); /* body is released */
/* {"KEY":[...]}: begin, write the rows, and answer 200 with it. */
void call_rows_begin(struct json_writer *w, struct buf *body, const char *key);
void call_rows_end(struct call *call, struct json_writer *w, struct buf *body);
void call_wait(struct call *call,
               void (*on_gone)(struct call *call));          /* before going asynchronous */
struct provision_grant *call_grant(const struct call *call); /* of its listener; NULL: none */
bool call_takes_anybody(const struct call *call);            /* does its listener take readings? */
bool call_alive(struct call *call); /* false: it was released, do nothing more */
/* By parts[0], and by that and [1], when they may do to it what the route is for; NULL: answered.
 */
struct twin *call_twin(struct call *call);
struct sensor *call_sensor(struct call *call);
struct twin *call_seen_twin(struct call *call); /* they may see that it is there, no more */
/* A parameter's text: of the address, or of the body when call_json_params() took that.  p NULL:
 * none. */
struct slice call_param(struct call *call, const char *name);
bool call_json_params(struct call *call); /* false: answered */
/* By the parameter `format`, else the first of Accept that we have. */
enum answer_form { FORM_JSON, FORM_NDJSON, FORM_CSV };
bool call_form(struct call *call, enum answer_form *ret); /* false: answered */
bool call_uint(struct call *call, const char *name, uint64_t least, uint64_t most, uint64_t *value);
bool call_time(struct call *call, const char *name, int64_t *t_us); /* false: answered */
bool call_bool(struct call *call, const char *name, bool *value);
struct slice call_media(struct call *call); /* the Content-Type without parameters; may be empty */
bool call_content(struct call *call, struct slice *ret); /* the body, decoded; false: answered */
const char *call_content_why(int err);
bool call_json_type(struct call *call); /* is the body said to be JSON?  false: answered */
/* Is the tag in the list of If-Match or If-None-Match (RFC 9110, 8.8.3)?  etag empty: there is
 * nothing that "*" could mean.  weak: W/"x" is "x" too. */
bool etag_listed(struct slice list, const char *etag, bool weak);
void etag_write(char out[static 64], const struct twin *t);
void etag_of(char out[static 64], int64_t created_us, uint64_t version);

/* twins.c */
/* The twins of their organisation that they may see, in order of key, behind the cursor (an id). */
struct own_twins {
    const struct org *org;
    bool plain;
    size_t at;
};
void own_twins_begin(struct call *call, struct slice cursor, struct own_twins *ret);
struct twin *own_twins_next(struct call *call, struct own_twins *own); /* NULL: the end */
/* What a change of a twin must meet: If-Match and If-None-Match; false: answered. */
bool call_twin_version(struct call *call, const struct twin *t, uint64_t *ret_version);
void call_twin_failed(struct call *call, const struct twin_result *r);
void call_twin_kept(void *call, const struct twin_result *r); /* a twin_done_fn that answers */

/* gate.c */
bool gate_enter(struct call *call); /* false: answered */
/* Somebody who was let in asks something more, from inside. */
bool gate_enter_as(struct call *call, struct principal *who, const struct origin *from);
bool gate_is_host(const struct api *a, struct slice host); /* do we go by this name? */
/* A refusal that names what is missing, and goes into the audit log; detail NULL: by itself. */
void call_denied(struct call *call, int err, enum access_op op, const char *detail);
/* Is it not too soon after wrong tries from this address (access/knock.h)?  False: answered. */
bool call_may_knock(struct call *call, const char *detail);
bool call_may(struct call *call, enum access_op op,
              const struct access_object *o);                        /* false: answered */
struct slice call_cookie(const struct call *call, const char *name); /* p NULL: none */
const char *session_cookie_name(const struct call *call);
struct asker call_asker(const struct call *call);
/* Why they change it, for versions and the audit log.  False: it is too long, answered. */
bool call_reason(struct call *call, struct slice reason);
struct access_object twin_object(const struct twin *t);
struct access_object sensor_object(const struct sensor *s);

/* ask.c */
#define ORGANIZATION_PATH "/api/v1/organizations/{org}"
struct ask;
/* Ask for a change (access/orgs.h, access/sharing.h) with the parts of the address and the body;
 * answer() when it is done, NULL: 204.  Refusals are answered. */
void call_ask(struct call *call, int (*prepare)(struct change *ch),
              void (*answer)(struct call *call, struct ask *ask));
/* The same with what `like` says of its kind, its body (NULL: the request's) and its condition. */
void call_ask_as(struct call *call, int (*prepare)(struct change *ch),
                 void (*answer)(struct call *call, struct ask *ask), const struct ask *like);
typedef void entity_write_fn(struct call *call, struct json_writer *w,
                             const void *entity); /* its members, in an open object */
/* Entities as {name: [...], "next"}, in order of id, by limit and cursor. */
struct entity_list {
    const char *name;
    const struct map *of;                               /* values begin with a struct entity */
    bool (*has)(struct call *call, const void *entity); /* NULL: all of them */
    entity_write_fn *write;
};
void call_list(struct call *call, const struct entity_list *l);
/* One, with another member behind it when key is not NULL. */
void call_entity(struct call *call, int status, entity_write_fn *write, const void *entity,
                 const char *key, const char *value);
void put_text(struct json_writer *w, const char *key, const char *text);
void put_text_or_null(struct json_writer *w, const char *key, struct slice text); /* empty: null */
void put_time_or_null(struct json_writer *w, const char *key, int64_t t_us);      /* 0: null */

/* write.c */
void write_sensor(struct json_writer *w, const struct sensor *s);
void write_summary(struct json_writer *w, const struct call *call, const struct twin *t,
                   size_t sensors);
void write_twin_types(struct json_writer *w, const struct twin *t); /* a member */
void write_rejection(struct json_writer *w,
                     const struct rejection *r); /* the members, in an open object */
/* Is it theirs to see?  It is their organisation's, and of nothing that is kept from them. */
bool rejection_is_for(struct core *c, const struct principal *who, const struct rejection *r);
const char *state_name(enum live_state state);
const char *quality_name(uint8_t quality);

/* query.c: answer the question; the rest of it stands in the parameters */
void query_answer(struct call *call, struct slice sql, const struct jval *params);

/* control.c: who waits for steps of commands */
void control_api_watch(struct api *api);
void control_api_unwatch(struct api *api);

/* devices.c: what a twin had goes with it */
void devices_watch(struct api *api);
void devices_unwatch(struct api *api);

/* handlers */
route_fn twins_list, twins_create, twin_read, twin_replace, twin_patch, twin_delete, twin_findings;
route_fn validate, sample, schema, openapi, status, metrics, healthz, readyz, error_page;
route_fn sensors_list, sensor_read, sensor_value, sensor_history, twin_readings, sensor_readings,
    rejections;
route_fn stream_open, mqtt_open;
route_fn influx_write_1, influx_write_2, influx_query, influx_ping, influx_health;
route_fn devices_list, credentials_list, credential_create, credential_delete, credential_rotate;
route_fn claim_code_create, claim, provisioning_keys_list, provisioning_key_create;
route_fn provisioning_key_delete, provision;
route_fn history_read, history_ask, history_erase;
/* session.c, account.c */
route_fn session_read, session_start, session_change, session_stop, session_confirm;
route_fn setup, setup_make_link;
route_fn account_read, account_change, account_delete, account_read_all, account_password;
route_fn account_sessions, account_sessions_end, account_session_end;
route_fn account_totp_start, account_totp_put, account_totp_delete, account_recovery_make;
route_fn passkey_challenge, session_passkey, account_passkeys, account_passkey_challenge;
route_fn account_passkey_add, account_passkey_change, account_passkey_delete;
route_fn account_tokens, account_token_create, account_token_delete;
route_fn organizations_list, organization_make, organization_read, organization_change;
route_fn organization_delete, usage_read, quotas_set, operations_list;
route_fn members_list, member_change, member_delete, teams_list, team_create, team_rename;
route_fn team_delete, team_put_member, team_delete_member;
route_fn services_list, service_create, service_patch, service_delete;
route_fn service_tokens_list, service_token_create, service_token_delete;
route_fn invitations_list, invitation_create, invitation_delete, invitation_inspect;
route_fn invitation_take, session_link;
route_fn requests_list, request_create, request_answer;
route_fn grants_list, grant_create, grant_patch, grant_delete, shared_list, people_find;
route_fn policy_read, policy_replace, policy_delete;
route_fn auth_start, auth_callback, auth_goodbye, account_identities, account_identity_link,
    account_identity_end;
route_fn providers_list, providers_create, provider_patch, provider_delete;
route_fn audit_of_org, audit_of_all;
void static_serve(struct call *call);

int stream_new(struct api *a, struct stream **ret);
void stream_free(struct stream *s);
size_t stream_clients(const struct stream *s);
struct slice raw_json(const struct json_reader *r, size_t from);

#endif
