/* SensorCells.tsx - the parts of a sensor that move; only these render when a reading comes. */

import { formatValue, unitSign } from "../base/format";
import type { Sensor } from "../base/wire";
import { AgeText } from "../kit/Age";
import { LevelBadge, QualityBadge, StateBadge } from "../kit/Badge";
import { Sparkline } from "../kit/Sparkline";
import { useSensorLevel, useSensorReading, useSensorState } from "../live/hooks";
import { store } from "../live/live";
import style from "./SensorCells.module.css";

export interface CellProps {
    twin: string;
    sensor: Sensor;
}

export function ValueCell({ twin, sensor, large }: CellProps & { large?: boolean }) {
    const reading = useSensorReading(twin, sensor);
    const state = useSensorState(sensor, reading.t);
    const sign = unitSign(sensor.unit);
    const series = store.series(twin, sensor.id);
    const text = formatValue(
        reading.value,
        typeof reading.value === "number" && series.decimals > 0 ? series.decimals : undefined,
    );
    return (
        <span className={large ? style.large : style.value} data-state={state}>
            <span className={style.number} data-testid={`value-${sensor.id}`}>
                {text}
            </span>
            {sign && typeof reading.value === "number" && (
                <span className={style.unit} title={sensor.unit}>
                    {sign}
                </span>
            )}
        </span>
    );
}

/* On a card: nothing is said of a sensor that has no range. */
export function CardLevel(props: CellProps) {
    const reading = useSensorReading(props.twin, props.sensor);
    const state = useSensorState(props.sensor, reading.t);
    const level = useSensorLevel(props.twin, props.sensor);
    if (state !== "live") return <StateBadge state={state} />;
    return level === "unknown" ? null : <LevelBadge level={level} />;
}

/* Level while it lives; what it is instead when it does not. */
export function LevelCell({ twin, sensor }: CellProps) {
    const reading = useSensorReading(twin, sensor);
    const state = useSensorState(sensor, reading.t);
    const level = useSensorLevel(twin, sensor);
    return state === "live" ? <LevelBadge level={level} /> : <StateBadge state={state} />;
}

export function AgeCell({ twin, sensor }: CellProps) {
    const reading = useSensorReading(twin, sensor);
    return <AgeText t={reading.t} none="never" />;
}

export function QualityCell({ twin, sensor }: CellProps) {
    return <QualityBadge quality={useSensorReading(twin, sensor).quality} />;
}

export function SparkCell(props: CellProps & { width: number; height: number }) {
    const level = useSensorLevel(props.twin, props.sensor);
    const { t } = useSensorReading(props.twin, props.sensor);
    const stale = useSensorState(props.sensor, t) === "stale";
    const text = typeof props.sensor.value === "string" || props.sensor.type === "text";
    if (text)
        return <span style={{ display: "block", width: props.width, height: props.height }} />;
    return <Sparkline {...props} tone={stale ? "stale" : level} />;
}
