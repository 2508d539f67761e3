/* state.c - which states follow from which: the picture of control.h as a table. */
#include "control/internal.h"

#define NO (-1)

/* A result also stands for what must have come before it: a device that answers has the command. */
static const int after[][5] = {
    /* by DEED_:          DELIVER            ACCEPT            FINISH        FAIL CANCEL */
    [COMMAND_PENDING] = {COMMAND_DELIVERED, COMMAND_ACCEPTED, COMMAND_DONE, COMMAND_FAILED,
                         COMMAND_CANCELLED},
    [COMMAND_DELIVERED] = {COMMAND_DELIVERED, COMMAND_ACCEPTED, COMMAND_DONE, COMMAND_FAILED,
                           COMMAND_CANCELLED},
    [COMMAND_ACCEPTED] = {COMMAND_ACCEPTED, COMMAND_ACCEPTED, COMMAND_DONE, COMMAND_FAILED, NO},
    [COMMAND_DONE] = {COMMAND_DONE, COMMAND_DONE, COMMAND_DONE, NO, NO},
    [COMMAND_FAILED] = {COMMAND_FAILED, COMMAND_FAILED, NO, COMMAND_FAILED, NO},
    [COMMAND_TIMED_OUT] = {COMMAND_TIMED_OUT, COMMAND_TIMED_OUT, COMMAND_TIMED_OUT,
                           COMMAND_TIMED_OUT, NO},
    [COMMAND_EXPIRED] = {NO, NO, NO, NO, NO},
    [COMMAND_CANCELLED] = {NO, NO, NO, NO, COMMAND_CANCELLED},
};

int command_after(enum command_state state, enum command_deed deed, bool *ret_same)
{
    int next = after[state][deed];
    *ret_same = next == (int)state;
    return next;
}
