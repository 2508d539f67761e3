import encodeQR from "qr";
import { useMemo } from "react";

/* A QR code as one path of black squares; on white in every theme, as cameras want it. */
export function Qr({ text, label, size = 184 }: { text: string; label: string; size?: number }) {
    const { path, side } = useMemo(() => {
        const rows = encodeQR(text, "raw", { ecc: "medium", border: 4 });
        let d = "";
        rows.forEach((row, y) => {
            row.forEach((dark, x) => {
                if (dark) d += `M${x} ${y}h1v1h-1z`;
            });
        });
        return { path: d, side: rows.length };
    }, [text]);
    return (
        <svg
            role="img"
            aria-label={label}
            width={size}
            height={size}
            viewBox={`0 0 ${side} ${side}`}
            shapeRendering="crispEdges"
            style={{ borderRadius: 6, background: "#fff", flex: "none" }}
        >
            <path d={path} fill="#000" />
        </svg>
    );
}
