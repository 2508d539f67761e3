import { useLeastRole } from "../api/accessQueries";
import { useMay, useSession } from "../api/session";
import { operationWords } from "../base/access";
import { AskForIt } from "./AskForIt";
import { Icon } from "./Icon";
import style from "./Refusal.module.css";

/* In place of a button that would be refused: the role that it needs, and how to come by it.  For a
 * person only; a guest with a link has nobody to ask. */
export function NeedsRole({ operation }: { operation: string }) {
    const may = useMay(operation);
    const person = useSession().data?.person;
    const role = useLeastRole(operation, !may && person !== undefined);
    if (may || !person || !role) return null;
    return (
        <span className={style.needs}>
            <Icon name="lock" size={14} />
            To {operationWords(operation)} needs the role “{role}”.
            <AskForIt operation={operation} role={role} organization={null} />
        </span>
    );
}
