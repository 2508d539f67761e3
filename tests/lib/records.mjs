/* records.mjs - what the server keeps of people and tokens, put there while it does not run: so a
 * test of devices needs nobody to sign in.  The kinds are those of src/access/change.h. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { run } from "./spawned.mjs";

export const KINDS = { org: 1, person: 2, member: 3, service: 5, token: 6, grant: 9, policy: 10 };

const PYTHON = `
import json, sqlite3, sys
db = sqlite3.connect(sys.argv[1])
for kind, id, doc in json.loads(sys.argv[2]):
    db.execute("insert or replace into record (kind, id, doc) values (?, ?, ?)", (kind, id, doc))
db.commit()
`;

/* rows: [[kind, id, document]]; the server is not to run. */
export async function putRecords(data, rows) {
    const list = rows.map(([kind, id, doc]) => [KINDS[kind], id, JSON.stringify(doc)]);
    const file = join(data, "catalog.db");
    const r = await run("/usr/bin/python3", ["-c", PYTHON, file, JSON.stringify(list)]);
    assert.equal(r.code, 0, r.output);
}

const sha256 = (text) => createHash("sha256").update(text).digest("hex");

/* A person with a role in an organisation, whose token is their name. */
export function person(name, org, role, more = {}) {
    return [
        ["person", `p_${name}`, { name, email: `${name}@example.org` }],
        ["member", `${org}/p_${name}`, { role }],
        [
            "token",
            `t-${name}`,
            { hash: sha256(name), person: `p_${name}`, organization: org, ...more },
        ],
    ];
}

/* A service account, the same. */
export function service(name, org, role, more = {}) {
    return [
        ["service", `${org}/${name}`, { name, role }],
        ["token", `t-${name}`, { hash: sha256(name), service: `${org}/${name}`, ...more }],
    ];
}
