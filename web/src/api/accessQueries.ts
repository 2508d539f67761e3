/* accessQueries.ts - the questions of access.ts as react-query knows them. */

import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { ROLES, type Role } from "../base/access";
import * as ask from "./access";
import { queryClient } from "./queries";
import { SESSION, useLocked, useMay, useSession } from "./session";

/* What a change makes old: the whole family of an answer, by the first words of its key. */
export function refresh(...families: string[]): Promise<unknown> {
    return Promise.all(
        families.map((family) =>
            queryClient.invalidateQueries({ queryKey: family === "session" ? SESSION : [family] }),
        ),
    );
}

/* The organisation that this session is for. */
export function useOrg(): string {
    return useSession().data?.organization?.id ?? "";
}

export function useAccount() {
    return useQuery({
        queryKey: ["account"],
        queryFn: ({ signal }) => ask.readAccount(signal),
    });
}

export function useSessions() {
    return useQuery({
        queryKey: ["sessions"],
        queryFn: ({ signal }) => ask.listSessions(signal).then((a) => a.sessions),
    });
}

export function usePasskeys() {
    return useQuery({
        queryKey: ["passkeys"],
        queryFn: ({ signal }) => ask.listPasskeys(signal).then((a) => a.passkeys),
    });
}

export function useIdentities() {
    return useQuery({
        queryKey: ["identities"],
        queryFn: ({ signal }) => ask.listIdentities(signal).then((a) => a.identities),
    });
}

export function useTokens() {
    return useQuery({
        queryKey: ["tokens"],
        queryFn: ({ signal }) => ask.listTokens(signal).then((a) => a.tokens),
    });
}

export function useMembers() {
    const org = useOrg();
    return useQuery({
        queryKey: ["members", org],
        queryFn: ({ signal }) => ask.listMembers(org, signal),
        enabled: org !== "",
    });
}

export function useTeams() {
    const org = useOrg();
    return useQuery({
        queryKey: ["teams", org],
        queryFn: ({ signal }) => ask.listTeams(org, signal),
        enabled: org !== "",
    });
}

export function useInvitations() {
    const org = useOrg();
    return useQuery({
        queryKey: ["invitations", org],
        queryFn: ({ signal }) => ask.listInvitations(org, signal),
        enabled: org !== "",
    });
}

export function useServices() {
    const org = useOrg();
    return useQuery({
        queryKey: ["services", org],
        queryFn: ({ signal }) => ask.listServices(org, signal),
        enabled: org !== "",
    });
}

export function useServiceTokens(service: string) {
    const org = useOrg();
    return useQuery({
        queryKey: ["services", org, service],
        queryFn: ({ signal }) => ask.listServiceTokens(org, service, signal).then((a) => a.tokens),
        enabled: org !== "" && service !== "",
    });
}

export function useUsage(of: string) {
    return useQuery({
        queryKey: ["usage", of],
        queryFn: ({ signal }) => ask.readUsage(of, signal),
        refetchInterval: 15_000,
        enabled: of !== "",
    });
}

export function useRequests(wanted: boolean) {
    const org = useOrg();
    return useQuery({
        queryKey: ["requests", org],
        queryFn: ({ signal }) => ask.listRequests(org, signal),
        refetchInterval: 30_000,
        enabled: wanted && org !== "",
    });
}

/* The least role that may do something, where a role may. */
export function useLeastRole(operation: string, wanted = true): Role | null {
    const { data } = useQuery({
        queryKey: ["operations"],
        queryFn: ({ signal }) => ask.listOperations(signal).then((a) => a.operations),
        staleTime: Number.POSITIVE_INFINITY,
        enabled: wanted,
    });
    const from = data?.find((o) => o.name === operation)?.from;
    return ROLES.find((role) => role === from) ?? null;
}

export function useOrganizations() {
    return useQuery({
        queryKey: ["organizations"],
        queryFn: ({ signal }) => ask.listOrganizations(signal),
    });
}

export function useAdministrators() {
    return useQuery({
        queryKey: ["administrators"],
        queryFn: ({ signal }) => ask.listAdministrators(signal),
    });
}

export function useGrants(object: string) {
    return useQuery({
        queryKey: ["grants", object],
        queryFn: ({ signal }) => ask.listGrants(object, signal),
    });
}

export function useShared(wanted = true) {
    return useQuery({
        queryKey: ["shared"],
        queryFn: ({ signal }) => ask.listShared(signal).then((a) => a.twins),
        enabled: wanted,
    });
}

/* The same as useMay() for one twin, which a grant may have given more of; a twin of another
 * organisation is known by its grant alone.  Until the answers are here, nothing is left out. */
export function useMayOn(twin: string, operation: string): boolean {
    const foreign = twin.includes("~");
    const role = useMay(operation) && !foreign;
    const locked = useLocked();
    const least = useLeastRole(operation, locked && !role);
    const shared = useShared(locked && !role).data;
    if (role || !locked || !shared || !least) return role || !locked || foreign;
    const given = shared.find((one) => one.id === twin)?.role;
    return given !== undefined && ROLES.indexOf(given) >= ROLES.indexOf(least);
}

export function usePeople(query: string) {
    return useQuery({
        queryKey: ["people", query],
        queryFn: ({ signal }) => ask.findPeople(query, signal),
        enabled: query !== "",
        placeholderData: keepPreviousData,
    });
}

export function usePolicy(twin: string) {
    return useQuery({
        queryKey: ["policy", twin],
        queryFn: ({ signal }) => ask.readPolicy(twin, signal),
    });
}

export function useDevices() {
    return useInfiniteQuery({
        queryKey: ["devices"],
        queryFn: ({ pageParam, signal }) => ask.listDevices(pageParam, signal),
        initialPageParam: null as string | null,
        getNextPageParam: (last) => last.next ?? null,
        /* a long list is asked for page by page, so less often */
        refetchInterval: (query) => ((query.state.data?.pages.length ?? 0) > 2 ? 60_000 : 10_000),
    });
}

export function useCredentials(twin: string) {
    return useQuery({
        queryKey: ["credentials", twin],
        queryFn: ({ signal }) => ask.listCredentials(twin, signal).then((a) => a.credentials),
    });
}

export function useProvisioningKeys() {
    return useQuery({
        queryKey: ["provisioning-keys"],
        queryFn: ({ signal }) => ask.listProvisioningKeys(signal),
    });
}

export function useProviders() {
    return useQuery({
        queryKey: ["providers"],
        queryFn: ({ signal }) => ask.listProviders(signal),
    });
}

const AUDIT_PAGE = 50;

export function useAudit(org: string | null, filter: ask.AuditFilter) {
    return useInfiniteQuery({
        queryKey: ["audit", org, filter],
        queryFn: ({ pageParam, signal }) =>
            ask.readAudit(org, filter, { limit: AUDIT_PAGE, cursor: pageParam }, signal),
        initialPageParam: null as string | null,
        getNextPageParam: (last) => last.next ?? null,
        placeholderData: keepPreviousData,
        enabled: org !== "",
    });
}
