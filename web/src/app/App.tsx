import { QueryClientProvider } from "@tanstack/react-query";
import { lazy, Suspense } from "react";
import { Route, Switch } from "wouter";
import { queryClient } from "../api/queries";
import { Boundary, Skeleton } from "../kit/Panel";
import { Home } from "../pages/Home";
import { NotFound } from "../pages/NotFound";
import { Shell } from "./Shell";

const Twins = lazy(() => import("../pages/Twins"));
const Twin = lazy(() => import("../pages/Twin"));
const Connect = lazy(() => import("../pages/Connect"));

export function App() {
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
