/* AlarmTable.tsx - alarms in rows, some of which can be chosen. */

import { Link } from "wouter";
import type { Alarm } from "../../api/alarms";
import { dateTime } from "../../base/time";
import { Table } from "../../kit/Table";
import { SeverityBadge, stateWord } from "./AlarmBadges";
import style from "./Alarms.module.css";

export interface AlarmTableProps {
    alarms: Alarm[];
    /* NULL: none can be chosen */
    chosen: Set<string> | null;
    choose?: (id: string, on: boolean) => void;
    twins?: boolean;
}

function Row({ alarm, chosen, choose, twins }: AlarmTableProps & { alarm: Alarm }) {
    return (
        <tr>
            {chosen && (
                <td>
                    <input
                        type="checkbox"
                        aria-label={`Choose ${alarm.message ?? alarm.id}`}
                        checked={chosen.has(alarm.id)}
                        onChange={(e) => choose?.(alarm.id, e.target.checked)}
                    />
                </td>
            )}
            <td>
                <SeverityBadge severity={alarm.severity} />
            </td>
            <td>
                <Link href={`/alarms/${alarm.id}`} className={style.message ?? ""}>
                    {alarm.message ?? alarm.id}
                </Link>
                {alarm.count > 1 && alarm.source !== "flood" && (
                    <span className={style.sub}>{alarm.count} times</span>
                )}
            </td>
            {twins && (
                <td>
                    {alarm.twin && (
                        <Link href={`/twins/${encodeURIComponent(alarm.twin)}`}>
                            {alarm.twinName ?? alarm.twin}
                        </Link>
                    )}
                </td>
            )}
            <td>{stateWord(alarm)}</td>
            <td>{dateTime(Date.parse(alarm.raised))}</td>
        </tr>
    );
}

export function AlarmTable(props: AlarmTableProps) {
    return (
        <Table
            caption="List of alarms"
            hover
            head={
                <>
                    {props.chosen && (
                        <th scope="col">
                            <span className="sr-only">Choose</span>
                        </th>
                    )}
                    <th scope="col">Severity</th>
                    <th scope="col">What</th>
                    {props.twins && <th scope="col">Twin</th>}
                    <th scope="col">State</th>
                    <th scope="col">Raised</th>
                </>
            }
        >
            {props.alarms.map((alarm) => (
                <Row key={alarm.id} {...props} alarm={alarm} />
            ))}
        </Table>
    );
}
