import type { Finding } from "../../base/wire";

export interface Spot {
    line: number;
    column: number;
}

/* What completion of SQL knows. */
export interface SqlWords {
    tables: Record<string, string[]>;
    functions: string[];
    /* offered within quotes */
    ids: string[];
}

export interface CodeEditorProps {
    value: string;
    onChange: (text: string) => void;
    label: string;
    findings?: Finding[] | undefined;
    /* a new object moves the cursor there */
    goTo?: Spot | null | undefined;
    readOnly?: boolean;
    /* SQL instead of JSON */
    sql?: SqlWords | undefined;
    /* Ctrl+Enter */
    onRun?: (() => void) | undefined;
}
