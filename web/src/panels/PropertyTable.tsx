/* PropertyTable.tsx - every sensor of a twin, live. */

import type { Sensor } from "../base/wire";
import { cx } from "../kit/cx";
import { Table, tableStyle } from "../kit/Table";
import { useVisible } from "../kit/useVisible";
import { useBackfill } from "./backfill";
import style from "./PropertyTable.module.css";
import { AgeCell, LevelCell, QualityCell, SparkCell, ValueCell } from "./SensorCells";

export interface PropertyTableProps {
    twin: string;
    sensors: Sensor[];
    chosen?: string | undefined;
    choose?: (sensor: string) => void;
}

function Row(props: { twin: string; sensor: Sensor; chosen: boolean; choose?: () => void }) {
    const { twin, sensor, chosen, choose } = props;
    const [ref, visible] = useVisible<HTMLTableRowElement>();
    useBackfill(twin, [sensor], visible);
    const name = (
        <>
            <span>{sensor.name}</span>
            <small>{sensor.id}</small>
        </>
    );
    return (
        <tr ref={ref} className={cx(chosen && style.chosen)}>
            <td>
                {choose ? (
                    <button
                        type="button"
                        className={style.name}
                        aria-pressed={chosen}
                        onClick={choose}
                    >
                        {name}
                    </button>
                ) : (
                    <span className={style.name}>{name}</span>
                )}
            </td>
            <td className={cx(tableStyle.num, style.value)}>
                <ValueCell twin={twin} sensor={sensor} />
            </td>
            <td>
                <LevelCell twin={twin} sensor={sensor} />
            </td>
            <td className={style.spark}>
                {visible && <SparkCell twin={twin} sensor={sensor} width={84} height={24} />}
            </td>
            <td className={style.age}>
                <AgeCell twin={twin} sensor={sensor} />
            </td>
            <td className={style.optional}>
                <QualityCell twin={twin} sensor={sensor} />
            </td>
        </tr>
    );
}

export function PropertyTable({ twin, sensors, chosen, choose }: PropertyTableProps) {
    return (
        <div className={style.wrap}>
            <Table
                caption="Properties"
                head={
                    <>
                        <th scope="col">Property</th>
                        <th scope="col" className={tableStyle.num}>
                            Value
                        </th>
                        <th scope="col">Level</th>
                        <th scope="col" className={style.spark}>
                            Last minute
                        </th>
                        <th scope="col">Age</th>
                        <th scope="col" className={style.optional}>
                            Quality
                        </th>
                    </>
                }
            >
                {sensors.map((sensor) => (
                    <Row
                        key={sensor.id}
                        twin={twin}
                        sensor={sensor}
                        chosen={sensor.id === chosen}
                        {...(choose ? { choose: () => choose(sensor.id) } : {})}
                    />
                ))}
            </Table>
        </div>
    );
}
