/* Tests of passwords: how they are kept, and which are taken. */
#include "crypto/password.h"

#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct password_cost cheap = {.memory_kib = 8, .passes = 1};

static enum password_verdict verify(const char *typed, const char *hash)
{
    enum password_verdict verdict = (enum password_verdict)99;
    assert_int_equal(password_verify(slice_str(typed), hash, &cheap, &verdict), 0);
    return verdict;
}

static void the_right_one_is_right(void **state)
{
    (void)state;
    char hash[PASSWORD_HASH_MAX], other[PASSWORD_HASH_MAX];
    assert_int_equal(password_hash(SLICE_LIT("correct horse"), &cheap, hash), 0);
    assert_int_equal(password_hash(SLICE_LIT("correct horse"), &cheap, other), 0);
    assert_true(slice_starts(slice_str(hash), "$argon2id$v=19$m=8,t=1,p=1$"));
    assert_string_not_equal(hash, other); /* salted */
    assert_int_equal(verify("correct horse", hash), PASSWORD_RIGHT);
    assert_int_equal(verify("correct horse", other), PASSWORD_RIGHT);
    static const char *const wrong[] = {"", "correct hors", "correct horse ", "Correct horse",
                                        "correct\xffhorse"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(verify(wrong[i], hash), PASSWORD_WRONG);
}

static void nothing_of_a_password_is_cut(void **state)
{
    (void)state;
    char hash[PASSWORD_HASH_MAX], text[PASSWORD_BYTES_MAX + 1];
    enum password_verdict verdict;
    memset(text, 'x', sizeof text);
    text[3] = 0; /* a NUL is a character like others here */
    assert_int_equal(password_hash(slice_of(text, PASSWORD_BYTES_MAX), &cheap, hash), 0);
    assert_int_equal(password_verify(slice_of(text, PASSWORD_BYTES_MAX), hash, &cheap, &verdict),
                     0);
    assert_int_equal(verdict, PASSWORD_RIGHT);
    text[PASSWORD_BYTES_MAX - 1] = 'y';
    assert_int_equal(password_verify(slice_of(text, PASSWORD_BYTES_MAX), hash, &cheap, &verdict),
                     0);
    assert_int_equal(verdict, PASSWORD_WRONG);
    assert_int_equal(password_verify(slice_of(text, sizeof text), hash, &cheap, &verdict), 0);
    assert_int_equal(verdict, PASSWORD_WRONG);
    assert_int_equal(password_hash(slice_of(text, sizeof text), &cheap, hash), ERR_INVALID);
}

static void a_character_is_itself_however_it_is_sent(void **state)
{
    (void)state;
    char hash[PASSWORD_HASH_MAX];
    assert_int_equal(password_hash(SLICE_LIT("caf\xc3\xa9 am Fluss"), &cheap, hash), 0);
    assert_int_equal(verify("cafe\xcc\x81 am Fluss", hash), PASSWORD_RIGHT);
    assert_int_equal(verify("cafe am Fluss", hash), PASSWORD_WRONG);
    assert_int_equal(password_hash(SLICE_LIT("bad \xff utf8"), &cheap, hash), ERR_INVALID);
}

static void a_raised_cost_asks_for_a_new_hash(void **state)
{
    (void)state;
    char hash[PASSWORD_HASH_MAX];
    static const struct password_cost raised[] = {{.memory_kib = 16, .passes = 1},
                                                  {.memory_kib = 8, .passes = 2}};
    assert_int_equal(password_hash(SLICE_LIT("correct horse"), &cheap, hash), 0);
    for (int i = 0; i < 2; i++) {
        enum password_verdict verdict;
        struct slice typed = SLICE_LIT("correct horse");
        assert_int_equal(password_verify(typed, hash, &raised[i], &verdict), 0);
        assert_int_equal(verdict, PASSWORD_RIGHT_REHASH);
        assert_int_equal(password_verify(SLICE_LIT("wrong"), hash, &raised[i], &verdict), 0);
        assert_int_equal(verdict, PASSWORD_WRONG);
        assert_int_equal(password_hash(typed, &raised[i], hash), 0);
        assert_int_equal(password_verify(typed, hash, &raised[i], &verdict), 0);
        assert_int_equal(verdict, PASSWORD_RIGHT);
        assert_int_equal(password_hash(typed, &cheap, hash), 0);
    }
}

static void nobody_has_no_password(void **state)
{
    (void)state;
    assert_int_equal(verify("", NULL), PASSWORD_WRONG);
    assert_int_equal(verify("correct horse", NULL), PASSWORD_WRONG);
}

static void what_cannot_be_is_an_error(void **state)
{
    (void)state;
    char hash[PASSWORD_HASH_MAX] = "kept";
    enum password_verdict verdict = PASSWORD_WRONG;
    static const struct password_cost none[] = {{.memory_kib = 7, .passes = 1},
                                                {.memory_kib = 8, .passes = 0}};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(password_hash(SLICE_LIT("correct"), &none[i], hash), ERR_INVALID);
        assert_int_equal(password_verify(SLICE_LIT("correct"), NULL, &none[i], &verdict),
                         ERR_INVALID);
    }
    assert_string_equal(hash, "kept");
    static const char *const corrupt[] = {"", "plain", "$argon2id$v=19$m=8,t=1,p=1$", "$2b$10$x"};
    for (size_t i = 0; i < sizeof corrupt / sizeof corrupt[0]; i++)
        assert_int_equal(password_verify(SLICE_LIT("correct"), corrupt[i], &cheap, &verdict),
                         ERR_CORRUPT);
}

/* ---- which are taken ---- */

static const struct slice words[] = {{"Ada L\xc3\xb6velace", 13}, {"ada.l@example.org", 17}};
static const struct password_policy policy = {.words = words, .words_n = 2};

/* The sentence, or "" when it is taken; to be freed. */
static char *ask(struct slice password, const struct password_policy *p)
{
    struct buf why = {0};
    int err = password_check(password, p, &why);
    assert_int_equal(err, why.n ? ERR_INVALID : 0);
    buf_add_byte(&why, 0);
    return why.p;
}

static void good_ones_are_taken(void **state)
{
    (void)state;
    static const char *const good[] = {
        "correct horse battery staple",
        "kxwvmqzt",      /* eight, of one kind: no rules about kinds */
        "        a b c", /* blanks count */
        "\xf0\x9f\x90\xb4\xf0\x9f\x94\x8b\xe2\x9c\x8f\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f\xe2\x82\xac",
        "doppel and three more words", /* the rest is enough */
        "ada is not the word",         /* too short a word to be looked for */
        "lighthouse-example-harbour",
        "password is not a password", /* common as a part only */
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        char *why = ask(slice_str(good[i]), &policy);
        if (*why)
            fail_msg("%s: %s", good[i], why);
        free(why);
    }
    char longest[PASSWORD_BYTES_MAX];
    for (size_t i = 0; i < sizeof longest; i++)
        longest[i] = (char)('a' + i * i * 7 % 26);
    char *why = ask(slice_of(longest, sizeof longest), &policy);
    assert_string_equal(why, "");
    free(why);
}

static void others_are_refused_with_a_sentence(void **state)
{
    (void)state;
    static const struct {
        const char *password, *part; /* of the sentence */
    } rows[] = {
        {"", "at least 8 characters, and this one has 0."},
        {"kxwvmqz", "at least 8 characters, and this one has 7. 12 or more are better"},
        {"\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f", "this one has 4."}, /* characters, not bytes */
        {"cafe\xcc\x81xyz", "this one has 7."},
        {"kxwv mqzt\n", "control character"},
        {"kxwv\tmqzt", "control character"},
        {"kxwv\x7fmqzt", "control character"},
        {"kxwv\xc2\x85mqzt", "control character"},
        {"kxwv\xffmqzt", "not text in UTF-8"},
        {"kxwvmqzt\xcd\xb8", "not assigned"}, /* U+0378 */
        {"password", "most common"},
        {"PassWord", "most common"},
        {"\xef\xbc\xb0\xef\xbd\x81ssword", "most common"}, /* in wide letters */
        {"qwertyuiop", "most common"},
        {"iloveyou1", "most common"},
        {"password1234", "most common"},
        {"kxwkxwkxwkxw", "over and over"},
        {"zzzzzzzzzzzzzzzzzzzz", "over and over"},
        {"kxwvmqz kxwvmqz kxw", "taken"},
        {"abcdefghijkl", "runs such as"},
        {"AbCdEfGhIjKl", "runs such as"},
        {"7654321abcdef", "runs such as"},
        {"aaaaaaaa1234", "runs such as"},
        {"doppel2026!", "too little is left"},
        {"Doppel-Doppel-Doppel-7", "too little is left"},
        {"L\xc3\x96VELACE1815", "too little is left"},
        {"xample.example.org", "taken"},
        {"doppelpassword1", "too little is left"},
        {"doppel11111111111", "too little is left"},
        {"ada.l@example.org", "too little is left"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *why = ask(slice_str(rows[i].password), &policy);
        if (strcmp(rows[i].part, "taken") != 0 && !strstr(why, rows[i].part))
            fail_msg("\"%s\": \"%s\", not \"%s\"", rows[i].password, why, rows[i].part);
        if (strcmp(rows[i].part, "taken") == 0 && *why)
            fail_msg("\"%s\": \"%s\"", rows[i].password, why);
        size_t n = strlen(why);
        if (n)
            assert_int_equal(why[n - 1], '.');
        free(why);
    }
    char long_one[PASSWORD_BYTES_MAX + 1];
    memset(long_one, 'x', sizeof long_one);
    char *why = ask(slice_of(long_one, sizeof long_one), &policy);
    assert_string_equal(why, "A password has at most 1024 bytes, and this one has 1025.");
    free(why);
}

static void a_policy_may_ask_for_more(void **state)
{
    (void)state;
    struct password_policy more = {.characters = 15}, less = {.characters = 4};
    char *why = ask(SLICE_LIT("kxwvmqzt kxwv"), &more);
    assert_string_equal(why, "A password has at least 15 characters, and this one has 13.");
    free(why);
    why = ask(SLICE_LIT("kxwvm"), &less);
    assert_non_null(strstr(why, "at least 8 characters"));
    free(why);
}

/* Each of a line is found, its neighbours that are not there are not. */
static void the_common_ones_are_all_found(void **state)
{
    (void)state;
    extern const char doppel_common_passwords[], doppel_common_passwords_end[];
    size_t n = 0;
    char before[64] = "";
    for (const char *p = doppel_common_passwords; p < doppel_common_passwords_end;) {
        struct slice rest = slice_of(p, (size_t)(doppel_common_passwords_end - p));
        char word[64];
        size_t length = (size_t)slice_find(rest, '\n');
        assert_in_range(length, 8, 32);
        snprintf(word, sizeof word, "%.*s", (int)length, p);
        assert_true(strcmp(before, word) < 0);
        assert_true(password_is_common(slice_str(word)));
        strcat(word, "\x01"); /* comes right behind it, and before all else */
        assert_false(password_is_common(slice_str(word)));
        word[length] = 0;
        strcpy(before, word);
        p += length + 1;
        n++;
    }
    assert_true(n > 10000);
    assert_false(password_is_common(SLICE_LIT("")));
    assert_false(password_is_common(SLICE_LIT("!")));
    assert_false(password_is_common(SLICE_LIT("~~~~~~~~~~")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_right_one_is_right),
        cmocka_unit_test(nothing_of_a_password_is_cut),
        cmocka_unit_test(a_character_is_itself_however_it_is_sent),
        cmocka_unit_test(a_raised_cost_asks_for_a_new_hash),
        cmocka_unit_test(nobody_has_no_password),
        cmocka_unit_test(what_cannot_be_is_an_error),
        cmocka_unit_test(good_ones_are_taken),
        cmocka_unit_test(others_are_refused_with_a_sentence),
        cmocka_unit_test(a_policy_may_ask_for_more),
        cmocka_unit_test(the_common_ones_are_all_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
