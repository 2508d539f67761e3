import { ApiError } from "../api/client";
import { operationWords } from "../base/access";
import { AskForIt } from "./AskForIt";
import { Icon } from "./Icon";
import { denialOf } from "./panelState";
import style from "./Refusal.module.css";

/* Why something did not work, where it was tried; a missing role can be asked for. */
export function Refusal({ error, what }: { error: unknown; what?: string }) {
    if (!error) return null;
    const denial = error instanceof ApiError && error.status === 403 ? denialOf(error) : null;
    const named = denial?.operation && denial.role;
    const text = named
        ? `You may not ${operationWords(denial.operation ?? "")}: it needs the role “${denial.role}”${denial.organization ? ` in ${denial.organization}` : ""}.`
        : error instanceof Error
          ? error.message
          : String(error);
    return (
        <div role="alert" className={style.refusal}>
            <Icon name={named ? "lock" : "crit"} />
            <span>
                {what && `${what}: `}
                {text}
            </span>
            {named && <AskForIt {...denial} />}
        </div>
    );
}
