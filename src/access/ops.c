#include "access/ops.h"

static const struct access_op_info ops[] = {
#define X(name, text, from, right, about, what) [name] = {text, from, right, about, what},
    ACCESS_OPS(X)
#undef X
};

static const char *const roles[] = {"none", "viewer", "operator", "editor", "administrator"};

const struct access_op_info *op_info(enum access_op op)
{
    return &ops[op];
}

int op_by_name(struct slice name)
{
    for (int i = 0; i < OP_COUNT; i++)
        if (slice_is(name, ops[i].name))
            return i;
    return -1;
}

uint64_t ops_of_role(enum access_role role)
{
    uint64_t set = 0;
    for (int i = 0; i < OP_COUNT; i++)
        if (ops[i].from <= (int)role)
            set |= OP_BIT(i);
    return set;
}

uint64_t ops_of_device(void)
{
    return OP_BIT(OP_DATA_WRITE) | OP_BIT(OP_COMMANDS_RECEIVE);
}

const char *role_name(enum access_role role)
{
    return roles[role];
}

enum access_role role_by_name(struct slice name)
{
    for (int i = ROLE_VIEWER; i <= ROLE_ADMINISTRATOR; i++)
        if (slice_is(name, roles[i]))
            return (enum access_role)i;
    return ROLE_NONE;
}
