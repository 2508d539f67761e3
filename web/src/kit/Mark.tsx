/* The thing and its twin. */
export function Mark({ size = 24 }: { size?: number }) {
    return (
        <svg aria-hidden="true" width={size} height={size} viewBox="0 0 32 32" fill="none">
            <rect width="32" height="32" rx="7" fill="var(--accent)" />
            <g stroke="var(--on-accent)" strokeWidth="2.4">
                <circle cx="12.5" cy="16" r="6.5" />
                <circle cx="19.5" cy="16" r="6.5" strokeDasharray="2.6 2.2" />
            </g>
        </svg>
    );
}
