/* Fuzzes recovery: the input is a segment file, held in memory.  The first byte chooses how much of
 * it is made right, to get past the checksums: nothing; the segment header and the headers and
 * checksums of frames; or everything but one frame's payload, which is the input.  Its highest bit
 * makes it a journal of records. */
#include "base/crc32c.h"
#include "store/journal_format.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static ssize_t memory_pread(void *arg, int fd, void *p, size_t n, off_t at)
{
    (void)fd;
    const struct slice *file = arg;
    if ((size_t)at >= file->n)
        return 0;
    if (at > 8192 && file->p[at] == 'E') { /* a bad sector now and then */
        errno = EIO;
        return -1;
    }
    size_t there = file->n - (size_t)at;
    n = n < there ? n : there;
    memcpy(p, file->p + at, n);
    return (ssize_t)n;
}

struct seen {
    uint64_t last, batches;
};

/* Touch everything that is handed out; numbers must rise. */
static int on_replay(void *arg, uint64_t seq, const struct reading *readings, size_t n)
{
    struct seen *seen = arg;
    assert(seq > seen->last && n > 0);
    seen->last = seq;
    seen->batches++;
    uint32_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        assert(readings[i].value.type != VALUE_NONE && readings[i].quality <= QUALITY_BAD);
        if (readings[i].value.type == VALUE_TEXT)
            sum += crc32c(0, readings[i].value.as.text.p, readings[i].value.as.text.n);
    }
    return sum == 0xffffffff && n == 12345 ? -1 : 0;
}

static int on_record(void *arg, uint64_t seq, struct slice record)
{
    struct seen *seen = arg;
    assert(seq > seen->last && record.n > 0);
    seen->last = seq;
    seen->batches++;
    return crc32c(0, record.p, record.n) == 0xffffffff && record.n == 12345 ? -1 : 0;
}

static bool records;

static void recover(struct slice file, uint64_t from)
{
    struct journal_io io = {.arg = &file, .pread = memory_pread};
    struct seen seen = {.last = from};
    struct journal_opts opts = {.from = from, .on_replay = on_replay, .arg = &seen};
    if (records)
        opts.on_record = on_record;
    struct journal_recovery r = {
        .io = &io, .opts = &opts, .last_seq = from, .kept_seq = from, .used_seq = from};
    struct journal_segment_found found;
    int err = journal_recover_segment(&r, 0, file.n, true, &found);
    if (!err)
        assert(r.batches == seen.batches && r.torn_bytes <= r.damaged_bytes);
    if (!err && file.n >= JOURNAL_FIRST_FRAME)
        assert(found.end <= file.n || found.end == JOURNAL_FIRST_FRAME);
    journal_recovery_release(&r);
}

static struct journal_segment_header header = {
    .number = 1, .id = 0x1122334455667788, .base_seq = 1, .created_us = 1};

/* Input as bytes behind a sound header; what looks like a frame becomes one. */
static void recover_mended(const uint8_t *data, size_t size)
{
    size_t n = JOURNAL_FIRST_FRAME + size;
    unsigned char *file = calloc(1, n);
    if (!file)
        return;
    journal_put_segment_header(file, &header);
    memcpy(file + JOURNAL_FIRST_FRAME, data, size);
    uint64_t seq = 1;
    for (size_t at = JOURNAL_FIRST_FRAME; at + JOURNAL_FRAME_HEADER <= n;) {
        unsigned char *p = file + at;
        if (p[0] == 'D') { /* length, batches and damage as the input says */
            uint32_t length = (uint32_t)(p[1] | (p[2] & 3) << 8);
            size_t there = n - at - JOURNAL_FRAME_HEADER;
            struct journal_frame_header h = {
                .payload_bytes = length,
                .id = p[3] == 'x' ? 99 : header.id,
                .first_seq = seq + (p[4] == 'g'),
                .batches = p[5] & 15,
                .readings = 1,
                .payload_crc =
                    crc32c(p[6] == 'c', p + JOURNAL_FRAME_HEADER, length < there ? length : there),
            };
            journal_put_frame_header(p, &h);
            seq = h.first_seq + h.batches;
            at += journal_frame_bytes(length);
        } else {
            at += 8;
        }
    }
    recover(slice_of((const char *)file, n), size % 3);
    free(file);
}

static void recover_payload(const uint8_t *data, size_t size)
{
    size_t n = JOURNAL_FIRST_FRAME + JOURNAL_FRAME_HEADER + size;
    unsigned char *file = calloc(1, n);
    if (!file)
        return;
    journal_put_segment_header(file + JOURNAL_SECOND_HEADER, &header);
    struct journal_frame_header h = {
        .payload_bytes = (uint32_t)size,
        .id = header.id,
        .first_seq = 1,
        .batches = 1 + (uint32_t)(size % 4),
        .payload_crc = crc32c(0, data, size),
    };
    journal_put_frame_header(file + JOURNAL_FIRST_FRAME, &h);
    memcpy(file + JOURNAL_FIRST_FRAME + JOURNAL_FRAME_HEADER, data, size);
    recover(slice_of((const char *)file, n), 0);
    free(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    records = data[0] & 0x80;
    header.content = records ? JOURNAL_RECORDS : JOURNAL_READINGS;
    switch (data[0] % 3) {
    case 0:
        recover(slice_of((const char *)data + 1, size - 1), 0);
        break;
    case 1:
        recover_mended(data + 1, size - 1);
        break;
    default:
        recover_payload(data + 1, size - 1);
    }
    return 0;
}
