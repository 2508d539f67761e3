/* Any bytes as a word and a password: an answer has a sentence, and what is taken can be kept. */
#include "base/err.h"
#include "crypto/password.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const struct password_cost cheap = {.memory_kib = 8, .passes = 1};
    char hash[PASSWORD_HASH_MAX];
    struct slice password = slice_of((const char *)data, n), word = {0};
    struct buf why = {0};
    enum password_verdict verdict;
    slice_cut(&password, '\n', &word);
    int err = password_check(
        password, &(struct password_policy){.words = &word, .words_n = word.n > 0}, &why);
    assert(err == (why.n ? ERR_INVALID : 0));
    if (!err) {
        assert(password_hash(password, &cheap, hash) == 0);
        assert(password_verify(password, hash, &cheap, &verdict) == 0);
        assert(verdict == PASSWORD_RIGHT);
    }
    buf_release(&why);
    return 0;
}
