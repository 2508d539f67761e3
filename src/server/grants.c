#include "server/grants.h"

#include "base/err.h"
#include "os/file.h"
#include "server/term.h"

static const char *const listeners[GRANTS] = {"http", "https", "mqtt", "mqtts"};

int grants_read(const struct config *c, struct grants *ret)
{
    struct slice rest = slice_str(c->provision), word;
    *ret = (struct grants){0};
    while (rest.p && slice_cut(&rest, ',', &word)) {
        int i = 0;
        word = slice_trim(word);
        while (i < GRANTS && !slice_is(word, listeners[i]))
            i++;
        if (i == GRANTS) {
            term_problem("--provision names listeners, such as http,mqtt, and there is none called "
                         "\"%.*s\"; there are http, https, mqtt and mqtts",
                         SLICE_ARG(word));
            return CODE_USAGE;
        }
        ret->given[i] = true;
        ret->of[i].limits = (struct provision_limits){
            .twins_per_minute = (uint64_t)c->provision_twins_per_minute,
            .sensors_per_minute = (uint64_t)c->provision_sensors_per_minute,
            .twins = (uint64_t)c->provision_twins,
            .sensors = (uint64_t)c->provision_sensors};
    }
    return CODE_OK;
}

struct provision_grant *grants_of(struct grants *g, int listener)
{
    return g->given[listener] ? &g->of[listener] : NULL;
}

int grants_line_map(const struct config *c, struct line_map **ret)
{
    struct buf text = {0}, why = {0};
    int err = c->line_mapping ? file_read(c->line_mapping, 1 << 20, &text) : 0;
    if (err) {
        term_problem("the mapping %s cannot be read: %s", c->line_mapping, file_why(err));
    } else if ((err = line_map_new(buf_slice(&text), slice_str(c->line_twin_tags), ret, &why))) {
        term_problem("the mapping %s is not right: %.*s", c->line_mapping ? c->line_mapping : "",
                     SLICE_ARG(err == ERR_NOMEM ? slice_str("out of memory") : buf_slice(&why)));
    }
    buf_release(&text);
    buf_release(&why);
    return err ? CODE_FAILED : CODE_OK;
}
