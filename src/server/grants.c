#include "server/grants.h"

#include "base/err.h"
#include "base/log.h"
#include "os/file.h"
#include "server/term.h"

static const char *const listeners[GRANTS] = {"http", "https", "mqtt", "mqtts"};

/* The listeners in a list, a bit each; -1 after having said what is wrong with it. */
static int listed(const char *flag, const char *list)
{
    struct slice rest = slice_str(list), word;
    int set = 0;
    while (rest.p && slice_cut(&rest, ',', &word)) {
        int i = 0;
        word = slice_trim(word);
        while (i < GRANTS && !slice_is(word, listeners[i]))
            i++;
        if (i == GRANTS) {
            term_problem("--%s names listeners, such as http,mqtt, and there is none called "
                         "\"%.*s\"; there are http, https, mqtt and mqtts",
                         flag, SLICE_ARG(word));
            return -1;
        }
        set |= 1 << i;
    }
    return set;
}

int grants_read(const struct config *c, struct grants *ret)
{
    int make = listed("provision", c->provision);
    int anonymous = make < 0 ? -1 : listed("anonymous-ingest", c->anonymous_ingest);
    *ret = (struct grants){0};
    if (anonymous < 0)
        return CODE_USAGE;
    for (int i = 0; i < GRANTS; i++) {
        ret->anonymous[i] = anonymous >> i & 1;
        ret->given[i] = make >> i & 1;
        if (ret->given[i])
            ret->of[i].limits = (struct provision_limits){
                .twins_per_minute = (uint64_t)c->provision_twins_per_minute,
                .sensors_per_minute = (uint64_t)c->provision_sensors_per_minute,
                .twins = (uint64_t)c->provision_twins,
                .sensors = (uint64_t)c->provision_sensors};
    }
    if (anonymous && !(c->access && strcmp(c->access, "open") == 0))
        log_warn("server",
                 "whoever reaches %s can send readings of every twin of the first "
                 "organisation: --anonymous-ingest",
                 c->anonymous_ingest);
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
