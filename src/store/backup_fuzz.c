/* Fuzz target: any bytes as the manifest of a backup, in clear or with locks; whatever it names is
 * looked for inside of the backup alone. */
#include "store/backup_internal.h"

#include "base/err.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[] = "/tmp/doppel-backup-fuzz-XXXXXX", path[64];

static void remove_all(void)
{
    unlink(path);
    rmdir(dir);
}

static void save(const uint8_t *data, size_t size)
{
    if (!path[0]) {
        assert(mkdtemp(dir));
        snprintf(path, sizeof path, "%s/" BACKUP_MANIFEST, dir);
        atexit(remove_all);
    }
    FILE *f = fopen(path, "w");
    assert(f && fwrite(data, 1, size, f) == size && fclose(f) == 0);
}

/* No name leads out. */
static void check_names(const struct backup_job *j)
{
    for (size_t i = 0; i < j->n; i++) {
        const char *name = j->files[i].path;
        assert(name[0] && name[0] != '/' && name[0] != '.' && !strstr(name, "/.") &&
               !strstr(name, "//"));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct backup_report r;
    save(data, size);
    struct backup_job *j = backup_begin(dir, NULL, &r);
    assert(j);
    int err = backup_load_manifest(j, NULL);
    assert(!err || r.why[0]);
    if (!err)
        check_names(j);
    backup_end(j, err);
    err = backup_verify(dir, NULL, NULL, &r); /* nothing is there but the manifest itself */
    assert(err || r.files == 0);
    return 0;
}
