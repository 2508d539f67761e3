/* commands_keep.c - options and examples of the commands about what is kept: data directories,
 * backups, certificates, keys, the audit log.  The table of commands is in commands.c. */
#include "server/commands_keep.h"

/* What several commands about data directories and backups share. */
#define DATA_OPTION                                                                                \
    {                                                                                              \
        .name = "data", .value = "DIR", .fallback = "data",                                        \
        .help = "the data directory, as of doppel serve"                                           \
    }

#define RECIPIENT_OPTION                                                                           \
    {                                                                                              \
        .name = "recipient", .letter = 'r', .value = "WORD",                                       \
        .help = "encrypt for whoever has the identity of this recipient; may stand often"          \
    }

#define OPENING_OPTIONS                                                                            \
    {.name = "identity",                                                                           \
     .letter = 'i',                                                                                \
     .value = "FILE",                                                                              \
     .help = "file with an identity that opens it; may stand often"},                              \
    {                                                                                              \
        .name = "passphrase-file", .value = "FILE",                                                \
        .help = "file with the passphrase that opens it in its first line, or -"                   \
    }

const struct option_row backup_options[] = {
    DATA_OPTION,
    RECIPIENT_OPTION,
    {.name = "passphrase-file",
     .value = "FILE",
     .help = "encrypt under the passphrase in the first line of this file, or -"},
    {.name = "with-keys", .help = "take private keys along, in clear"},
    {0},
};

const struct option_row restore_options[] = {DATA_OPTION, OPENING_OPTIONS, {0}};

const struct option_row check_options[] = {OPENING_OPTIONS, {0}};

const struct option_row rekey_options[] = {
    OPENING_OPTIONS,
    RECIPIENT_OPTION,
    {.name = "new-passphrase-file",
     .value = "FILE",
     .help = "file with the passphrase that is to open it"},
    {0},
};

const struct command_example rekey_examples[] = {
    {"doppel rekey /backups/monday -i old.identity -r doppel-recipient-v1:...", "for another"},
    {"doppel rekey /backups/monday --passphrase-file old --new-passphrase-file new",
     "another passphrase"},
    {0},
};

const struct command_example key_pair_examples[] = {
    {"doppel key pair backup.identity", "the file opens, what is printed locks"},
    {0},
};

const struct command_example backup_examples[] = {
    {"doppel backup /backups/monday --data /srv/doppel", "while the server runs, or not"},
    {"doppel check /backups/monday", "is it whole?"},
    {"doppel backup /backups/monday -r doppel-recipient-v1:...",
     "encrypted, for who has the identity: doppel key pair makes both"},
    {0},
};

const struct command_example restore_examples[] = {
    {"doppel restore /backups/monday --data /srv/again", "then: doppel serve --data /srv/again"},
    {0},
};

const struct command_example check_examples[] = {
    {"doppel check /srv/doppel", "while the server runs, or not"},
    {"doppel check /backups/monday --json", "a backup, for a script"},
    {0},
};

const struct option_row compact_options[] = {
    {.name = "data",
     .value = "DIR",
     .fallback = "data",
     .help = "the data directory, as of doppel serve"},
    {.name = "dry-run", .help = "only tell what would be won"},
    {0},
};

const struct command_example compact_examples[] = {
    {"doppel compact --data /srv/doppel --dry-run", "what would be won?"},
    {"doppel compact --data /srv/doppel", "while no server runs"},
    {0},
};

const struct option_row tls_init_options[] = {
    DATA_OPTION,
    {.name = "name",
     .value = "HOST",
     .help = "another name or address that the certificate is good for; may stand often"},
    {.name = "force", .help = "put a new certificate in the place of the one that is there"},
    {.name = "new-ca",
     .help = "by a new authority, too, which has to be trusted anew everywhere; with --force"},
    {0},
};

const struct command_example tls_init_examples[] = {
    {"doppel tls init --data /srv/doppel", "for this machine's names and addresses"},
    {"doppel tls init --name twins.lan --name 192.168.1.20 --force", "and for others"},
    {0},
};

#define PASSPHRASE_OPTION                                                                          \
    {                                                                                              \
        .name = "passphrase-file", .value = "FILE", .otherwise = "DOPPEL_CA_PASSPHRASE, or none",  \
        .help = "the key is under the passphrase in its first line; - is standard input"           \
    }

#define ORG_OPTION                                                                                 \
    {                                                                                              \
        .name = "org", .value = "SLUG", .fallback = "home", .help = "the organisation of the twin" \
    }

const struct option_row ca_init_options[] = {
    DATA_OPTION,
    PASSPHRASE_OPTION,
    {.name = "name",
     .value = "TEXT",
     .otherwise = "Doppel devices of HOST",
     .help = "what the authority is called"},
    {.name = "valid",
     .value = "DURATION",
     .fallback = "3650d",
     .help = "how long it can issue; no certificate of it outlives it"},
    {0},
};

const struct command_example ca_init_examples[] = {
    {"doppel ca init --data /srv/doppel", "the key in a file of mode 0600"},
    {"doppel ca init --passphrase-file /root/words", "and under a passphrase"},
    {0},
};

const struct option_row ca_issue_options[] = {
    DATA_OPTION,
    PASSPHRASE_OPTION,
    ORG_OPTION,
    {.name = "out", .value = "DIR", .fallback = ".", .help = "where the files go"},
    {.name = "csr",
     .value = "FILE",
     .otherwise = "a key is made, too",
     .help = "a request (PKCS#10, PEM) with the key of the device; - is standard input"},
    {.name = "valid", .value = "DURATION", .fallback = "365d", .help = "how long it is good"},
    {.name = "force", .help = "overwrite files that are there"},
    {0},
};

const struct command_example ca_issue_examples[] = {
    {"doppel ca issue pump-1 --out /media/stick", "pump-1.cert.pem and pump-1.key.pem"},
    {"doppel ca issue pump-1 --csr pump-1.csr --valid 90d", "the key never leaves the device"},
    {"mosquitto_pub -p 8883 --cafile data/tls/ca.pem --cert pump-1.cert.pem --key "
     "pump-1.key.pem -t twins/pump-1/sensors/temp-1 -m 42.3 -q 1",
     "what the device does with them"},
    {0},
};

const struct option_row ca_list_options[] = {
    DATA_OPTION,
    {.name = "all", .letter = 'a', .help = "those that are revoked or have expired, too"},
    {0},
};

const struct command_example ca_list_examples[] = {
    {"doppel ca list", "certificates that are good"},
    {"doppel ca list --all --json | jq '.[] | select(.state == \"revoked\")'", "the others"},
    {0},
};

const struct option_row ca_revoke_options[] = {
    DATA_OPTION,
    PASSPHRASE_OPTION,
    ORG_OPTION,
    {.name = "serial", .value = "NUMBER", .help = "one certificate alone, by its serial number"},
    {.name = "reason",
     .value = "WORD",
     .fallback = "unspecified",
     .help = "unspecified, key-compromise, affiliation-changed, superseded, "
             "cessation-of-operation or privilege-withdrawn"},
    {0},
};

const struct command_example ca_revoke_examples[] = {
    {"doppel ca revoke pump-1 --reason key-compromise", "all that pump-1 has"},
    {"doppel ca revoke --serial 4b0c... --reason superseded", "one, after it was replaced"},
    {0},
};

const struct option_row ca_crl_options[] = {
    DATA_OPTION,
    PASSPHRASE_OPTION,
    {.name = "valid",
     .value = "DURATION",
     .otherwise = "as long as the authority",
     .help = "how long the list is good; servers take no certificates by a list that is older"},
    {0},
};

const struct command_example ca_crl_examples[] = {
    {"doppel ca crl --valid 7d", "for a server elsewhere, by cron each day"},
    {0},
};

/* What says where the keys are: these are settings of the server, too. */
#define SETTINGS_OPTIONS                                                                           \
    {.name = "data",                                                                               \
     .value = "DIR",                                                                               \
     .fallback = "data",                                                                           \
     .help = "the data directory, as of doppel serve"},                                            \
        {.name = "config",                                                                         \
         .value = "FILE",                                                                          \
         .otherwise = "DATA/doppel.ini when it is there",                                          \
         .help = "file with settings of the server"},                                              \
    {                                                                                              \
        .name = "secret-key-file", .value = "FILE", .help = "file with keys, as of doppel serve"   \
    }

const struct option_row key_options[] = {SETTINGS_OPTIONS, {0}};

const struct option_row key_rm_options[] = {
    SETTINGS_OPTIONS,
    {.name = "lose", .help = "also when secrets are sealed under it, which nobody reads then"},
    {0},
};

const struct option_row doctor_options[] = {
    SETTINGS_OPTIONS,
    {.name = "strict", .help = "a warning is as bad as an error"},
    {.name = "list", .help = "list what is looked at, and end"},
    {0},
};

const struct command_example doctor_examples[] = {
    {"doppel doctor --data /srv/doppel", "while the server runs, or not"},
    {"doppel doctor --data /srv/doppel --json --strict", "for a script, every night"},
    {0},
};

#define AUDIT_DATA                                                                                 \
    {                                                                                              \
        .name = "data", .value = "DIR", .fallback = "data",                                        \
        .help = "the data directory, or a backup"                                                  \
    }
#define AUDIT_FILTERS                                                                              \
    {.name = "from", .value = "TIME", .help = "not before this"},                                  \
        {.name = "to", .value = "TIME", .help = "before this"},                                    \
        {.name = "organization", .value = "SLUG", .help = "of one organisation"},                  \
        {.name = "who", .value = "ID", .help = "what a person, service account or device did"},    \
        {.name = "operation", .value = "NAME", .help = "such as twins:write or sign-in"},          \
        {.name = "object", .value = "NAME", .help = "such as twin:pump-1"},                        \
    {                                                                                              \
        .name = "outcome", .value = "WORD", .help = "done, refused or failed"                      \
    }

const struct option_row audit_ls_options[] = {
    AUDIT_DATA,
    AUDIT_FILTERS,
    {.name = "limit",
     .letter = 'n',
     .value = "N",
     .fallback = "50",
     .help = "the newest so many lines; 0 is all"},
    {0},
};

const struct option_row audit_export_options[] = {
    AUDIT_DATA,
    AUDIT_FILTERS,
    {.name = "csv", .help = "CSV instead of a JSON object a line"},
    {0},
};

const struct option_row audit_head_options[] = {AUDIT_DATA, {0}};

const struct option_row audit_verify_options[] = {
    AUDIT_DATA,
    {.name = "head",
     .value = "N:HASH",
     .help = "an end of the log that was noted before: it must still be in there"},
    {0},
};

const struct command_example audit_ls_examples[] = {
    {"doppel audit ls --outcome refused --from -1d", "who was turned away since yesterday?"},
    {"doppel audit ls --object twin:pump-1 -n 0", "all that happened to a twin"},
    {0},
};

const struct command_example audit_export_examples[] = {
    {"doppel audit export --data /srv/doppel --csv > audit.csv", "all of it, as a table"},
    {0},
};

const struct command_example audit_head_examples[] = {
    {"doppel audit head | ssh archive 'cat >> doppel-heads'", "where nobody here can change it"},
    {0},
};

const struct command_example audit_verify_examples[] = {
    {"doppel audit verify --data /srv/doppel", "is every line still what was written?"},
    {"doppel audit verify --head 1234:9f86d081...", "and was nothing taken off its end?"},
    {0},
};

const struct command_example key_ls_examples[] = {
    {"doppel key ls --data /srv/doppel", "which keys are there, and what is under them?"},
    {0},
};

const struct command_example key_new_examples[] = {
    {"doppel key new /etc/doppel/secret.key", "then: doppel serve --secret-key-file "
                                              "/etc/doppel/secret.key"},
    {"DOPPEL_SECRET_KEY=$(doppel key new) doppel serve", "for a secret store, which gives it back"},
    {0},
};

const struct command_example key_rotate_examples[] = {
    {"doppel key rotate --data /srv/doppel", "then start the server again"},
    {0},
};

const struct command_example key_add_examples[] = {
    {"doppel key add /media/stick/secret.key --data /srv/doppel", "a key that was lost"},
    {"pass doppel | doppel key add - --data /srv/doppel", "from a password manager"},
    {0},
};

const struct command_example key_rm_examples[] = {
    {"doppel key rm 0123456789ab --data /srv/doppel", "one that nothing is sealed under any more"},
    {0},
};
