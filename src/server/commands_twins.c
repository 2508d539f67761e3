/* commands_twins.c - options and examples of the commands about twins and their readings.  The
 * table of commands is in commands.c. */
#include "server/commands_twins.h"

const struct option_row twin_ls_options[] = {
    {.name = "name", .value = "TEXT", .help = "those with this in their name or id"},
    {.name = "type", .value = "TEXT", .help = "those that mirror this type of thing"},
    {.name = "state", .value = "STATE", .help = "live, stale or waiting"},
    {.name = "ids", .help = "only the ids, one a line"},
    {0},
};

const struct command_example twin_ls_examples[] = {
    {"doppel twin ls", "all twins with their newest values"},
    {"doppel twin ls --state stale --ids", "which have fallen silent?"},
    {0},
};

const struct option_row twin_get_options[] = {
    {.name = "kept", .help = "as it was written, without the live parts"},
    {.name = "findings", .help = "what validation says of it, instead"},
    {0},
};

const struct option_row twin_restore_options[] = {
    {.name = "reason", .value = "TEXT", .help = "why, for those who look later"},
    {0},
};

const struct command_example twin_versions_examples[] = {
    {"doppel twin versions water-pump", "who changed its profile, when and why"},
    {0},
};

const struct command_example twin_diff_examples[] = {
    {"doppel twin diff water-pump 3", "what has changed since version 3"},
    {"doppel twin diff water-pump 3 4", "what version 4 changed"},
    {0},
};

const struct command_example twin_restore_examples[] = {
    {"doppel twin restore water-pump 3 --reason \"the new ranges were wrong\"",
     "as it was; also when it was deleted"},
    {0},
};

const struct option_row twin_import_options[] = {
    {.name = "dry", .help = "tell what would be made, and make nothing"},
    {0},
};

const struct command_example twin_import_examples[] = {
    {"doppel twin import dtdl models.json --dry", "what would come of these interfaces?"},
    {"doppel twin import ngsi-ld entities.jsonld", "twins of entities"},
    {0},
};

const struct option_row twin_export_options[] = {
    {.name = "types", .value = "IDS", .help = "types with commas between; * for all"},
    {.name = "strict", .help = "nothing that the format itself does not know"},
    {.name = "concise", .help = "values alone (ngsi-ld)"},
    {0},
};

const struct command_example twin_export_examples[] = {
    {"doppel twin export wot water-pump", "its Thing Description"},
    {"doppel twin export dtdl --types '*' --strict > models.json", "all types, for other tools"},
    {0},
};

const struct command_example twin_get_examples[] = {
    {"doppel twin get water-pump", "the profile with its newest values"},
    {"doppel twin get water-pump --kept > pump.json", "to edit it and apply it again"},
    {0},
};

const struct option_row twin_apply_options[] = {
    {.name = "warnings", .letter = 'w', .help = "show warnings too"},
    {0},
};

const struct command_example twin_apply_examples[] = {
    {"doppel twin apply pump.json", "make the twin, or change it"},
    {"curl -s http://127.0.0.1:8080/api/v1/sample?id=my-pump | doppel twin apply -",
     "a first twin from the sample"},
    {0},
};

const struct command_example twin_rm_examples[] = {
    {"doppel twin rm water-pump", "the twin and everything it was"},
    {0},
};

const struct option_row send_options[] = {
    {.name = "at",
     .value = "TIME",
     .otherwise = "the server's time on arrival",
     .help = "when it was measured: 2024-03-15T14:30:00Z, Unix milliseconds, -5m"},
    {.name = "unit", .value = "UNIT", .help = "unit of the values; the server converts them"},
    {.name = "quality", .value = "WORD", .help = "good, uncertain or bad"},
    {.name = "text", .help = "the values are texts, also those that look like numbers"},
    {0},
};

const struct command_example send_examples[] = {
    {"doppel send robot temp-1=42.3 pressure-1=1210", "two readings, now"},
    {"doppel send robot temp-1=108 --unit degF --at -5m", "converted, five minutes ago"},
    {"my-device | doppel send robot -",
     "a stream of lines such as {\"sensor\":\"temp-1\",\"value\":42.3}"},
    {0},
};

const struct option_row watch_options[] = {
    {.name = "rate", .value = "HERTZ", .help = "at most so many updates a second for each sensor"},
    {.name = "count", .letter = 'n', .value = "N", .help = "end after so many lines"},
    {.name = "for", .value = "DURATION", .help = "end after this time"},
    {.name = "events", .help = "also what happens to twins: created, changed, stale, refused"},
    {0},
};

const struct command_example watch_examples[] = {
    {"doppel watch", "everything, until Ctrl-C"},
    {"doppel watch water-pump robot/temp-1 --rate 1", "a twin and a sensor, once a second"},
    {"doppel watch --json --count 100 | jq .value", "for scripts: one JSON object a line"},
    {0},
};

const struct option_row history_options[] = {
    {.name = "from",
     .value = "TIME",
     .fallback = "-1h",
     .help = "begin: 2024-03-15T14:30:00Z, 2024-03-15, Unix milliseconds, -90s, -1h, -7d"},
    {.name = "to", .value = "TIME", .fallback = "now", .help = "end, not included"},
    {.name = "points", .value = "N", .help = "thinned on the server, extremes kept (4 to 20000)"},
    {.name = "every",
     .value = "STEP",
     .help = "one point a step: 10s, 15m, 1h, or of the calendar 1d, 1w, 1mo, 1y"},
    {.name = "fn",
     .value = "NAME,...",
     .help = "of the step: mean, min, max, first, last, count, sum; of --points: thin or lttb"},
    {.name = "tz",
     .value = "ZONE",
     .help = "whose calendar --every goes by, such as Europe/Berlin"},
    {.name = "fill",
     .value = "WHAT",
     .help = "what empty steps get: none, null, previous, linear or a number"},
    {.name = "before", .help = "first the newest reading before the begin, which holds there"},
    {.name = "limit",
     .letter = 'n',
     .value = "N",
     .otherwise = "1000 in a table, else all",
     .help = "the newest so many points; 0 is all"},
    {.name = "quality", .help = "with the quality of each reading"},
    {.name = "csv", .help = "print CSV with times in UTC, as it comes"},
    {.name = "ndjson", .help = "print a line of JSON for each point, as it comes"},
    {.name = "delete", .help = "take the readings from --from to --to out of the past, for good"},
    {.name = "yes", .help = "with --delete: yes, I mean it"},
    {0},
};

const struct command_example history_examples[] = {
    {"doppel history water-pump vibration-1", "the last hour"},
    {"doppel history water-pump temp-1 --from -7d --every 1h --fn max", "the hottest of each hour"},
    {"doppel history water-pump temp-1 --from -365d --every 1mo --fn min,mean,max --tz "
     "Europe/Berlin",
     "a year by the month"},
    {"doppel history robot temp-1 --from 2024-03-01 --csv > march.csv", "everything, as a table"},
    {"doppel history 'pump-*/temp' robot/temp-1 --from -1d --ndjson", "many sensors at once"},
    {"doppel history robot temp-1 --from 2024-03-01 --to 2024-03-02 --delete --yes", "a bad day"},
    {0},
};

const struct option_row import_options[] = {
    {.name = "map", .letter = 'm', .value = "FILE", .help = "the mapping: which column is what"},
    {.name = "propose", .help = "print a mapping for this table, to start from, and end"},
    {.name = "dry-run",
     .letter = 'n',
     .help = "read all of it and tell what is wrong; send nothing"},
    {.name = "report", .value = "FILE", .help = "write every error there, with its line"},
    {.name = "max-errors",
     .value = "N",
     .fallback = "1000",
     .help = "end when there are more; 0 for any number"},
    {.name = "state",
     .value = "FILE",
     .otherwise = "TABLE.import",
     .help = "where it is kept how far the import is, until it came to its end"},
    {.name = "restart", .help = "begin with the first row, whatever the state says"},
    {.name = "in-flight", .value = "N", .fallback = "4", .help = "requests at once"},
    {.name = "batch", .value = "N", .fallback = "10000", .help = "readings in a request"},
    {.name = "patience",
     .value = "DURATION",
     .fallback = "2m",
     .help = "how long to try again while the server is busy, its disk is full or it is away"},
    {0},
};

const struct command_example import_examples[] = {
    {"doppel import run.csv --propose > run.map.json", "a mapping to start from"},
    {"doppel import run.csv --map run.map.json --dry-run", "what would be wrong?"},
    {"doppel import year.csv.gz --map run.map.json --report errors.txt",
     "a large table; ended by Ctrl-C, the same command goes on"},
    {0},
};

const struct option_row replay_options[] = {
    {.name = "twin", .value = "ID", .help = "the twin that takes the readings"},
    {.name = "map",
     .letter = 'm',
     .value = "COLUMN=SENSOR,...",
     .otherwise = "each column is the sensor of that name",
     .help = "which column is which sensor; by name, or by number from 1; may stand often"},
    {.name = "create", .help = "make the twin from the columns when it does not exist"},
    {.name = "speed",
     .value = "N",
     .fallback = "1",
     .help = "so many times as fast as it was measured, or max"},
    {.name = "shift",
     .value = "now",
     .help = "readings carry the moment at which they are played, instead of their own time"},
    {.name = "loop", .help = "begin again at the end (with --shift now)"},
    {.name = "mqtt", .value = "HOST:PORT", .help = "send over MQTT at QoS 1, instead of HTTP"},
    {.name = "time", .letter = 't', .value = "COLUMN", .help = "the column with the time"},
    {.name = "time-format",
     .value = "FORM",
     .fallback = "auto",
     .help = "auto, rfc3339, unix, unix-ms, unix-us, or a pattern such as \"%d.%m.%Y %H:%M:%S\""},
    {.name = "tz",
     .value = "ZONE",
     .fallback = "UTC",
     .help = "of times without an offset: +02:00, Europe/Berlin"},
    {.name = "every", .value = "DURATION", .help = "distance of the rows when there is no time"},
    {.name = "separator",
     .value = "CHAR",
     .otherwise = "found out",
     .help = "between the fields; tab is one too"},
    {.name = "decimal", .value = "CHAR", .fallback = ".", .help = ". or , in numbers"},
    {.name = "no-header", .help = "the first row is data already"},
    {.name = "skip", .value = "N", .help = "leave out the first N rows of data"},
    {.name = "rows", .letter = 'n', .value = "N", .help = "end after so many rows"},
    {0},
};

const struct command_example replay_examples[] = {
    {"doppel replay run.csv --twin pump --create --speed max", "a whole file, with its own times"},
    {"doppel replay run.csv --twin pump --map Pressure=pressure-1,3=flow-1 --speed 60 --shift now "
     "--loop",
     "an hour a minute, as if it happened now, for ever"},
    {"doppel replay run.csv --twin pump --mqtt 127.0.0.1:1883 --speed max",
     "the way that devices take"},
    {0},
};
