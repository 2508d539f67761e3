/* Connect.tsx - from a device to a moving twin: a twin, a reading, and seeing it arrive. */

import { useEffect } from "react";
import { useLocation, useSearch } from "wouter";
import { useTwinSensors } from "../api/queries";
import { Panel } from "../kit/Panel";
import { useTitle } from "../kit/useTitle";
import { ChooseTwin } from "../panels/connect/ChooseTwin";
import { Listening } from "../panels/connect/Listening";
import { RefusedPanel } from "../panels/connect/RefusedPanel";
import { SendReading } from "../panels/connect/SendReading";
import style from "./Connect.module.css";

export default function Connect() {
    useTitle("Connect");
    const [, navigate] = useLocation();
    const params = new URLSearchParams(useSearch());
    const twin = params.get("twin");
    const wanted = params.get("new");
    const sensors = useTwinSensors(twin ?? "");
    const choose = (id: string | null) =>
        navigate(id ? `/connect?twin=${encodeURIComponent(id)}` : "/connect");
    const create = (id: string) => {
        navigate(`/connect?new=${encodeURIComponent(id)}`);
        scrollTo({ top: 0, behavior: "smooth" });
    };
    useEffect(() => {
        if (location.hash === "#refused") document.getElementById("refused")?.scrollIntoView();
    }, []);
    const facts = {
        sensors: twin ? sensors.data : undefined,
        error: sensors.error,
        retry: () => void sensors.refetch(),
    };
    return (
        <>
            <div className={style.head}>
                <h1>Connect</h1>
                <p>Choose a twin, send it a reading, and see it arrive.</p>
            </div>
            <div className={style.columns}>
                <div className={style.column}>
                    <ChooseTwin twin={twin} wanted={wanted} choose={choose} />
                    <SendReading twin={twin} {...facts} />
                </div>
                <div className={style.column}>
                    {twin ? (
                        <Listening key={twin} twin={twin} {...facts} />
                    ) : (
                        <Panel
                            title="3. See it arrive"
                            minHeight={160}
                            state={{
                                kind: "misconfigured",
                                text: "Once a twin is chosen, its readings appear here as they come.",
                            }}
                        />
                    )}
                    <RefusedPanel create={create} />
                </div>
            </div>
        </>
    );
}
