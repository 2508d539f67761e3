/* json_bench - how long a member of a telemetry message takes.
 *
 * usage: json_bench [SECONDS]; prints nanoseconds per member: reading alone, reading with the
 * numbers converted, the same for numbers of 17 digits as random doubles have them, and writing. */
#include "base/clock.h"
#include "codec/json.h"

#include <stdio.h>
#include <stdlib.h>

enum { MEMBERS = 11 }; /* of the message */

static const char message[] =
    "{\"timestamp\":1700000000000,\"temp-1\":42.3,\"temp-2\":41.9,\"pressure\":1.013,"
    "\"flow\":128.25,\"rpm\":2950,\"vibration-x\":0.0123,\"vibration-y\":-0.0119,"
    "\"level\":77.5,\"running\":true,\"mode\":\"automatic\"}";

static const char long_numbers[] =
    "{\"timestamp\":1700000000000,\"temp-1\":42.317283950617283,\"temp-2\":41.987654320987654,"
    "\"pressure\":1.0132538271604938,\"flow\":128.25173620184939,\"rpm\":2950.1827364550917,"
    "\"vibration-x\":0.012345678901234567,\"vibration-y\":-0.011976543210987654,"
    "\"level\":77.512345678901235,\"running\":true,\"mode\":\"automatic\"}";

static double sum; /* so that nothing is optimised away */

static void read_message(struct slice text, bool convert)
{
    struct json_reader r;
    enum json_event event;
    json_reader_init(&r, text);
    do {
        if (json_next(&r, &event)) {
            fprintf(stderr, "json_bench: %s\n", r.error);
            exit(1);
        }
        struct value v;
        if (event == JSON_NUMBER && convert && !json_number(r.text, &v))
            sum += value_as_double(v);
        else
            sum += (double)r.text.n;
    } while (event != JSON_END);
}

static void read_only(struct buf *out)
{
    (void)out;
    read_message(slice_of(message, sizeof message - 1), false);
}

static void read_numbers(struct buf *out)
{
    (void)out;
    read_message(slice_of(message, sizeof message - 1), true);
}

static void read_long_numbers(struct buf *out)
{
    (void)out;
    read_message(slice_of(long_numbers, sizeof long_numbers - 1), true);
}

static void write_message(struct buf *out)
{
    static const char *const names[] = {"timestamp", "temp-1",      "temp-2",      "pressure",
                                        "flow",      "rpm",         "vibration-x", "vibration-y",
                                        "level",     "temperature", "speed"};
    static const double values[] = {1700000000000, 42.3,    41.9, 1.013,  128.25, 2950,
                                    0.0123,        -0.0119, 77.5, -3.125, 12.75};
    struct json_writer w;
    buf_clear(out);
    json_writer_init(&w, out, 0);
    json_open(&w, '{');
    for (size_t i = 0; i < MEMBERS; i++) {
        json_key(&w, names[i]);
        json_put_double(&w, values[i]);
    }
    json_close(&w, '}');
    sum += (double)out->n;
}

static void measure(const char *what, void (*run)(struct buf *out), double seconds)
{
    struct buf out = {0};
    int64_t start = clock_mono_us(), end = start + (int64_t)(seconds * 1e6), now;
    double messages = 0;
    do {
        for (int i = 0; i < 1000; i++)
            run(&out);
        messages += 1000;
        now = clock_mono_us();
    } while (now < end);
    printf("%-34s %7.1f ns/member\n", what, (double)(now - start) * 1e3 / messages / MEMBERS);
    buf_release(&out);
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? strtod(argv[1], NULL) : 1;
    measure("read", read_only, seconds);
    measure("read, numbers converted", read_numbers, seconds);
    measure("read, numbers of 17 digits converted", read_long_numbers, seconds);
    measure("write doubles", write_message, seconds);
    return sum > 0 ? 0 : 1;
}
