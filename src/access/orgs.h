/* orgs.h - organisations and who belongs to them: members, teams, services, invitations, requests.
 *
 * What ends in (struct change *) is prepare() of a change whose arg is a struct ask (ask.h), and
 * does one thing of docs/access.md's chapter "Organisations".  All on the loop's thread. */
#ifndef ACCESS_ORGS_H
#define ACCESS_ORGS_H

#include "access/ask.h"

enum { /* each more than anybody needs, and few enough to be held in memory */
       ORGS_MAX = 10000,
       MEMBERS_MAX = 10000, /* of an organisation; of a team too */
       MEMBERSHIPS_MAX = 200,
       TEAMS_MAX = 500,
       SERVICES_MAX = 500,
       SERVICE_TOKENS_MAX = 20,
       INVITATIONS_MAX = 500,
       REQUESTS_MAX = 1000,
       REQUESTS_OPEN_MAX = 5, /* of a person in an organisation */
       SLUG_BYTES = 40,
};

/* orgs.c */
bool org_is_slug(struct slice s);
int org_make(struct change *ch);   /* {"id","name"?} */
int org_rename(struct change *ch); /* {"name"} */
int org_remove(struct change *ch); /* an empty one, never the first */
int org_set_quotas(struct change *ch);

/* members.c */
int member_set_role(struct change *ch); /* {"role"}; sub: - */
int member_remove(struct change *ch);   /* by an administrator, or oneself */
int team_make(struct change *ch);       /* {"name","members"?} */
int team_change(struct change *ch);     /* {"name"?,"members"?} */
int team_remove(struct change *ch);
int team_add(struct change *ch);  /* sub: a person's id */
int team_drop(struct change *ch); /* the same */

/* administrators.c: of the installation; id: a person's */
int administrator_add(struct change *ch);
int administrator_remove(struct change *ch);

/* services.c */
int service_make(struct change *ch);   /* {"name","role"} */
int service_change(struct change *ch); /* {"name"?,"role"?} */
int service_remove(struct change *ch);
int service_token_make(struct change *ch);   /* {"name","scopes"?,"expires"?} */
int service_token_remove(struct change *ch); /* sub: the token's id */
/* The scopes of a body within what the asker may and `most`; *ret_list for the document. */
int ask_scopes(struct change *ch, const struct jval *body, const struct org *org, uint64_t most,
               const struct jval **ret_list);

/* invitations.c */
int invitation_make(struct change *ch); /* {"email"?,"role","teams"?,"expires"?} */
int invitation_remove(struct change *ch);
/* The invitation of a token.  ERR_NOT_FOUND: there is none, or it was used; ERR_TOKEN_EXPIRED. */
int invitation_find(const struct access *a, struct slice token, int64_t now_us,
                    struct entity **ret);
/* NULL: there is none any more, or who made it could not make it now. */
struct org *invitation_org(const struct access *a, const struct entity *invitation);
/* Who was invited is this person: puts the membership, the teams, and that the invitation is used.
 * person_id may be of somebody who is made in the same change: then person is NULL. */
int invitation_use(struct change *ch, struct entity *invitation, const char *person_id,
                   const struct person *person);
int invitation_accept(struct change *ch); /* {"token"}, by somebody who is signed in */

/* requests.c */
int request_make(struct change *ch);   /* {"operation","object"?,"message"?} */
int request_decide(struct change *ch); /* {"decision","role"?} */

/* forget.c: what goes with somebody or something */
void forget_membership(struct change *ch, const struct member *m);
int forget_person(struct change *ch, const struct person *p); /* everything but the person */
void forget_org(struct change *ch, const struct org *o);
void forget_team(struct change *ch, const struct team *t);
void forget_grant(struct change *ch, const struct grant *g);
void forget_service(struct change *ch, const struct service *s);
/* ERR_CONFLICT when the organisation had no administrator any more without this one. */
int keep_an_administrator(struct change *ch, const struct member *m);

#endif
