/* config_fuzz.c - any configuration file is settings or sentences; what is printed of it reads
 * back. */
#include "server/config.h"

#include "server/ini.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void keep_value(void *arg, const struct ini_entry *e)
{
    struct buf *b = arg;
    buf_clear(b);
    buf_add_slice(b, e->value);
}

static void no_error(void *arg, size_t line, const char *sentence)
{
    (void)arg, (void)line, (void)sentence;
    abort();
}

static void quoted_reads_back(void *arg, const struct ini_entry *e)
{
    static const struct ini_events events = {keep_value, no_error};
    struct buf text = {0}, back = {0};
    (void)arg;
    buf_add_str(&text, "key = ");
    ini_quote(&text, e->value);
    ini_read(buf_slice(&text), &events, &back);
    if (!slice_eq(buf_slice(&back), e->value))
        abort();
    buf_release(&text);
    buf_release(&back);
}

static void ignore_error(void *arg, size_t line, const char *sentence)
{
    (void)arg, (void)line, (void)sentence;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct ini_events events = {quoted_reads_back, ignore_error};
    struct slice text = slice_of((const char *)data, size);
    struct config c;
    struct buf why = {0};
    ini_read(text, &events, NULL);
    if (config_init(&c))
        return 0;
    config_read_file(&c, "fuzz.ini", text, false, &why);
    config_release(&c);
    buf_release(&why);
    return 0;
}
