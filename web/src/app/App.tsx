import { QueryClientProvider } from "@tanstack/react-query";
import { lazy, Suspense, useEffect } from "react";
import { Route, Switch } from "wouter";
import { queryClient } from "../api/queries";
import { Boundary, Skeleton } from "../kit/Panel";
import { Reauthenticate } from "../kit/Reauthenticate";
import { Toasts } from "../kit/Toasts";
import { Home } from "../pages/Home";
import { NotFound } from "../pages/NotFound";
import { Gate } from "./Gate";
import { Shell } from "./Shell";

const load = {
    twins: () => import("../pages/Twins"),
    twin: () => import("../pages/Twin"),
    connect: () => import("../pages/Connect"),
};
const Twins = lazy(load.twins);
const Twin = lazy(load.twin);
const Connect = lazy(load.connect);
const Graph = lazy(() => import("../pages/Graph"));
const Alarms = lazy(() => import("../pages/Alarms"));
const AlarmPage = lazy(() => import("../pages/AlarmPage"));
const Destinations = lazy(() => import("../pages/Destinations"));
const Query = lazy(() => import("../pages/Query"));
const Types = lazy(() => import("../pages/Types"));
const TypePage = lazy(() => import("../pages/TypePage"));
const Devices = lazy(() => import("../pages/Devices"));
const Shared = lazy(() => import("../pages/Shared"));
const Account = lazy(() => import("../pages/Account"));
const Organization = lazy(() => import("../pages/Organization"));
const Audit = lazy(() => import("../pages/Audit"));
const Installation = lazy(() => import("../pages/Installation"));
const Setup = lazy(() => import("../pages/Setup"));
const Invitation = lazy(() => import("../pages/Invitation"));
const ShareLink = lazy(() => import("../pages/ShareLink"));

/* Once the first page stands, the others come along, so that going there takes no time. */
const SETTLED_MS = 2_000;

function usePreload(): void {
    useEffect(() => {
        const timer = setTimeout(() => {
            for (const one of Object.values(load)) void one().catch(() => {});
        }, SETTLED_MS);
        return () => clearTimeout(timer);
    }, []);
}

function Inside() {
    usePreload();
    return (
        <Shell>
            <Boundary>
                <Suspense fallback={<Skeleton lines={6} />}>
                    <Switch>
                        <Route path="/" component={Home} />
                        <Route path="/twins">
                            <Twins />
                        </Route>
                        <Route path="/twins/:id/:tab?">
                            {(params) => (
                                <Twin
                                    key={params.id}
                                    id={decodeURIComponent(params.id)}
                                    tab={params.tab}
                                />
                            )}
                        </Route>
                        <Route path="/graph" component={Graph} />
                        <Route path="/alarms" component={Alarms} />
                        <Route path="/alarms/:id">
                            {(params) => <AlarmPage key={params.id} id={params.id} />}
                        </Route>
                        <Route path="/destinations" component={Destinations} />
                        <Route path="/ask" component={Query} />
                        <Route path="/types" component={Types} />
                        <Route path="/types/:id">
                            {(params) => (
                                <TypePage key={params.id} id={decodeURIComponent(params.id)} />
                            )}
                        </Route>
                        <Route path="/connect">
                            <Connect />
                        </Route>
                        <Route path="/devices" component={Devices} />
                        <Route path="/shared" component={Shared} />
                        <Route path="/account" component={Account} />
                        <Route path="/organization" component={Organization} />
                        <Route path="/audit" component={Audit} />
                        <Route path="/installation" component={Installation} />
                        <Route component={NotFound} />
                    </Switch>
                </Suspense>
            </Boundary>
        </Shell>
    );
}

/* Links that bring their own right to enter stand before the gate. */
export function App() {
    return (
        <QueryClientProvider client={queryClient}>
            <Suspense fallback={null}>
                <Switch>
                    <Route path="/setup" component={Setup} />
                    <Route path="/invitation" component={Invitation} />
                    <Route path="/share" component={ShareLink} />
                    <Route>
                        <Gate>
                            <Inside />
                        </Gate>
                    </Route>
                </Switch>
            </Suspense>
            <Reauthenticate />
            <Toasts />
        </QueryClientProvider>
    );
}
