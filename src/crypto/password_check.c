/* password_check.c - which passwords are taken.
 *
 * Rules are a table; the first that is broken says its sentence.  What everyone would guess of a
 * person (words of the policy) is taken out, and what is left must do as a password by itself: so
 * "doppel-Lovelace7!" is refused, and a phrase of four words that has a name in it is not. */
#include "base/err.h"
#include "base/utf8.h"
#include "crypto/password.h"
#include "crypto/password_internal.h"

#include <stdlib.h>

enum {
    WORD_MIN = 4, /* bytes: shorter parts stand in too many words */
    RUNS_MIN = 4, /* "aaaa1234" is two runs */
    WORD_BYTES_MAX = 1024,
};

struct judged {
    struct slice normal, folded;
    struct slice rest; /* folded without the words of the policy */
    unsigned least;    /* characters */
};

static size_t characters(struct slice text)
{
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++)
        n += ((unsigned char)text.p[i] & 0xc0) != 0x80;
    return n;
}

/* Control characters come from a slip of the hand (a line end pasted along) and cannot be typed
 * everywhere: C0, DEL, and C1, which is c2 80 to c2 9f. */
static bool has_control(const struct judged *j)
{
    for (size_t i = 0; i < j->normal.n; i++) {
        unsigned char c = (unsigned char)j->normal.p[i];
        if (c < 0x20 || c == 0x7f)
            return true;
        if (c == 0xc2 && (unsigned char)j->normal.p[i + 1] < 0xa0)
            return true;
    }
    return false;
}

static bool is_short(const struct judged *j)
{
    return characters(j->normal) < j->least;
}

static bool is_common(const struct judged *j)
{
    return password_is_common(j->folded);
}

/* Is it a piece, shorter than a password, over and over? */
static bool repeats(struct slice s, unsigned least)
{
    for (size_t period = 1; period < least && 2 * period <= s.n; period++)
        if (memcmp(s.p, s.p + period, s.n - period) == 0)
            return true;
    return false;
}

static bool is_repetition(const struct judged *j)
{
    return repeats(j->folded, j->least);
}

/* How many runs is it made of: the same byte, or each one more or one less than that before? */
static unsigned runs(struct slice s)
{
    unsigned n = s.n > 0;
    for (size_t i = 1; i < s.n; i++)
        n += abs((unsigned char)s.p[i] - (unsigned char)s.p[i - 1]) > 1;
    return n;
}

static bool is_runs(const struct judged *j)
{
    return runs(j->folded) < RUNS_MIN;
}

static bool is_guessed(const struct judged *j)
{
    return j->rest.n != j->folded.n &&
           (characters(j->rest) < j->least || password_is_common(j->rest) ||
            repeats(j->rest, j->least) || runs(j->rest) < RUNS_MIN);
}

static const struct rule {
    bool (*broken)(const struct judged *j);
    const char *sentence; /* "" is made where it is said */
} rules[] = {
    {has_control, "The password has a control character in it, such as a tab or the end of a line; "
                  "leave it out."},
    {is_short, ""},
    {is_common, "This password is one of the most common, which are tried first; choose another."},
    {is_repetition, "This password is a few characters over and over; choose another."},
    {is_runs, "This password is little more than runs such as 1234 or aaaa; choose another."},
    {is_guessed, "Without your name, your address and the name of this service too little is left "
                 "of this password; choose another."},
};

static void say_short(const struct judged *j, struct buf *why)
{
    buf_addf(why, "A password has at least %u characters, and this one has %zu.", j->least,
             characters(j->normal));
    if (j->least <= PASSWORD_CHARACTERS_GOOD)
        buf_addf(why,
                 " %d or more are better: four words that have nothing to do with each other "
                 "are easy to keep in mind.",
                 PASSWORD_CHARACTERS_GOOD);
}

/* Take every occurrence of a word out of the text. */
static void take_out(struct buf *text, struct slice word)
{
    char *at, *from = text->p;
    while (text->n && (at = memmem(from, text->n - (size_t)(from - text->p), word.p, word.n))) {
        size_t behind = (size_t)(text->p + text->n - at) - word.n;
        memmove(at, at + word.n, behind);
        text->n -= word.n;
        from = at;
    }
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c & 0x80);
}

/* A word whole, and then its parts: "ada.lovelace@example.org", "lovelace", "example". */
static int take_out_with_parts(struct buf *text, struct slice word)
{
    char *folded = NULL;
    size_t n = 0;
    if (word.n > WORD_BYTES_MAX)
        word.n = WORD_BYTES_MAX;
    int err = password_folded(word, &folded, &n);
    if (err)
        return err == ERR_NOMEM ? err : 0; /* what is no text is in no password */
    if (n >= WORD_MIN)
        take_out(text, slice_of(folded, n));
    for (size_t i = 0, from = 0; i <= n; i++)
        if (i == n || !is_letter(folded[i])) {
            if (i - from >= WORD_MIN)
                take_out(text, slice_of(folded + from, i - from));
            from = i + 1;
        }
    free(folded);
    return 0;
}

static int take_out_words(struct buf *text, const struct password_policy *policy)
{
    int err = take_out_with_parts(text, SLICE_LIT("doppel"));
    for (size_t i = 0; !err && i < policy->words_n; i++)
        err = take_out_with_parts(text, policy->words[i]);
    return err;
}

static int judge(const struct judged *j, struct buf *why)
{
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (rules[i].broken(j)) {
            if (*rules[i].sentence)
                buf_add_str(why, rules[i].sentence);
            else
                say_short(j, why);
            return ERR_INVALID;
        }
    return 0;
}

int password_check(struct slice password, const struct password_policy *policy, struct buf *why)
{
    char *normal = NULL, *folded = NULL;
    const char *sentence = "";
    size_t normal_n = 0, folded_n = 0;
    struct buf rest = {0};
    if (password.n > PASSWORD_BYTES_MAX) {
        buf_addf(why, "A password has at most %d bytes, and this one has %zu.", PASSWORD_BYTES_MAX,
                 password.n);
        return ERR_INVALID;
    }
    int err = password_normal(password, &normal, &normal_n, &sentence);
    if (err == ERR_INVALID)
        buf_add_str(why, sentence);
    if (!err)
        err = password_folded(password, &folded, &folded_n);
    if (!err) {
        buf_add(&rest, folded, folded_n);
        err = rest.failed ? ERR_NOMEM : take_out_words(&rest, policy);
    }
    if (!err)
        err = judge(&(struct judged){.normal = slice_of(normal, normal_n),
                                     .folded = slice_of(folded, folded_n),
                                     .rest = buf_slice(&rest),
                                     .least = policy->characters > PASSWORD_CHARACTERS_MIN
                                                  ? policy->characters
                                                  : PASSWORD_CHARACTERS_MIN},
                    why);
    password_forget(normal, normal_n);
    password_forget(folded, folded_n);
    password_forget(rest.p, rest.n);
    return err;
}
