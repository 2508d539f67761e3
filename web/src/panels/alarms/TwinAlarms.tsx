/* TwinAlarms.tsx - the alarms of one twin, open and past. */

import { useAlarms } from "../../api/alarms";
import { Button } from "../../kit/Button";
import { Panel } from "../../kit/Panel";
import { panelState } from "../../kit/panelState";
import style from "./Alarms.module.css";
import { AlarmTable } from "./AlarmTable";

export function TwinAlarms({ twin }: { twin: string }) {
    const list = useAlarms({ twin });
    const alarms = list.data?.pages.flatMap((p) => p.alarms) ?? [];
    const state = panelState({
        error: list.error,
        retry: () => void list.refetch(),
        hasData: list.data !== undefined,
        loading: list.isPending,
        empty:
            list.data && alarms.length === 0
                ? { why: "never", text: "It has had no alarm." }
                : null,
    });
    return (
        <Panel title="Alarms" state={state} flush minHeight={160}>
            <AlarmTable alarms={alarms} chosen={null} />
            {list.hasNextPage && (
                <div className={style.foot}>
                    <Button onClick={() => void list.fetchNextPage()}>Show more</Button>
                </div>
            )}
        </Panel>
    );
}
