import { QueryClientProvider } from "@tanstack/react-query";
import { lazy, Suspense, useEffect } from "react";
import { Route, Switch } from "wouter";
import { queryClient } from "../api/queries";
import { Boundary, Skeleton } from "../kit/Panel";
import { Home } from "../pages/Home";
import { NotFound } from "../pages/NotFound";
import { Shell } from "./Shell";

const load = {
    twins: () => import("../pages/Twins"),
    twin: () => import("../pages/Twin"),
    connect: () => import("../pages/Connect"),
};
const Twins = lazy(load.twins);
const Twin = lazy(load.twin);
const Connect = lazy(load.connect);

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

export function App() {
    usePreload();
    return (
        <QueryClientProvider client={queryClient}>
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
                            <Route path="/connect">
                                <Connect />
                            </Route>
                            <Route component={NotFound} />
                        </Switch>
                    </Suspense>
                </Boundary>
            </Shell>
        </QueryClientProvider>
    );
}
