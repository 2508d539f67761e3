/* forms.c - in which form an answer of many lines is wanted: JSON, NDJSON or CSV. */
#include "api/internal.h"
#include "base/err.h"

static const char *const names[] = {
    [FORM_JSON] = "json", [FORM_NDJSON] = "ndjson", [FORM_CSV] = "csv"};

static int form_of_media(struct slice media)
{
    static const struct {
        const char *media;
        enum answer_form form;
    } table[] = {{"application/json", FORM_JSON},
                 {"application/*", FORM_JSON},
                 {"*/*", FORM_JSON},
                 {"application/x-ndjson", FORM_NDJSON},
                 {"application/ndjson", FORM_NDJSON},
                 {"application/jsonl", FORM_NDJSON},
                 {"text/csv", FORM_CSV},
                 {"text/*", FORM_CSV}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (slice_is_nocase(media, table[i].media))
            return (int)table[i].form;
    return -1;
}

bool call_form(struct call *call, enum answer_form *ret)
{
    struct slice name = call_param(call, "format"), media, one;
    for (size_t i = 0; name.p && i < sizeof names / sizeof names[0]; i++)
        if (slice_is(name, names[i])) {
            *ret = (enum answer_form)i;
            return true;
        }
    if (name.p) {
        call_problem(call, ERR_INVALID, "format is json, ndjson or csv.");
        return false;
    }
    struct slice accept = http_header(call->req, "accept");
    *ret = FORM_JSON;
    while (accept.p && slice_cut(&accept, ',', &one)) {
        slice_cut(&one, ';', &media);
        int form = form_of_media(slice_trim(media));
        if (form < 0)
            continue;
        *ret = (enum answer_form)form;
        break;
    }
    return true;
}
