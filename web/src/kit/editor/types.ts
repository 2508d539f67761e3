import type { Finding } from "../../base/wire";

export interface Spot {
    line: number;
    column: number;
}

export interface CodeEditorProps {
    value: string;
    onChange: (text: string) => void;
    label: string;
    findings?: Finding[] | undefined;
    /* a new object moves the cursor there */
    goTo?: Spot | null | undefined;
    readOnly?: boolean;
}
