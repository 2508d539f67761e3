/* commands.c - the table of subcommands. */
#include "server/command.h"
#include "server/commands_access.h"
#include "server/commands_keep.h"
#include "server/run.h"

#define CODES1(a) (1U << (a))
#define CODES(a, b) (CODES1(a) | CODES1(b))

enum {
    CODES_LOCAL = 1U << CODE_OK | 1U << CODE_USAGE,
    CODES_CLIENT = CODES_LOCAL | 1U << CODE_REACH | 1U << CODE_MISSING | 1U << CODE_REFUSED |
                   1U << CODE_FAILED,
};

static const struct command_example serve_examples[] = {
    {"doppel serve --demo", "with twins to look at; open http://127.0.0.1:8080"},
    {"doppel serve --data /srv/doppel --http 127.0.0.1:0 --mqtt off",
     "another directory, a free port, no MQTT"},
    {"doppel serve --https 127.0.0.1:8443 --tls-self-signed", "TLS with a certificate of its own"},
    {"doppel serve --print-config > doppel.ini", "a file of settings to start from"},
    {0},
};

static const struct option_row validate_options[] = {
    {.name = "quiet", .letter = 'q', .help = "leave the warnings out"},
    {.name = "strict", .help = "a warning is as bad as an error"},
    {0},
};

static const struct command_example validate_examples[] = {
    {"doppel validate pump.json", "is the profile complete?"},
    {"doppel validate --json blueprints/*.json", "several, for a script"},
    {"doppel twin get water-pump | doppel validate -", "what a server has"},
    {0},
};

static const struct option_row twin_ls_options[] = {
    {.name = "name", .value = "TEXT", .help = "those with this in their name or id"},
    {.name = "type", .value = "TEXT", .help = "those that mirror this type of thing"},
    {.name = "state", .value = "STATE", .help = "live, stale or waiting"},
    {.name = "ids", .help = "only the ids, one a line"},
    {0},
};

static const struct command_example twin_ls_examples[] = {
    {"doppel twin ls", "all twins with their newest values"},
    {"doppel twin ls --state stale --ids", "which have fallen silent?"},
    {0},
};

static const struct option_row twin_get_options[] = {
    {.name = "kept", .help = "as it was written, without the live parts"},
    {.name = "findings", .help = "what validation says of it, instead"},
    {0},
};

static const struct command_example twin_get_examples[] = {
    {"doppel twin get water-pump", "the profile with its newest values"},
    {"doppel twin get water-pump --kept > pump.json", "to edit it and apply it again"},
    {0},
};

static const struct option_row twin_apply_options[] = {
    {.name = "warnings", .letter = 'w', .help = "show warnings too"},
    {0},
};

static const struct command_example twin_apply_examples[] = {
    {"doppel twin apply pump.json", "make the twin, or change it"},
    {"curl -s http://127.0.0.1:8080/api/v1/sample?id=my-pump | doppel twin apply -",
     "a first twin from the sample"},
    {0},
};

static const struct command_example twin_rm_examples[] = {
    {"doppel twin rm water-pump", "the twin and everything it was"},
    {0},
};

static const struct option_row send_options[] = {
    {.name = "at",
     .value = "TIME",
     .otherwise = "the server's time on arrival",
     .help = "when it was measured: 2024-03-15T14:30:00Z, Unix milliseconds, -5m"},
    {.name = "unit", .value = "UNIT", .help = "unit of the values; the server converts them"},
    {.name = "quality", .value = "WORD", .help = "good, uncertain or bad"},
    {.name = "text", .help = "the values are texts, also those that look like numbers"},
    {0},
};

static const struct command_example send_examples[] = {
    {"doppel send robot temp-1=42.3 pressure-1=1210", "two readings, now"},
    {"doppel send robot temp-1=108 --unit degF --at -5m", "converted, five minutes ago"},
    {"my-device | doppel send robot -",
     "a stream of lines such as {\"sensor\":\"temp-1\",\"value\":42.3}"},
    {0},
};

static const struct option_row watch_options[] = {
    {.name = "rate", .value = "HERTZ", .help = "at most so many updates a second for each sensor"},
    {.name = "count", .letter = 'n', .value = "N", .help = "end after so many lines"},
    {.name = "for", .value = "DURATION", .help = "end after this time"},
    {.name = "events", .help = "also what happens to twins: created, changed, stale, refused"},
    {0},
};

static const struct command_example watch_examples[] = {
    {"doppel watch", "everything, until Ctrl-C"},
    {"doppel watch water-pump robot/temp-1 --rate 1", "a twin and a sensor, once a second"},
    {"doppel watch --json --count 100 | jq .value", "for scripts: one JSON object a line"},
    {0},
};

static const struct option_row history_options[] = {
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

static const struct command_example history_examples[] = {
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

static const struct command_example status_examples[] = {
    {"doppel status", "is it well, how much is there?"},
    {"doppel status --server https://twins.example:8443 --cacert ca.pem", "of another machine"},
    {0},
};

static const struct option_row login_options[] = {
    {.name = "email", .value = "ADDRESS", .otherwise = "asked for", .help = "who you are"},
    {0},
};

static const struct command_example login_examples[] = {
    {"doppel login https://twins.example:8443", "asks for the rest"},
    {"doppel login --email ada@example.org < password.txt", "from a script"},
    {0},
};

static const struct command_example logout_examples[] = {
    {"doppel logout https://twins.example:8443", "the token is revoked"},
    {0},
};

static const struct option_row setup_link_options[] = {
    {.name = "email",
     .value = "ADDRESS",
     .otherwise = "the first administrator",
     .help = "whom it lets in"},
    {0},
};

static const struct command_example setup_link_examples[] = {
    {"doppel setup-link", "open it in a browser"},
    {0},
};

static const struct option_row import_options[] = {
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

static const struct command_example import_examples[] = {
    {"doppel import run.csv --propose > run.map.json", "a mapping to start from"},
    {"doppel import run.csv --map run.map.json --dry-run", "what would be wrong?"},
    {"doppel import year.csv.gz --map run.map.json --report errors.txt",
     "a large table; ended by Ctrl-C, the same command goes on"},
    {0},
};

static const struct option_row replay_options[] = {
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

static const struct command_example replay_examples[] = {
    {"doppel replay run.csv --twin pump --create --speed max", "a whole file, with its own times"},
    {"doppel replay run.csv --twin pump --map Pressure=pressure-1,3=flow-1 --speed 60 --shift now "
     "--loop",
     "an hour a minute, as if it happened now, for ever"},
    {"doppel replay run.csv --twin pump --mqtt 127.0.0.1:1883 --speed max",
     "the way that devices take"},
    {0},
};

static const struct command_example completion_examples[] = {
    {"source <(doppel completion bash)", "for this shell"},
    {"doppel completion fish > ~/.config/fish/completions/doppel.fish", "for good"},
    {0},
};

static const struct option_row help_options[] = {
    {.name = "markdown", .help = "as the pages in docs/ have it"},
    {0},
};

const struct command commands[] = {
    {.name = "serve",
     .args = "",
     .summary = "run the server: page, REST, stream and MQTT over one data directory",
     .text =
         "Everything is kept in the data directory, which is made when it is missing; an empty one "
         "is a complete system.  When it listens the server prints one line, \"listening "
         "http=HOST:PORT mqtt=HOST:PORT\".  SIGINT and SIGTERM end it.  SIGUSR1, and SIGHUP where "
         "there is no "
         "terminal, load the certificates again; when their files change that happens by itself.",
     .groups = COMMAND_CONFIG,
     .codes = CODES_LOCAL | CODES1(CODE_FAILED),
     .examples = serve_examples,
     .run = serve_run},
    {.name = "validate",
     .args = "FILE...",
     .summary = "check twin profiles, without a server",
     .text =
         "FILE is a profile in JSON; - is standard input.  A profile is complete when it has no "
         "error; warnings are advice.",
     .options = validate_options,
     .groups = COMMAND_JSON,
     .min_args = 1,
     .max_args = -1,
     .codes = CODES_LOCAL | CODES(CODE_NO, CODE_FAILED),
     .examples = validate_examples,
     .words = "file",
     .run = validate_run},
    {.name = "twin ls",
     .args = "",
     .summary = "list the twins with their state and newest values",
     .options = twin_ls_options,
     .groups = COMMAND_CLIENT | COMMAND_JSON,
     .codes = CODES_CLIENT & ~CODES1(CODE_MISSING),
     .examples = twin_ls_examples,
     .run = twin_ls_run},
    {.name = "twin get",
     .args = "TWIN",
     .summary = "print the profile of a twin",
     .options = twin_get_options,
     .groups = COMMAND_CLIENT | COMMAND_JSON,
     .min_args = 1,
     .max_args = 1,
     .codes = CODES_CLIENT,
     .examples = twin_get_examples,
     .words = "twin",
     .run = twin_get_run},
    {.name = "twin apply",
     .args = "FILE...",
     .summary = "make twins from profiles, or change them",
     .text =
         "The id is the profile's identifier.value.  What is required and missing is filled with "
         "defaults, which are told.  - is standard input.  Several are under way at once, told in "
         "the order of the files.",
     .options = twin_apply_options,
     .groups = COMMAND_CLIENT | COMMAND_JSON,
     .min_args = 1,
     .max_args = -1,
     .codes = (CODES_CLIENT | CODES1(CODE_NO)) & ~CODES1(CODE_MISSING),
     .examples = twin_apply_examples,
     .words = "file",
     .run = twin_apply_run},
    {.name = "twin rm",
     .args = "TWIN...",
     .summary = "remove twins and everything they were",
     .groups = COMMAND_CLIENT,
     .min_args = 1,
     .max_args = -1,
     .codes = CODES_CLIENT,
     .examples = twin_rm_examples,
     .words = "twin",
     .run = twin_rm_run},
    {.name = "send",
     .args = "TWIN SENSOR=VALUE... | TWIN -",
     .summary = "send readings",
     .text =
         "VALUE is a number, true, false, or text.  With - readings come from standard input, one "
         "JSON object a line, and are sent as they come.",
     .options = send_options,
     .groups = COMMAND_CLIENT | COMMAND_JSON,
     .min_args = 2,
     .max_args = -1,
     .codes = CODES_CLIENT | CODES1(CODE_NO),
     .examples = send_examples,
     .words = "twin",
     .run = send_run},
    {.name = "watch",
     .args = "[TWIN[/SENSOR]]...",
     .summary = "print readings as they come",
     .text = "Without an argument everything.  * stands for all twins, or all sensors of one.",
     .options = watch_options,
     .groups = COMMAND_CLIENT | COMMAND_JSON,
     .max_args = -1,
     .codes = CODES_CLIENT,
     .examples = watch_examples,
     .words = "twin",
     .run = watch_run},
    {.name = "history",
     .args = "TWIN SENSOR | TWIN/SENSOR...",
     .summary = "print what a sensor was, or delete some of it",
     .text =
         "Several sensors are named TWIN/SENSOR, * standing for any part of a name; they go with "
         "--csv, --ndjson or --json.",
     .options = history_options,
     .groups = COMMAND_CLIENT | COMMAND_JSON,
     .min_args = 1,
     .max_args = -1,
     .codes = CODES_CLIENT,
     .examples = history_examples,
     .words = "twin",
     .run = history_run},
    {.name = "status",
     .args = "",
     .summary = "tell how a server is",
     .groups = COMMAND_CLIENT | COMMAND_JSON,
     .codes = CODES_CLIENT & ~CODES1(CODE_MISSING),
     .examples = status_examples,
     .run = status_run},
    {.name = "login",
     .args = "[URL]",
     .summary = "sign in at a server, for all commands from now on",
     .text =
         "Asks for e-mail address, password and, where it is enrolled, a code; without a terminal "
         "they are lines of standard input.  What is kept is an API token of this machine, in a "
         "file that only you can read; it stands among the tokens of your account, where it can be "
         "revoked.  A server that runs on this machine as the same user needs no sign-in.",
     .options = login_options,
     .groups = COMMAND_CLIENT,
     .max_args = 1,
     .codes = CODES_CLIENT & ~CODES1(CODE_MISSING),
     .examples = login_examples,
     .run = login_run},
    {.name = "logout",
     .args = "[URL]",
     .summary = "revoke and forget what login has kept",
     .groups = COMMAND_CLIENT,
     .max_args = 1,
     .codes = (CODES_CLIENT | CODES1(CODE_NO)) & ~CODES1(CODE_MISSING),
     .examples = logout_examples,
     .run = logout_run},
    {.name = "setup-link",
     .args = "",
     .summary = "a new link that lets somebody in, once and within an hour",
     .text =
         "While there is no administrator, whoever opens it becomes the first.  Later it signs "
         "somebody in who has lost password, codes or passkey: the first administrator, or who is "
         "named with --email; for an hour they then may set what they have lost.  It is the "
         "server's own user on its machine who can make one; an older link ends.",
     .options = setup_link_options,
     .groups = COMMAND_CLIENT,
     .codes = CODES_CLIENT,
     .examples = setup_link_examples,
     .run = setup_link_run},
    {.name = "replay",
     .args = "FILE --twin ID",
     .summary = "play a table of measurements (CSV) into a twin",
     .text =
         "FILE is a table with a row for each moment; - is standard input.  Separator, header and "
         "the column with the time are found out.  Empty fields, NA and NaN are gaps.  Readings "
         "keep their own time, so that playing a file twice changes nothing.",
     .options = replay_options,
     .groups = COMMAND_CLIENT | COMMAND_JSON,
     .min_args = 1,
     .max_args = 1,
     .codes = CODES_CLIENT | CODES1(CODE_NO),
     .examples = replay_examples,
     .words = "file",
     .run = replay_run},
    {.name = "backup",
     .args = "TO",
     .summary = "copy a data directory into a new directory, while a server runs in it or not",
     .text =
         "Everything that was acknowledged before is in the copy.  TO appears when the copy is "
         "whole and on the disk, with a manifest that names every file with its SHA-256.  "
         "Private keys (secret.key, keys of certificates) are left out and named, unless "
         "--with-keys takes them along.  TO is not inside the data directory.\n\n"
         "With --recipient or --passphrase-file every file is encrypted, private keys are in it, "
         "and so is the list of them.  Who makes a backup for a recipient needs no secret and "
         "cannot read it again: keep the identity elsewhere.  There is no way in without it.",
     .options = backup_options,
     .groups = COMMAND_JSON,
     .min_args = 1,
     .max_args = 1,
     .codes = CODES_LOCAL | CODES(CODE_MISSING, CODE_FAILED),
     .examples = backup_examples,
     .words = "file",
     .run = backup_run},
    {.name = "restore",
     .args = "FROM",
     .summary = "put a backup into a new data directory",
     .text = "The backup is verified before anything is written.  The directory must be new or "
             "empty.",
     .options = restore_options,
     .groups = COMMAND_JSON,
     .min_args = 1,
     .max_args = 1,
     .codes = CODES_LOCAL | CODES(CODE_NO, CODE_MISSING) | CODES1(CODE_FAILED),
     .examples = restore_examples,
     .words = "file",
     .run = restore_run},
    {.name = "rekey",
     .args = "BACKUP",
     .summary = "lock an encrypted backup anew, for others than before",
     .text =
         "Its files stay as they are: what is locked is the key that they are under.  Who could "
         "open it before and may have kept that key is shut out by a new backup alone.",
     .options = rekey_options,
     .min_args = 1,
     .max_args = 1,
     .codes = CODES_LOCAL | CODES(CODE_NO, CODE_MISSING) | CODES1(CODE_FAILED),
     .examples = rekey_examples,
     .words = "file",
     .run = rekey_run},
    {.name = "check",
     .args = "[DIR]",
     .summary = "does everything in a data directory, or in a backup, hold?",
     .text =
         "Reads every page of the databases, decodes every chunk, reads every frame of the "
         "journals, holds a backup against its manifest, and tells what does not agree.  "
         "Writes nothing; a server may run meanwhile.  DIR is data when it is not given.  Of an "
         "encrypted backup, every byte of every file is checked; the databases in it when it is "
         "put back.",
     .options = check_options,
     .groups = COMMAND_JSON,
     .max_args = 1,
     .codes = CODES_LOCAL | CODES(CODE_NO, CODE_MISSING) | CODES1(CODE_FAILED),
     .examples = check_examples,
     .words = "file",
     .run = check_run},
    {.name = "doctor",
     .args = "",
     .summary = "tell what is not protected, broken or unwise, and what to do",
     .text =
         "Looks at the data directory, its keys and backups, the listeners and their certificate, "
         "the process and the machine; changes nothing.  The settings are those of the server that "
         "runs there, as far as its command line shows them, else those of this command line, the "
         "environment and the file.  What cannot be told from here is said.  The code is 1 when "
         "there is an error.",
     .options = doctor_options,
     .groups = COMMAND_JSON,
     .codes = CODES_LOCAL | CODES(CODE_NO, CODE_MISSING) | CODES1(CODE_FAILED),
     .examples = doctor_examples,
     .run = doctor_run},
    {.name = "compact",
     .args = "",
     .summary = "make a data directory as small as it can be, while no server runs in it",
     .text = "Writes history.db anew beside the old one: readings in full chunks at the level that "
             "the profile asks for, without what was corrected since and without the past of twins "
             "that are gone.  The new file is read from one end to the other before it takes the "
             "old one's place, so it needs room for both.  What is damaged is taken over as it is "
             "and told, and then the code is 1.  Whatever ends it early, nothing is lost.",
     .options = compact_options,
     .groups = COMMAND_JSON,
     .codes = CODES_LOCAL | CODES(CODE_NO, CODE_MISSING) | CODES1(CODE_FAILED),
     .examples = compact_examples,
     .run = compact_run},
    {.name = "audit ls",
     .args = "",
     .summary = "list who did what, and who was not allowed to, newest first",
     .text = "Reads the directory itself, whether a server runs there or not; a backup too.  With "
             "--json a line is a JSON object.",
     .options = audit_ls_options,
     .groups = COMMAND_JSON,
     .codes = CODES_LOCAL | CODES(CODE_MISSING, CODE_FAILED),
     .examples = audit_ls_examples,
     .run = audit_ls_run},
    {.name = "audit export",
     .args = "",
     .summary = "print the audit log, all of it, as NDJSON or CSV, newest first",
     .options = audit_export_options,
     .codes = CODES_LOCAL | CODES(CODE_MISSING, CODE_FAILED),
     .examples = audit_export_examples,
     .run = audit_export_run},
    {.name = "audit head",
     .args = "",
     .summary = "print number and hash of the audit log's last line, to be noted elsewhere",
     .text = "Whoever can write the directory could write the whole log anew, or take lines off "
             "its end; an end that is noted elsewhere shows it (doppel audit verify --head).  The "
             "server says it in its own log when it starts, when it ends and once a day.",
     .options = audit_head_options,
     .codes = CODES_LOCAL | CODES(CODE_MISSING, CODE_FAILED),
     .examples = audit_head_examples,
     .run = audit_head_run},
    {.name = "audit verify",
     .args = "",
     .summary = "check that no line of the audit log was changed, taken out or put in",
     .text = "Works on the hashes anew, from the first line to the last, and names the first that "
             "does not hold.  Lines that expired and persons that were taken out are told, and "
             "break nothing.  The code is 1 when the log does not hold.",
     .options = audit_verify_options,
     .groups = COMMAND_JSON,
     .codes = CODES_LOCAL | CODES1(CODE_NO) | CODES(CODE_MISSING, CODE_FAILED),
     .examples = audit_verify_examples,
     .run = audit_verify_run},
    {.name = "key ls",
     .args = "",
     .summary = "list the keys under which secrets are sealed, and the missing ones",
     .text = "The newest seals; the others open what is still under them.  Nothing secret is "
             "printed.  The code is 1 when a key is missing under which something is sealed.",
     .options = key_options,
     .groups = COMMAND_JSON,
     .codes = CODES_LOCAL | CODES(CODE_NO, CODE_FAILED),
     .examples = key_ls_examples,
     .run = key_ls_run},
    {.name = "key new",
     .args = "[FILE]",
     .summary = "make a key, into a new file or onto standard output",
     .text = "For a file outside of the data directory or a store of secrets.  Without either the "
             "server makes its own, DATA/secret.key.",
     .max_args = 1,
     .codes = CODES_LOCAL | CODES1(CODE_FAILED),
     .examples = key_new_examples,
     .words = "file",
     .run = key_new_run},
    {.name = "key rotate",
     .args = "",
     .summary = "put a new key behind those of the file: it seals from the next start on",
     .text = "The server seals anew what is under older keys when it starts.  Old keys stay until "
             "doppel key rm takes them away.",
     .options = key_options,
     .groups = COMMAND_JSON,
     .codes = CODES_LOCAL | CODES(CODE_REFUSED, CODE_FAILED),
     .examples = key_rotate_examples,
     .run = key_rotate_run},
    {.name = "key add",
     .args = "FILE",
     .summary = "put keys back, into DATA/secret.key",
     .text = "They open what is sealed under them; the one that seals stays the same.  - is "
             "standard input.",
     .options = key_options,
     .groups = COMMAND_JSON,
     .min_args = 1,
     .max_args = 1,
     .codes = CODES_LOCAL | CODES(CODE_MISSING, CODE_REFUSED) | CODES1(CODE_FAILED),
     .examples = key_add_examples,
     .words = "file",
     .run = key_add_run},
    {.name = "key rm",
     .args = "KEY",
     .summary = "take a key away that nothing is sealed under any more",
     .options = key_rm_options,
     .groups = COMMAND_JSON,
     .min_args = 1,
     .max_args = 1,
     .codes = CODES_LOCAL | CODES(CODE_MISSING, CODE_REFUSED) | CODES1(CODE_FAILED),
     .examples = key_rm_examples,
     .run = key_rm_run},
    {.name = "key pair",
     .args = "FILE",
     .summary = "make an identity for encrypted backups, and print its recipient",
     .text =
         "The identity goes into the new file and opens; the recipient locks, and is no secret.",
     .min_args = 1,
     .max_args = 1,
     .codes = CODES_LOCAL | CODES1(CODE_FAILED),
     .examples = key_pair_examples,
     .words = "file",
     .run = key_pair_run},
    {.name = "import",
     .args = "FILE",
     .summary = "read a table of measurements (CSV) into the history of twins",
     .text =
         "FILE is a table with a row for each moment, which may be compressed (gzip); - is "
         "standard "
         "input.  The mapping is JSON: \"columns\" has for each column that is taken the id of a "
         "sensor, or {\"sensor\": ID, \"unit\": UNIT, \"type\": \"number\", \"text\" or "
         "\"boolean\", \"twin\": ID}; null and columns that do not stand there are left out.  "
         "\"twin\" is an id or {\"column\": NAME}, and so may be a \"sensor\"; \"create\": true "
         "makes twins that are missing.  \"time\" is {\"column\": NAME, \"format\": auto, rfc3339, "
         "unix, unix-ms, unix-us, unix-ns or a pattern such as \"%d.%m.%Y %H:%M:%S\", \"zone\": "
         "\"Europe/Berlin\" or \"+02:00\"}.  \"separator\" (a character or tab) and \"header\" "
         "(true or false) are found out when they are not said, \"decimal\" is a point unless it "
         "is \",\".  A column is named, or numbered from 1.\n\n"
         "Empty fields, NA and NaN are gaps.  What cannot be taken is told with its line, and the "
         "rest is imported.  An import that is ended, however that came, goes on behind the rows "
         "that the server has acknowledged; a row that is sent twice changes nothing.",
     .options = import_options,
     .groups = COMMAND_CLIENT | COMMAND_JSON,
     .min_args = 1,
     .max_args = 1,
     .codes = CODES_CLIENT | CODES1(CODE_NO),
     .examples = import_examples,
     .words = "file",
     .run = import_run},
    {.name = "tls init",
     .args = "",
     .summary = "make a certificate for this machine, by an authority of its own",
     .text =
         "For localhost, this machine's names and addresses, and those that --name adds; good for "
         "820 days.  The authority (tls/ca.pem in the data directory) is made the first time, and "
         "whoever trusts it once trusts the certificates that follow.  It can issue for these "
         "names, and for names and addresses of private networks, alone.  doppel serve "
         "--tls-self-signed shows the certificate, and makes it anew before it expires; a server "
         "that runs takes up a new one by itself.",
     .options = tls_init_options,
     .groups = COMMAND_JSON,
     .codes = CODES_LOCAL | CODES(CODE_NO, CODE_FAILED),
     .examples = tls_init_examples,
     .run = tls_init_run},
    {.name = "ca init",
     .args = "",
     .summary = "make an authority that issues certificates for devices",
     .text = "It is kept in the data directory, in ca/: ca.pem is what doppel serve --client-ca "
             "takes, crl.pem what --client-crl takes.  Nothing is overwritten.",
     .options = ca_init_options,
     .codes = CODES_LOCAL | CODES1(CODE_FAILED),
     .examples = ca_init_examples,
     .run = ca_init_run},
    {.name = "ca issue",
     .args = "TWIN",
     .summary = "issue a certificate for the device of a twin",
     .text = "DIR/TWIN.cert.pem and, when there is no request, DIR/TWIN.key.pem.  The certificate "
             "names the twin as urn:doppel:twin:ORG:TWIN and is good for clients alone.  Of a "
             "request its key is taken, and nothing else.  A twin may have many.",
     .options = ca_issue_options,
     .groups = COMMAND_JSON,
     .min_args = 1,
     .max_args = 1,
     .codes = CODES_LOCAL | CODES(CODE_NO, CODE_MISSING) | CODES1(CODE_FAILED),
     .examples = ca_issue_examples,
     .words = "twin",
     .run = ca_issue_run},
    {.name = "ca list",
     .args = "",
     .summary = "list the certificates of devices",
     .options = ca_list_options,
     .groups = COMMAND_JSON,
     .codes = CODES_LOCAL | CODES(CODE_NO, CODE_MISSING) | CODES1(CODE_FAILED),
     .examples = ca_list_examples,
     .run = ca_list_run},
    {.name = "ca revoke",
     .args = "[TWIN]",
     .summary = "revoke the certificates of a twin's device, or one",
     .text = "A server that has crl.pem as --client-crl sees it within seconds, and ends the "
             "connections that were made with them.",
     .options = ca_revoke_options,
     .max_args = 1,
     .codes = CODES_LOCAL | CODES(CODE_NO, CODE_MISSING) | CODES1(CODE_FAILED),
     .examples = ca_revoke_examples,
     .words = "twin",
     .run = ca_revoke_run},
    {.name = "ca crl",
     .args = "",
     .summary = "write the list of the revoked anew",
     .text = "issue and revoke need no such help; this is for lists that are good for a while "
             "only, so that a server elsewhere does not go by an old one for ever.",
     .options = ca_crl_options,
     .codes = CODES_LOCAL | CODES(CODE_NO, CODE_MISSING) | CODES1(CODE_FAILED),
     .examples = ca_crl_examples,
     .run = ca_crl_run},
    {.name = "org ls",
     .args = "",
     .summary = "list the organisations that you belong to",
     .groups = COMMAND_CLIENT | COMMAND_JSON,
     .codes = CODES_CLIENT,
     .run = org_ls_run},
    {.name = "org create",
     .args = "ID",
     .summary = "make an organisation, which sees nothing of the others",
     .text = "ID has small letters, digits and \"-\"; it never changes, and is never used again.",
     .options = org_create_options,
     .groups = COMMAND_CLIENT | COMMAND_JSON,
     .min_args = 1,
     .max_args = 1,
     .codes = CODES_CLIENT,
     .examples = org_create_examples,
     .run = org_create_run},
    {.name = "member ls",
     .args = "",
     .summary = "list the members of an organisation and their roles",
     .options = organisation_options,
     .groups = COMMAND_CLIENT | COMMAND_JSON,
     .codes = CODES_CLIENT,
     .run = member_ls_run},
    {.name = "member invite",
     .args = "[EMAIL]",
     .summary = "print a link that makes somebody a member, once",
     .text =
         "With an address it is for who has that, or makes an account with it.  Nothing is sent: "
         "the link is yours to hand on.",
     .options = member_invite_options,
     .groups = COMMAND_CLIENT | COMMAND_JSON,
     .max_args = 1,
     .codes = CODES_CLIENT,
     .examples = member_invite_examples,
     .run = member_invite_run},
    {.name = "member role",
     .args = "WHO ROLE",
     .summary = "give a member another role",
     .text = "WHO is an e-mail address, an id or a name; ROLE is viewer, operator, editor or "
             "administrator.",
     .options = organisation_options,
     .groups = COMMAND_CLIENT | COMMAND_JSON,
     .min_args = 2,
     .max_args = 2,
     .codes = CODES_CLIENT,
     .examples = member_role_examples,
     .run = member_role_run},
    {.name = "member rm",
     .args = "WHO",
     .summary = "take a member out, with all that they were given there",
     .options = organisation_options,
     .groups = COMMAND_CLIENT | COMMAND_JSON,
     .min_args = 1,
     .max_args = 1,
     .codes = CODES_CLIENT,
     .run = member_rm_run},
    {.name = "token create",
     .args = "SERVICE",
     .summary = "print a token for a service account, once",
     .text =
         "SERVICE is the name of a service account, which is made when there is none and --role "
         "is given.  Tokens of your own account are made on the page.",
     .options = token_create_options,
     .groups = COMMAND_CLIENT | COMMAND_JSON,
     .min_args = 1,
     .max_args = 1,
     .codes = CODES_CLIENT,
     .examples = token_create_examples,
     .run = token_create_run},
    {.name = "token ls",
     .args = "[SERVICE]",
     .summary = "list the service accounts, or the tokens of one",
     .options = organisation_options,
     .groups = COMMAND_CLIENT | COMMAND_JSON,
     .max_args = 1,
     .codes = CODES_CLIENT,
     .run = token_ls_run},
    {.name = "token revoke",
     .args = "SERVICE TOKEN",
     .summary = "revoke a token of a service account, by the id that token ls shows",
     .options = organisation_options,
     .groups = COMMAND_CLIENT | COMMAND_JSON,
     .min_args = 2,
     .max_args = 2,
     .codes = CODES_CLIENT,
     .run = token_revoke_run},
    {.name = "device ls",
     .args = "[TWIN]",
     .summary = "list devices and how they do, or what the devices of a twin show",
     .groups = COMMAND_CLIENT | COMMAND_JSON,
     .max_args = 1,
     .codes = CODES_CLIENT,
     .words = "twin",
     .run = device_ls_run},
    {.name = "device token",
     .args = "TWIN",
     .summary = "make a token for the device of a twin, or one in the place of another",
     .text = "It is printed once, alone.  The device shows it as the password over MQTT (any user "
             "name), or as Authorization: Bearer TOKEN over HTTP and WebSocket.",
     .options = device_token_options,
     .groups = COMMAND_CLIENT | COMMAND_JSON,
     .min_args = 1,
     .max_args = 1,
     .codes = CODES_CLIENT,
     .examples = device_token_examples,
     .words = "twin",
     .run = device_token_run},
    {.name = "device claim",
     .args = "TWIN",
     .summary = "make a code with which a device gets a token of a twin, once",
     .text = "Whoever sets the device up types it; the device sends it to POST /api/v1/claim.",
     .options = device_claim_options,
     .groups = COMMAND_CLIENT | COMMAND_JSON,
     .min_args = 1,
     .max_args = 1,
     .codes = CODES_CLIENT,
     .examples = device_claim_examples,
     .words = "twin",
     .run = device_claim_run},
    {.name = "device revoke",
     .args = "TWIN CREDENTIAL",
     .summary = "revoke a token or certificate, by the id that device ls TWIN shows",
     .groups = COMMAND_CLIENT | COMMAND_JSON,
     .min_args = 2,
     .max_args = 2,
     .codes = CODES_CLIENT,
     .words = "twin",
     .run = device_revoke_run},
    {.name = "device key",
     .args = "[PATTERN]",
     .summary = "list provisioning keys, or make one for twins of a pattern such as 'pump-*'",
     .text = "A provisioning key is the same in all devices of a make: each gets a token for its "
             "twin by POST /api/v1/provision, which makes the twin when it is missing.",
     .options = device_key_options,
     .groups = COMMAND_CLIENT | COMMAND_JSON,
     .max_args = 1,
     .codes = CODES_CLIENT,
     .examples = device_key_examples,
     .run = device_key_run},
    {.name = "share",
     .args = "TWIN [WHO]",
     .summary = "share a twin, or tell with whom it is shared",
     .text =
         "WHO is the e-mail address of a person, team:ID, org:ID, common (everyone who is signed "
         "in) or link (whoever has it; it is printed once).  space:ID instead of a twin is "
         "everything of an organisation.",
     .options = share_options,
     .groups = COMMAND_CLIENT | COMMAND_JSON,
     .min_args = 1,
     .max_args = 2,
     .codes = CODES_CLIENT,
     .examples = share_examples,
     .words = "twin",
     .run = share_run},
    {.name = "version",
     .args = "",
     .summary = "tell the version",
     .groups = COMMAND_JSON,
     .codes = CODES_LOCAL,
     .run = version_run},
    {.name = "completion",
     .args = "bash|zsh|fish",
     .summary = "print the completions for a shell",
     .min_args = 1,
     .max_args = 1,
     .codes = CODES_LOCAL,
     .examples = completion_examples,
     .words = "bash zsh fish",
     .run = completion_run},
    {.name = "help",
     .args = "[COMMAND | configuration]",
     .summary = "tell about the commands, one of them, or the settings of the server",
     .options = help_options,
     .max_args = 2,
     .codes = CODES_LOCAL,
     .run = help_run},
    {0},
};
