/* erase.c - readings taken out of the past of a sensor. */
#include "api/internal.h"
#include "base/err.h"

struct erasing {
    int64_t from_us, to_us;
};

static void on_erased(void *arg, const struct erase_result *r)
{
    struct call *call = arg;
    if (!call_alive(call))
        return;
    if (r->err) {
        call_problem(call, r->err,
                     r->err == ERR_STORAGE
                         ? "The server cannot write to its disk; nothing was deleted."
                         : NULL);
        return;
    }
    const struct erasing *e = call->data;
    struct buf b = {0};
    struct json_writer w;
    json_writer_init(&w, &b, 0);
    json_open(&w, '{');
    json_key(&w, "twin");
    json_put_string(&w, call->parts[0]);
    json_key(&w, "sensor");
    json_put_string(&w, call->parts[1]);
    json_key(&w, "from");
    json_put_time_ms(&w, e->from_us);
    json_key(&w, "to");
    json_put_time_ms(&w, e->to_us);
    json_key(&w, "deleted");
    json_put_uint(&w, r->readings);
    json_close(&w, '}');
    call_json(call, 200, &b);
}

void history_erase(struct call *call)
{
    struct sensor *s = call_sensor(call);
    struct erasing *e = s ? arena_zalloc(call->arena, sizeof *e) : NULL;
    if (!e) {
        if (s)
            call_problem(call, ERR_NOMEM, NULL);
        return;
    }
    if (!call_param(call, "from").p || !call_param(call, "to").p) {
        call_problem(call, ERR_INVALID,
                     "Deleting needs both ends: from (the first time) and to (not included).");
        return;
    }
    if (!call_time(call, "from", &e->from_us) || !call_time(call, "to", &e->to_us))
        return;
    if (e->from_us > e->to_us) {
        call_problem(call, ERR_INVALID, "from is after to.");
        return;
    }
    call->data = e;
    call_wait(call, NULL);
    const struct asker by = call_asker(call);
    core_erase(call->core, &by, s, e->from_us, e->to_us, on_erased, call);
}
