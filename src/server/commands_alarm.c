#include "server/commands_alarm.h"

const struct option_row alarm_ls_options[] = {
    {.name = "state",
     .value = "STATE",
     .fallback = "open",
     .help = "open, raised, acknowledged, cleared, settled, shelved or all"},
    {.name = "severity",
     .value = "LIST",
     .otherwise = "any",
     .help = "info, warning, major, critical, with commas between"},
    {.name = "twin", .value = "TWIN", .otherwise = "any", .help = "of this twin"},
    {0},
};

const struct option_row alarm_comment_options[] = {
    {.name = "comment", .value = "TEXT", .help = "what there is to say about it"},
    {0},
};

const struct option_row alarm_shelve_options[] = {
    {.name = "for", .value = "DURATION", .fallback = "8h", .help = "for how long"},
    {.name = "reason", .value = "TEXT", .help = "why; it must be said"},
    {0},
};

const struct option_row alarm_explain_options[] = {
    {.name = "window",
     .value = "DURATION",
     .fallback = "6h",
     .help = "how long before the alarm is looked at; the first third is the baseline"},
    {0},
};
const struct command_example alarm_explain_examples[] = {
    {"doppel alarm explain a-12 --window 2d", "what may have caused it, of two days"},
    {0},
};

const struct command_example alarm_ls_examples[] = {
    {"doppel alarm ls", "what is open"},
    {"doppel alarm ls --severity critical,major --twin pump-1", "the bad ones of a twin"},
    {0},
};
const struct command_example alarm_show_examples[] = {
    {"doppel alarm show a-12", "with all that happened to it"},
    {0},
};
const struct command_example alarm_ack_examples[] = {
    {"doppel alarm ack a-12 a-13 --comment 'on my way'", "say that you have taken note"},
    {0},
};
const struct command_example alarm_clear_examples[] = {
    {"doppel alarm clear a-12", "it is over, whatever the condition says"},
    {0},
};
const struct command_example alarm_assign_examples[] = {
    {"doppel alarm assign a-12 team:night", "a team of the organisation"},
    {"doppel alarm assign a-12 nobody", "take it back"},
    {0},
};
const struct command_example alarm_comment_examples[] = {
    {"doppel alarm comment a-12 'the valve is stuck'", "for whoever looks at it"},
    {0},
};
const struct command_example alarm_shelve_examples[] = {
    {"doppel alarm shelve a-12 --for 2d --reason 'pump is being repaired'", "out of service"},
    {0},
};
const struct command_example alarm_unshelve_examples[] = {
    {"doppel alarm unshelve a-12", "back into service"},
    {0},
};
